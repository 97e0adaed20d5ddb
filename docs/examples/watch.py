#!/usr/bin/env python3
"""Watches an engine over its WebSocket: quotes of some instruments and every change of an order. Needs Python 3.8 and nothing else.

    export TRADEWIND_KEY=tw_...
    python3 watch.py 127.0.0.1:7600 AAPL MSFT [--count N]
    python3 watch.py wss://trade.example.org AAPL                       a certificate that this machine trusts
    python3 watch.py wss://10.0.0.5:7600 AAPL --pin sha256:1f0c...      the engine's own: 'tradewind tls show' on its machine tells it

Messages are JSON here; msgpack is the same in fewer bytes. It comes back by itself and goes on where it was.
"""
import argparse, base64, hashlib, hmac, json, os, socket, ssl, struct, sys, time


def opened(address, pin):
    """A connection to the port, encrypted for wss:// (and https://). With a pin that certificate is trusted and no other."""
    scheme, _, place = address.rpartition("://")
    place, encrypted = place.rstrip("/"), scheme in ("wss", "https")
    if scheme not in ("", "ws", "http", "wss", "https"):
        sys.exit(f"{scheme}:// is not known here: ws:// or wss://")
    if pin and not encrypted:
        sys.exit("a pin is for a port that is encrypted: wss://" + place)
    host, _, port = place.rpartition(":") if not place.endswith("]") and ":" in place else (place, "", "")
    host = host.strip("[]")
    if port and not port.isdigit():
        sys.exit(f"{address} is no address and port, such as 127.0.0.1:7600")
    sock = socket.create_connection((host, int(port or (443 if encrypted else 80))), timeout=30)
    if not encrypted:
        return sock, place
    context = ssl.create_default_context()
    if pin:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    sock = context.wrap_socket(sock, server_hostname=host)
    if pin:
        shown = hashlib.sha256(sock.getpeercert(binary_form=True)).hexdigest()
        if not hmac.compare_digest(shown.encode(), pin.lower().replace("sha256:", "").replace(":", "").encode()):
            sys.exit(f"the certificate is another one, and the key was not shown: sha256:{shown}")
    return sock, place


def connect(address, pin, key):
    """Opens a WebSocket that speaks JSON; the key travels in a header."""
    sock, host = opened(address, pin)
    nonce = base64.b64encode(os.urandom(16)).decode()
    lines = ["GET /ws HTTP/1.1", f"Host: {host}", "Upgrade: websocket", "Connection: Upgrade",
             f"Sec-WebSocket-Key: {nonce}", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Protocol: tradewind.v1.json",
             f"Authorization: Bearer {key}", "", ""]
    sock.sendall("\r\n".join(lines).encode())
    stream = sock.makefile("rb")
    status, size = stream.readline().decode().strip(), 0
    while (line := stream.readline()) not in (b"\r\n", b""):
        name, _, value = line.decode().partition(":")
        size = int(value) if name.lower() == "content-length" else size
    if status.split(" ")[1:2] == ["101"]:
        return sock, stream
    refused = f"not let in: {status} {stream.read(min(size, 4096)).decode(errors='replace')}"
    # Too fast, or not now: another try may go through. Everything else is for a person to mend.
    if status.split(" ")[1:2] in (["429"], ["502"], ["503"], []):
        raise OSError(refused)
    sys.exit(refused)


def send(sock, code, payload):
    """One frame, masked as a client's has to be."""
    mask = os.urandom(4)
    size = bytes([128 | len(payload)]) if len(payload) < 126 else bytes([254]) + struct.pack("!H", len(payload))
    sock.sendall(bytes([128 | code]) + size + mask + bytes(b ^ mask[n % 4] for n, b in enumerate(payload)))


def messages(sock, stream):
    """Messages until the connection ends. A ping is answered: who says nothing for 40 s is let go."""
    while head := stream.read(2):
        size = head[1] & 127
        if size > 125:
            size = int.from_bytes(stream.read(2 if size == 126 else 8), "big")
        body = stream.read(size)
        if head[0] & 15 == 9:
            send(sock, 10, body)
        elif head[0] & 15 == 1:
            yield json.loads(body)


def main(address, symbols, count, pin, key):
    places = {}  # topic -> the stream and the number of its last update
    while True:
        try:
            sock, stream = connect(address, pin, key)
            for number, (topic, wanted) in enumerate({"quotes": symbols, "orders": []}.items()):
                asked = {"op": "subscribe", "id": number, "topic": topic, "symbols": wanted, **places.get(topic, {})}
                send(sock, 1, json.dumps(asked).encode())
            for said in messages(sock, stream):
                if said["type"] in ("error", "goodbye"):
                    print(said, file=sys.stderr)
                if "stream" in said:
                    places[said["topic"]] = {"stream": said["stream"], "after": said["number"]}
                for row in said.get("data", []):
                    print(said["topic"], json.dumps(row), flush=True)
                    count -= 1
                if count <= 0:
                    return
        except ssl.SSLCertVerificationError as error:
            sys.exit(f"{error.verify_message}: the engine's own certificate is trusted with --pin")
        except (OSError, ValueError) as error:
            print(f"{error}; trying again", file=sys.stderr)
        time.sleep(1)


if __name__ == "__main__":
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("address")
    words.add_argument("symbols", nargs="*")
    words.add_argument("--count", type=int, default=float("inf"))
    words.add_argument("--pin")
    given = words.parse_intermixed_args()
    if not os.environ.get("TRADEWIND_KEY"):
        sys.exit("TRADEWIND_KEY has to hold a key: 'tradewind api-key add NAME --role view' makes one")
    try:
        main(given.address, given.symbols, given.count, given.pin, os.environ["TRADEWIND_KEY"])
    except KeyboardInterrupt:
        pass
