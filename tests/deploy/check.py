"""What is given out in deploy/ and .github/, read as YAML: every file parses, and what one place names another has.
Tools of the machine (systemd-analyze, kubectl, nginx) are asked as well where they are there. Needs pyyaml."""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import yaml

root = pathlib.Path(__file__).resolve().parents[2]
faults = []


def expect(right, what):
    if not right:
        faults.append(what)


def documents(path):
    with open(path) as file:
        return [document for document in yaml.safe_load_all(file) if document is not None]


files = [*root.glob("deploy/**/*.yaml"), *root.glob("deploy/**/*.yml"), *root.glob(".github/workflows/*.yml")]
parsed = {path.relative_to(root).as_posix(): documents(path) for path in files}
expect(len(parsed) >= 12, f"only {len(parsed)} files of YAML")

# compose: what a service names is declared, files that are mounted are there, nothing is published to others.
compose = parsed["deploy/compose.yaml"][0]
for name, service in compose["services"].items():
    for other in service.get("depends_on", {}):
        expect(other in compose["services"], f"compose: {name} depends on {other}")
        wanted = service["depends_on"][other]["condition"]
        if wanted == "service_healthy":
            expect("healthcheck" in compose["services"][other], f"compose: {other} has no health check")
    for network in service.get("networks", []):
        expect(network in compose["networks"], f"compose: {name}: network {network}")
    for secret in service.get("secrets", []):
        expect(secret in compose["secrets"], f"compose: {name}: secret {secret}")
    for volume in service.get("volumes", []):
        source = volume.split(":")[0]
        known = (root / "deploy" / source).exists() if source.startswith(".") else source in compose["volumes"]
        expect(known, f"compose: {name}: volume {source}")
    for port in service.get("ports", []):
        expect(port.startswith("127.0.0.1:"), f"compose: {name}: {port} is published to others")
    expect(service.get("restart") == "unless-stopped", f"compose: {name} has no restart policy")

# Prometheus: every rule has an expression, a severity and words.
for group in parsed["deploy/prometheus/alerts.yml"][0]["groups"]:
    for rule in group["rules"]:
        expect(rule.get("expr") and rule["labels"]["severity"] in ("page", "warn"), f"alerts: {rule['alert']}")
        expect(rule["annotations"].get("summary"), f"alerts: {rule['alert']} says nothing")

# Kubernetes: names that one document uses are made by another or told in the document of secrets.
kinds = {}
for path, all_of_it in parsed.items():
    if path.startswith("deploy/kubernetes/"):
        for document in all_of_it:
            kinds[document["kind"], document.get("metadata", {}).get("name")] = document
resources = parsed["deploy/kubernetes/kustomization.yaml"][0]["resources"]
for resource in resources:
    expect((root / "deploy/kubernetes" / resource).exists(), f"kubernetes: {resource}")
expect("secret.example.yaml" not in resources, "kubernetes: an example of secrets would be applied")
spec = kinds["StatefulSet", "tradewind"]["spec"]
pod = spec["template"]["spec"]
container = pod["containers"][0]
expect(spec["replicas"] == 1, "kubernetes: more than one engine on a profile")
expect(("Service", spec["serviceName"]) in kinds, "kubernetes: no such service")
volumes = {volume["name"] for volume in pod["volumes"]} | {claim["metadata"]["name"] for claim in spec["volumeClaimTemplates"]}
for mount in container["volumeMounts"]:
    expect(mount["name"] in volumes, f"kubernetes: volume {mount['name']}")
ports = {port["name"] for port in container["ports"]}
for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
    expect(container[probe]["httpGet"]["port"] in ports, f"kubernetes: {probe}")
labels = spec["template"]["metadata"]["labels"]
for kind in ("Service", "NetworkPolicy"):
    chosen = kinds[kind, "tradewind"]["spec"]
    chosen = chosen.get("selector") or chosen["podSelector"]["matchLabels"]
    expect(chosen.items() <= labels.items(), f"kubernetes: {kind} chooses nobody")

# Workflows: `on` is read as a truth value by YAML 1.1.
for name in ("ci", "release"):
    flow = parsed[f".github/workflows/{name}.yml"][0]
    expect(True in flow or "on" in flow, f"{name}: runs never")
    for job in flow["jobs"].values():
        for step in job["steps"]:
            expect(("run" in step) != ("uses" in step), f"{name}: {step}")


def ask(words, what, **more):
    if shutil.which(words[0]) is None:
        print(f"skipped: {what}: no {words[0]} here")
        return
    done = subprocess.run(words, capture_output=True, text=True, **more)
    expect(done.returncode == 0, f"{what}: {done.stdout}{done.stderr}")
    print(f"asked: {what}")


with tempfile.TemporaryDirectory() as folder:
    folder = pathlib.Path(folder)
    for name in ("tradewind", "tradewind-user"):
        text = (root / f"deploy/systemd/{name}.service").read_text()
        text = re.sub(r"^ExecStart=\S+/tradewind", "ExecStart=/bin/true", text, flags=re.M)
        unit = folder / f"{name}.service"
        unit.write_text(text)
        ask(["systemd-analyze", "verify", str(unit)], f"unit {name}")
    site = (root / "deploy/nginx/tradewind.conf").read_text()
    if shutil.which("openssl"):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=t", "-days", "2",
                        "-keyout", folder / "key.pem", "-out", folder / "cert.pem"], check=True, capture_output=True)
    site = re.sub(r"(ssl_certificate\s+)\S+;", rf"\g<1>{folder}/cert.pem;", site)
    site = re.sub(r"(ssl_certificate_key\s+)\S+;", rf"\g<1>{folder}/key.pem;", site)
    (folder / "nginx.conf").write_text(f"pid {folder}/pid;\nevents {{}}\nhttp {{\n{site}\n}}\n")
    ask(["nginx", "-t", "-q", "-c", str(folder / "nginx.conf")], "nginx")
ask(["kubectl", "kustomize", str(root / "deploy/kubernetes")], "kustomize")

print(f"{len(parsed)} files read")
if faults:
    sys.exit("\n".join(faults))
