#!/usr/bin/env python3
"""Runs a program in a pseudo-terminal, presses keys, and paints what a person would see.

    draw_terminal.py --size 160x45 STEP... -- COMMAND [ARGUMENT...]

Steps, in order:
    wait:TEXT      until TEXT stands somewhere on the screen (20 s at most, then it is an error)
    pause:SECONDS  let the program go on for so long
    keys:TEXT      press these; <enter> <esc> <tab> <space> <up> <down> <left> <right> and <ctrl-X> stand for keys
    paint:FILE     write a PNG
    show           print the screen as text, to see what to wait for

Needs pyte (a terminal in memory) and Pillow. The font is DejaVu Sans Mono, or the file that PICTURE_FONT names.
"""

import argparse
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time

import pyte
from PIL import Image, ImageDraw, ImageFont

PATIENCE_S = 20
FONT_SIZE = 15
MARGIN = 8
INK, PAPER = "d0d0d0", "000000"
KEYS = {"enter": "\r", "esc": "\x1b", "tab": "\t", "space": " ", "up": "\x1b[A", "down": "\x1b[B",
        "right": "\x1b[C", "left": "\x1b[D"}
NAMED = {"black": "000000", "red": "cd3131", "green": "0dbc79", "brown": "e5e510", "blue": "2472c8",
         "magenta": "bc3fbc", "cyan": "11a8cd", "white": "e5e5e5"}

# Lines that have to meet at the edges of their cells: how heavy each arm is (left, up, right, down).
ARMS = {"─": (1, 0, 1, 0), "│": (0, 1, 0, 1), "━": (2, 0, 2, 0), "┃": (0, 2, 0, 2), "╵": (0, 1, 0, 0),
        "╷": (0, 0, 0, 1), "╹": (0, 2, 0, 0), "╻": (0, 0, 0, 2), "╽": (0, 1, 0, 2), "╿": (0, 2, 0, 1),
        "┌": (0, 0, 1, 1), "┐": (1, 0, 0, 1), "└": (0, 1, 1, 0), "┘": (1, 1, 0, 0), "├": (0, 1, 1, 1),
        "┤": (1, 1, 0, 1), "┬": (1, 0, 1, 1), "┴": (1, 1, 1, 0), "┼": (1, 1, 1, 1)}


class Terminal:
    """A program, and the screen that it has drawn so far."""

    def __init__(self, columns, rows, command):
        self.screen = pyte.Screen(columns, rows)
        self.stream = pyte.ByteStream(self.screen)
        # The desk asks behind each preview whether it has been shown; what a terminal answers is pressed back.
        self.screen.write_process_input = lambda data: os.write(self.fd, data.encode())
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(TERM="xterm-256color", COLORTERM="truecolor", LINES="", COLUMNS="")
            try:
                os.execvp(command[0], command)
            finally:
                os._exit(127)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self, seconds):
        """Takes what comes within so many seconds."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if select.select([self.fd], [], [], left)[0]:
                try:
                    data = os.read(self.fd, 65536)
                except OSError:
                    data = b""
                if not data:
                    sys.exit("the program ended early:\n" + self.text())
                self.stream.feed(data)

    def text(self):
        return "\n".join(self.screen.display)

    def wait(self, wanted):
        until = time.monotonic() + PATIENCE_S
        while wanted not in self.text():
            if time.monotonic() > until:
                sys.exit(f"'{wanted}' did not come within {PATIENCE_S} s:\n{self.text()}")
            self.read(0.05)

    def press(self, text):
        def key(match):
            name = match.group(1)
            return chr(ord(name[5]) & 31) if name.startswith("ctrl-") else KEYS[name]
        os.write(self.fd, re.sub(r"<(ctrl-[a-z]|[a-z]+)>", key, text).encode())

    def close(self):
        os.kill(self.pid, signal.SIGHUP)
        os.close(self.fd)
        os.waitpid(self.pid, 0)


def colour(name, otherwise):
    name = otherwise if name == "default" else NAMED.get(name.removeprefix("bright"), name)
    try:
        return tuple(bytes.fromhex(name))
    except ValueError:
        return tuple(bytes.fromhex(otherwise))


class Painter:
    """Paints a screen, cell by cell; lines and blocks as shapes so that they meet."""

    def __init__(self):
        plain = os.environ.get("PICTURE_FONT") or font_file("DejaVu Sans Mono")
        bold = os.environ.get("PICTURE_FONT") or font_file("DejaVu Sans Mono:bold")
        self.fonts = [ImageFont.truetype(name, FONT_SIZE) for name in (plain, bold)]
        self.width = round(self.fonts[0].getlength("M"))
        ascent, descent = self.fonts[0].getmetrics()
        self.height = ascent + descent

    def paint(self, screen, file):
        size = (screen.columns * self.width + 2 * MARGIN, screen.lines * self.height + 2 * MARGIN)
        ground = colour(screen.buffer[screen.lines - 1][screen.columns - 1].bg, PAPER)
        image = Image.new("RGB", size, ground)
        self.draw = ImageDraw.Draw(image)
        for y in range(screen.lines):
            for x in range(screen.columns):
                self.cell(x, y, screen.buffer[y][x], screen)
        image = image.quantize(128, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        image.save(file, optimize=True)

    def cell(self, x, y, char, screen):
        ink, paper = colour(char.fg, INK), colour(char.bg, PAPER)
        cursor = not screen.cursor.hidden and (screen.cursor.x, screen.cursor.y) == (x, y)
        if char.reverse != cursor:
            ink, paper = paper, ink
        left, top = MARGIN + x * self.width, MARGIN + y * self.height
        box = (left, top, left + self.width - 1, top + self.height - 1)
        self.draw.rectangle(box, fill=paper)
        text = char.data
        if text in ARMS:
            self.arms(box, ARMS[text], ink)
        elif len(text) == 1 and "\u2580" <= text <= "\u259f":
            self.block(box, ord(text) - 0x2580, ink, paper)
        elif len(text) == 1 and "\u2801" <= text <= "\u28ff":
            self.dots(box, ord(text) - 0x2800, ink)
        elif text.strip():
            self.draw.text((left, top), text, font=self.fonts[char.bold], fill=ink)
        if char.underscore:
            self.draw.line((box[0], box[3] - 1, box[2], box[3] - 1), fill=ink)

    def arms(self, box, arms, ink):
        left, top, right, bottom = box
        middle_x, middle_y = (left + right) // 2, (top + bottom) // 2
        for weight, (x1, y1, x2, y2) in zip(arms, ((left, middle_y, middle_x, middle_y),
                                                   (middle_x, top, middle_x, middle_y),
                                                   (middle_x, middle_y, right, middle_y),
                                                   (middle_x, middle_y, middle_x, bottom))):
            if weight:
                wide = 1 if weight == 2 else 0
                across = x1 == x2
                self.draw.rectangle((x1 - wide * across, y1 - wide * (not across),
                                     x2 + wide * across, y2 + wide * (not across)), fill=ink)

    def block(self, box, kind, ink, paper):
        left, top, right, bottom = box
        width, height = right - left + 1, bottom - top + 1
        def fill(x1, y1, x2, y2, with_ink=ink):
            self.draw.rectangle((left + round(x1 * width), top + round(y1 * height),
                                 left + round(x2 * width) - 1, top + round(y2 * height) - 1), fill=with_ink)
        if kind == 0:
            fill(0, 0, 1, 0.5)
        elif kind <= 8:
            fill(0, 1 - kind / 8, 1, 1)
        elif kind <= 15:
            fill(0, 0, (16 - kind) / 8, 1)
        elif kind == 16:
            fill(0.5, 0, 1, 1)
        elif kind <= 19:
            part = (kind - 16) / 4
            fill(0, 0, 1, 1, tuple(round(a * part + b * (1 - part)) for a, b in zip(ink, paper)))
        elif kind == 20:
            fill(0, 0, 1, 1 / 8)
        elif kind == 21:
            fill(7 / 8, 0, 1, 1)
        else:
            # Quadrants: which of upper left, upper right, lower left, lower right.
            quarters = ("0010", "0001", "1000", "1011", "1001", "1110", "1101", "0100", "0110", "0111")[kind - 22]
            for at, on in enumerate(quarters):
                if on == "1":
                    fill(at % 2 / 2, at // 2 / 2, at % 2 / 2 + 0.5, at // 2 / 2 + 0.5)

    def dots(self, box, bits, ink):
        for bit, (column, row) in enumerate(((0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3))):
            if bits >> bit & 1:
                x = box[0] + round((column + 0.5) * self.width / 2) - 1
                y = box[1] + round((row + 0.5) * self.height / 4) - 1
                self.draw.rectangle((x, y, x + 1, y + 1), fill=ink)


def font_file(pattern):
    try:
        found = subprocess.run(["fc-match", "-f", "%{file}", pattern], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        sys.exit("no fc-match to find a font with: name a monospaced font's file in PICTURE_FONT")
    if "Mono" not in found.stdout:
        sys.exit("DejaVu Sans Mono is not installed: name a monospaced font's file in PICTURE_FONT")
    return found.stdout


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--size", default="160x45", help="columns x rows")
    arguments.add_argument("steps", nargs="*")
    before, _, command = "\0".join(sys.argv[1:]).partition("\0--\0")
    options = arguments.parse_args(before.split("\0"))
    if not command:
        arguments.error("which program? -- COMMAND")
    columns, rows = map(int, options.size.split("x"))
    terminal = Terminal(columns, rows, command.split("\0"))
    for step in options.steps:
        verb, _, rest = step.partition(":")
        if verb == "wait":
            terminal.wait(rest)
        elif verb == "pause":
            terminal.read(float(rest))
        elif verb == "keys":
            terminal.press(rest)
        elif verb == "paint":
            Painter().paint(terminal.screen, rest)
        elif verb == "show":
            print(terminal.text())
        else:
            arguments.error(f"no step '{step}'")
    terminal.close()


if __name__ == "__main__":
    main()
