"""The yardstick: from calling ib_async's placeOrder to the bytes arriving in another process.

Each line on standard input is one order; its answer is two numbers of nanoseconds, from the call to its return and from the
call to the bytes. First of all the version is printed. Nothing is behind the socket: a child greets as a server does and says
when an order came. The library's own limit of messages a second is off, so that only its work is counted.
"""

import asyncio
import multiprocessing
import socket
import sys
import time

import ib_async

VERSION = b"178"  # of the server: the newest that ib_async speaks
PLACE_ORDER = b"3"
START_API = b"71"


def frame(*fields):
    body = b"".join(field + b"\0" for field in fields)
    return len(body).to_bytes(4, "big") + body


def exactly(stream, count):
    """The next bytes, and when the last of them came; nothing at the end."""
    got, at = b"", 0
    while len(got) < count:
        more = stream.recv(count - len(got))
        at = time.monotonic_ns()
        if not more:
            return None, at
        got += more
    return got, at


def next_frame(stream):
    head, _ = exactly(stream, 4)
    if head is None:
        return None, 0
    return exactly(stream, int.from_bytes(head, "big"))


def sink(listener, arrivals):
    stream, _ = listener.accept()
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    exactly(stream, len(b"API\0"))
    next_frame(stream)
    stream.sendall(frame(VERSION, b"20261126 12:00:00 UTC"))
    while True:
        body, at = next_frame(stream)
        if body is None:
            return
        number = body.split(b"\0", 1)[0]
        if number == START_API:
            stream.sendall(frame(b"15", b"1", b"DU100001") + frame(b"9", b"1", b"1"))
        elif number == PLACE_ORDER:
            arrivals.send(at)


async def main():
    listener = socket.create_server(("127.0.0.1", 0))
    receiver, sender = multiprocessing.Pipe(duplex=False)
    child = multiprocessing.Process(target=sink, args=(listener, sender), daemon=True)
    child.start()
    ib = ib_async.IB()
    ib.client.MaxRequests = 0
    await ib.client.connectAsync("127.0.0.1", listener.getsockname()[1], 1, 10)
    share = ib_async.Contract(secType="STK", conId=265598, symbol="AAPL", exchange="SMART", currency="USD")
    print("ib_async", ib_async.__version__, "on Python", sys.version.split()[0], flush=True)
    loop = asyncio.get_running_loop()
    while await loop.run_in_executor(None, sys.stdin.readline):
        order = ib_async.LimitOrder("BUY", 1, 100.0, tif="DAY")
        called = time.monotonic_ns()
        ib.placeOrder(share, order)
        returned = time.monotonic_ns()
        arrived = await loop.run_in_executor(None, receiver.recv)
        print(returned - called, arrived - called, flush=True)
    ib.disconnect()


if __name__ == "__main__":
    asyncio.run(main())
