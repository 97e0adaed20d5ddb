#!/usr/bin/env bash
# Makes the pictures of this folder from the running program: builds it, starts an engine in a folder of its own, trades a
# little, and paints what a terminal shows. Needs python3 with venv, and DejaVu Sans Mono (or PICTURE_FONT); pyte and
# Pillow come from Python's package index into a folder under target/. Every run shows another market.
#
#   assets/pictures.sh [PROGRAM]        PROGRAM instead of a fresh release build
set -euo pipefail
cd "$(dirname "$0")/.."

python=python3
if ! $python -c 'import pyte, PIL' 2>/dev/null; then
  venv=target/pictures-venv
  if ! { [ -x $venv/bin/python ] || $python -m venv $venv; } || ! $venv/bin/python -m pip install --quiet pyte pillow; then
    echo "pictures.sh: pyte and Pillow are not installed and could not be; install them for $($python --version)" >&2
    exit 1
  fi
  python=$venv/bin/python
fi

program=${1:-}
if [ -z "$program" ]; then
  cargo build --release
  program=${CARGO_TARGET_DIR:-target}/release/tradewind
fi
data=$(mktemp -d)
unset "${!TRADEWIND_@}"
export TRADEWIND_DATA_DIR=$data TRADEWIND_ENDS_WITH=$$
# A desk of one's own: nothing of the caller's settings.
export TRADEWIND_CONFIG=$data/config.toml
printf '[limits]\nduplicate_window_ms = 0\n' > "$TRADEWIND_CONFIG"
trap '"$program" stop 2>/dev/null || true; rm -rf "$data"' EXIT

draw() { "$python" assets/draw_terminal.py "$@" -- "$program" attach; }
order() { "$program" order "$1" --yes; }
# What the newest execution in a symbol was done at, times a factor, to a whole cent.
price() {
  "$program" executions --json | "$python" -c '
import json, sys
paid = [row["price"] for row in json.load(sys.stdin) if row["symbol"] == sys.argv[1]]
print(f"{float(paid[0]) * float(sys.argv[2]):.2f}")' "$1" "$2"
}

"$program" serve &
for _ in $(seq 300); do
  if "$program" status 2>/dev/null | grep -q ': ready'; then break; fi
  sleep 0.1
done

# A minute of market first, so that fills stand somewhere on the chart and not all at its edge.
order 'buy 200 NVDA'
order "sell 200 NVDA stp $(price NVDA 0.985) gtc"
order 'sell 150 TSLA short'
order "buy 150 TSLA stp $(price TSLA 1.012) gtc"
order 'buy 1 ES'
sleep 45
order 'buy 100 AAPL'
order 'buy 100 GOOGL @mid gtc'
sleep 45
order "buy 200 AAPL @$(price AAPL 1.002) stop $(price AAPL 0.997) target $(price AAPL 1.0035)"
sleep 25
order "sell 100 AAPL @$(price AAPL 1.0025) gtc"
sleep 2

# The first key puts the tour away, so it is one that does nothing else. A line and its Enter come apart: keys that are faster
# than hands are taken for a paste, and a paste sends nothing.
first=(wait:AAPL pause:2 "keys:<esc>" pause:1)
draw --size 160x45 "${first[@]}" pause:2 paint:assets/desk-160x45.png
draw --size 80x24 "${first[@]}" pause:1 paint:assets/desk-80x24.png
draw --size 120x34 "${first[@]}" keys:300b pause:1.2 paint:assets/ticket.png keys:'<esc>'
draw --size 120x34 "${first[@]}" keys:gcz pause:1 keys:'---' pause:1.5 paint:assets/chart.png
draw --size 120x34 "${first[@]}" keys:'?' pause:1 paint:assets/help.png

# For docs/GUIDE.md.
"$program" alert "AAPL > $(price AAPL 1.02) repeat 10m expires 5d"
"$program" alert 'NVDA rsi 14 5m < 30 or pnl day < -500'
"$program" alert 'link down 2m'
"$program" alert "AAPL > 1 do terminal, stage 'sell half AAPL @ask gtc'"
draw --size 160x45 "${first[@]}" keys:gc pause:2 paint:assets/guide-chart.png
draw --size 120x35 "${first[@]}" keys:gp pause:2 paint:assets/guide-portfolio.png
draw --size 160x45 "${first[@]}" keys:gr pause:3 paint:assets/guide-risk.png
draw --size 120x35 "${first[@]}" keys:gl pause:2 paint:assets/guide-log.png
draw --size 120x35 "${first[@]}" keys:go pause:2 paint:assets/guide-overview.png
draw --size 100x30 "${first[@]}" keys:':b 100 MSFT @bid stop -40t target 2R' pause:2 paint:assets/guide-line.png keys:'<esc>'
draw --size 100x30 "${first[@]}" keys:'<ctrl-x>' pause:1 paint:assets/guide-panic.png keys:'<esc>'
draw --size 100x24 "${first[@]}" keys:':pane alerts' pause:1 keys:'<enter>' pause:1 keys:z pause:1 paint:assets/guide-alerts.png
draw --size 100x30 "${first[@]}" keys:':preopen' pause:1 keys:'<enter>' pause:1 paint:assets/guide-preopen.png
draw --size 100x24 "${first[@]}" keys:':close' pause:1 keys:'<enter>' pause:1 paint:assets/guide-close.png
TRADEWIND_THEME=light draw --size 80x24 "${first[@]}" paint:assets/guide-light.png
TRADEWIND_COLOR=never draw --size 80x24 "${first[@]}" paint:assets/guide-no-colour.png
ls -l assets/*.png
