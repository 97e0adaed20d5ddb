#!/usr/bin/env python3
"""The shortest whole client: what is held, over REST; then quotes and orders as they change, over the WebSocket.

    TRADEWIND_KEY=tw_... python3 client.py 127.0.0.1:7600 AAPL MSFT

Python 3.8 and nothing else. For an engine of this machine: watch.py beside it does TLS, comes back and goes on where it was.
"""
import base64, json, os, socket, struct, sys, urllib.request


def read(address, key, path):
    """One read over REST."""
    request = urllib.request.Request(f"http://{address}/api/v1{path}", headers={"Authorization": f"Bearer {key}"})
    return json.load(urllib.request.urlopen(request, timeout=10))


def connect(address, key):
    """A WebSocket that speaks JSON; the key travels in a header."""
    host, _, port = address.rpartition(":")
    sock = socket.create_connection((host, int(port)), timeout=30)
    nonce = base64.b64encode(os.urandom(16)).decode()
    sock.sendall((f"GET /ws HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nAuthorization: Bearer {key}\r\n"
                  f"Sec-WebSocket-Key: {nonce}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: tradewind.v1.json\r\n\r\n").encode())
    stream = sock.makefile("rb")
    status = stream.readline().decode().strip()
    while stream.readline() not in (b"\r\n", b""):
        pass
    return (sock, stream) if " 101 " in status else sys.exit(f"not let in: {status}")


def send(sock, code, payload):
    """One frame of less than 64 KiB, masked as a client's has to be."""
    mask, size = os.urandom(4), len(payload)
    length = bytes([128 | size]) if size < 126 else bytes([254]) + struct.pack("!H", size)
    sock.sendall(bytes([128 | code]) + length + mask + bytes(byte ^ mask[n % 4] for n, byte in enumerate(payload)))


def messages(sock, stream):
    """Messages until the connection ends. A ping is answered: who says nothing for 40 s is let go."""
    while head := stream.read(2):
        size = head[1] & 127
        size = int.from_bytes(stream.read(2 if size == 126 else 8), "big") if size > 125 else size
        body = stream.read(size)
        if head[0] & 15 == 9:
            send(sock, 10, body)
        elif head[0] & 15 == 1:
            yield json.loads(body)


address, symbols, key = sys.argv[1], sys.argv[2:], os.environ["TRADEWIND_KEY"]
for row in read(address, key, "/positions")["items"]:
    print("held", row["account"], row["symbol"], row["quantity"], flush=True)
sock, stream = connect(address, key)
for number, (topic, wanted) in enumerate({"quotes": symbols, "orders": []}.items()):
    send(sock, 1, json.dumps({"op": "subscribe", "id": number, "topic": topic, "symbols": wanted}).encode())
for said in messages(sock, stream):
    for row in said.get("data", []):  # a snapshot first, then what changes; "number" counts without a gap
        print(said["topic"], json.dumps(row), flush=True)
