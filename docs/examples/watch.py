#!/usr/bin/env python3
"""Watches an engine over its WebSocket: quotes of some instruments and every change of an order. Needs Python 3.8 and nothing else.

    TRADEWIND_KEY=tw_... python3 watch.py 127.0.0.1:7600 AAPL MSFT [--count N]

Messages are JSON here; msgpack is the same in fewer bytes. It comes back by itself and goes on where it was.
"""
import base64, json, os, socket, struct, sys, time


def connect(address):
    """Opens a WebSocket that speaks JSON; the key travels in a header."""
    host, port = address.rsplit(":", 1)
    sock = socket.create_connection((host, int(port)), timeout=30)
    nonce = base64.b64encode(os.urandom(16)).decode()
    lines = ["GET /ws HTTP/1.1", f"Host: {address}", "Upgrade: websocket", "Connection: Upgrade",
             f"Sec-WebSocket-Key: {nonce}", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Protocol: tradewind.v1.json",
             f"Authorization: Bearer {os.environ['TRADEWIND_KEY']}", "", ""]
    sock.sendall("\r\n".join(lines).encode())
    stream = sock.makefile("rb")
    status = stream.readline().decode().strip()
    if " 101 " not in status:
        sys.exit(f"not let in: {status}")
    while stream.readline() != b"\r\n":
        pass
    return sock, stream


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


def main(address, symbols, count):
    places = {}  # topic -> the stream and the number of its last update
    while True:
        try:
            sock, stream = connect(address)
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
        except (OSError, ValueError) as error:
            print(f"{error}; trying again", file=sys.stderr)
        time.sleep(1)


if __name__ == "__main__":
    words = sys.argv[1:]
    limit = int(words.pop(words.index("--count") + 1)) if "--count" in words else float("inf")
    words = [word for word in words if word != "--count"]
    main(words[0], words[1:], limit)
