"""What the scripts of the interoperability test share: named checks, and waiting for a condition.

A check prints `ok NAME`; the first that fails prints `not ok NAME: WHY` and ends the script with 1. Nothing rests on how long
something takes, only on that it comes to pass: PATIENCE is for a machine that is very busy.
"""
import contextlib
import sys
import time
import traceback

PATIENCE = 60.0


class Failed(Exception):
    pass


def require(truth, what):
    if not truth:
        raise Failed(what)


@contextlib.contextmanager
def check(name):
    try:
        yield
    except Exception as why:
        print(f"not ok {name}: {why}", flush=True)
        if not isinstance(why, Failed):
            traceback.print_exc()
        sys.stdout.flush()
        # Other threads of a client may not end by themselves.
        import os

        os._exit(1)
    print(f"ok {name}", flush=True)


def until(ready, what, pause=time.sleep, patience=PATIENCE):
    """Waits until `ready()` gives something, and gives that."""
    begun = time.monotonic()
    while True:
        got = ready()
        if got:
            return got
        if time.monotonic() - begun > patience:
            raise Failed(f"in vain waited for: {what() if callable(what) else what}")
        pause(0.02)


def near(price, tick, ticks):
    """A price some ticks away, on the tick."""
    return round(round(price / tick + ticks) * tick, 10)
