// The real program for the browser's test: a home of its own, an engine that ends with it, users, keys, codes.

import { spawn, spawnSync } from "node:child_process";
import { createHmac } from "node:crypto";
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const USER = "anna";
export const PASSWORD = "correct horse battery";
const LIMITS = "[limits]\nrate_burst = 10000\nrate_per_second = 10000\nduplicate_window_ms = 0\n";

/** Waits until `ready` gives something, for five minutes at most: a debug build begins slowly on a busy machine. */
export async function until(what, ready, within = 300000) {
  const begun = Date.now();
  for (;;) {
    const got = await ready();
    if (got) return got;
    if (Date.now() - begun > within) throw new Error(`in vain waited for: ${what}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

const freePort = () => new Promise((done) => {
  const server = createServer().listen(0, "127.0.0.1", () => {
    const { port } = server.address();
    server.close(() => done(port));
  });
});

/** The code of a secret (base 32) so many steps from now. */
export function totp(secret, ahead) {
  const bits = [...secret.replace(/[= ]/g, "")].map((letter) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(letter).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30000) + ahead));
  const tag = createHmac("sha1", key).update(step).digest();
  const at = tag[19] & 15;
  return String((tag.readUInt32BE(at) & 0x7fffffff) % 1e6).padStart(6, "0");
}

export class Program {
  constructor(binary) {
    this.binary = binary;
    this.folder = mkdtempSync(join(tmpdir(), "tww"));
    mkdirSync(join(this.folder, "config/tradewind"), { recursive: true });
    writeFileSync(join(this.folder, "config/tradewind/config.toml"), LIMITS);
    this.environment = {
      PATH: process.env.PATH, HOME: join(this.folder, "home"), XDG_CONFIG_HOME: join(this.folder, "config"), XDG_RUNTIME_DIR: join(this.folder, "r"),
      LANG: "C.UTF-8", TRADEWIND_PROFILE: "t", TRADEWIND_DATA_DIR: join(this.folder, "d"), TRADEWIND_ENDS_WITH: String(process.pid),
    };
  }

  run(words, input = "") {
    const ran = spawnSync(this.binary, words, { env: this.environment, input, encoding: "utf8", timeout: 60000 });
    if (ran.status !== 0) throw new Error(`tradewind ${words.join(" ")}: ${ran.status} ${ran.stdout}${ran.stderr}${ran.error ?? ""}`);
    return ran.stdout;
  }

  async start() {
    this.port ??= await freePort();
    this.origin = `http://127.0.0.1:${this.port}`;
    const log = openSync(join(this.folder, "serve.log"), "a");
    this.engine = spawn(this.binary, ["serve", "--listen", `127.0.0.1:${this.port}`], { env: this.environment, stdio: ["ignore", log, log] });
    closeSync(log);
    this.ended = new Promise((done) => this.engine.on("exit", done));
    const ready = () => fetch(`${this.origin}/ready`).then((answer) => answer.status === 200 || answer.status === 503, () => false);
    await until("the port", () => this.engine.exitCode === null ? ready() : Promise.reject(new Error(`the engine ended:\n${this.said()}`)));
    await until("a state", () => fetch(`${this.origin}/ready`).then((answer) => answer.json()).then((told) => !String(told.reasons).includes("has not told")));
  }

  async stop() {
    this.engine.kill("SIGTERM");
    await this.ended;
  }

  said() {
    return readFileSync(join(this.folder, "serve.log"), "utf8");
  }

  /** All that the engine has logged. */
  logged() {
    const files = spawnSync("find", [join(this.folder, "d"), "-name", "*.log*", "-type", "f"], { encoding: "utf8" }).stdout.trim().split("\n").filter(Boolean);
    return files.map((file) => readFileSync(file, "utf8")).join("\n") + this.said();
  }

  setUp() {
    this.run(["user", "add", USER, "--role", "trade"], `${PASSWORD}\n`);
    this.key = this.run(["api-key", "add", "test", "--role", "trade"]).split("\n")[0].trim();
  }

  async api(method, path, body) {
    const answer = await fetch(`${this.origin}/api/v1${path}`, {
      method, headers: { authorization: `Bearer ${this.key}`, "content-type": "application/json" }, body: body && JSON.stringify(body),
    });
    return { status: answer.status, body: await answer.json().catch(() => null) };
  }

  async end() {
    if (this.engine && this.engine.exitCode === null && this.engine.signalCode === null) await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
