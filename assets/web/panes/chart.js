// Candles with two averages and the volume, drawn by the library in vendor/. The engine builds the bars and tells each change
// of what is shown; averages are drawn from the closes that are shown.

import { byId, h, moved, say, show } from "../dom.js";
import { UNKNOWN, drawn, grouped, moment, sign } from "../format.js";
import { CHART, draws, hear, isShown, last, link, store } from "../store.js";
import { change, digits } from "./watch.js";

const TIMEFRAMES = ["1m", "5m", "15m", "1h", "1d"];
const EMAS = [9, 21];
/** Empty places right of the newest bar. */
const RIGHT = 3;

let timeframe = localStorage.getItem("tradewind.timeframe");
if (!TIMEFRAMES.includes(timeframe)) timeframe = "1m";
let library = null;
let parts = null;
let bars = [];
let loaded = "";
let lines = [];

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const zoned = (seconds) => new Date(seconds * 1000);
const two = (number) => String(number).padStart(2, "0");
const hour = (date) => `${two(date.getHours())}:${two(date.getMinutes())}`;
const day = (date) => `${two(date.getMonth() + 1)}-${two(date.getDate())}`;

function looks() {
  return {
    layout: {
      background: { color: colour("ground") }, textColor: colour("faint"), attributionLogo: false, fontSize: 12,
      fontFamily: getComputedStyle(document.body).fontFamily,
    },
    grid: { vertLines: { visible: false }, horzLines: { color: colour("rule"), style: 1 } },
    rightPriceScale: { borderVisible: false, scaleMargins: { top: 0.06, bottom: 0.24 } },
    timeScale: { borderVisible: false, timeVisible: true, secondsVisible: false, rightOffset: RIGHT, barSpacing: 8, minBarSpacing: 1.5, tickMarkFormatter: tick },
    crosshair: { mode: 0, vertLine: { color: colour("faint"), labelBackgroundColor: colour("selection") }, horzLine: { color: colour("faint"), labelBackgroundColor: colour("selection") } },
    localization: { timeFormatter: (at) => `${day(zoned(at))} ${hour(zoned(at))}`, priceFormatter: (price) => grouped(price.toFixed(digits(store.symbol))) },
    autoSize: true,
  };
}

function tick(at, kind) {
  const date = zoned(at);
  if (kind === 0) return String(date.getFullYear());
  if (kind <= 2) return day(date);
  return hour(date);
}

const candles = () => ({
  upColor: colour("up"), downColor: colour("down"), wickUpColor: colour("up"), wickDownColor: colour("down"), borderVisible: false, priceLineStyle: 3,
});
const average = (at) => ({ color: colour(`study${at + 1}`), lineWidth: 1, priceLineVisible: false, lastValueVisible: false, crosshairMarkerVisible: false });

function create() {
  library = window.LightweightCharts;
  if (!library) return;
  const chart = library.createChart(byId("plot"), looks());
  const series = chart.addSeries(library.CandlestickSeries, candles());
  const volume = chart.addSeries(library.HistogramSeries, { priceScaleId: "volume", priceFormat: { type: "volume" }, priceLineVisible: false, lastValueVisible: false });
  chart.priceScale("volume").applyOptions({ scaleMargins: { top: 0.82, bottom: 0 } });
  const averages = EMAS.map((_, at) => chart.addSeries(library.LineSeries, average(at)));
  parts = { chart, series, volume, averages };
  // A pane that was not shown had no width to be scrolled in.
  let wide = 0;
  new ResizeObserver(() => {
    const now = byId("plot").clientWidth;
    if (now > 0 && wide === 0) newest();
    wide = now;
  }).observe(byId("plot"));
  chart.subscribeCrosshairMove((event) => legend(event.time === undefined ? bars.at(-1) : bars.find((bar) => bar.time === event.time)));
}

const newest = () => parts.chart.timeScale().scrollToPosition(RIGHT, false);

export function restyle() {
  if (!parts) return;
  parts.chart.applyOptions(looks());
  parts.series.applyOptions(candles());
  parts.averages.forEach((line, at) => line.applyOptions(average(at)));
  fill(false);
  marks();
}

function read(row) {
  const at = moment(row.start);
  const [open, high, low, close] = [row.open, row.high, row.low, row.close].map(drawn);
  if (at === null || [open, high, low, close].includes(null)) return null;
  return { time: Math.floor(at / 1000), open, high, low, close, volume: drawn(row.volume) ?? 0, row };
}

/** The exponential average of the closes, begun with the plain average of the first of them. */
export function ema(closes, length) {
  const out = [];
  let value = null;
  let first = 0;
  closes.forEach((close, at) => {
    if (at < length) {
      first += close;
      if (at === length - 1) value = first / length;
    } else value += (2 / (length + 1)) * (close - value);
    out.push(value);
  });
  return out;
}

function averaged() {
  const closes = bars.map((bar) => bar.close);
  return EMAS.map((length) => ema(closes, length));
}

const volumeOf = (bar) => ({ time: bar.time, value: bar.volume, color: `${colour(bar.close >= bar.open ? "up" : "down")}66` });

function fill(fit) {
  parts.series.applyOptions({ priceFormat: { type: "price", precision: digits(store.symbol), minMove: 10 ** -digits(store.symbol) } });
  parts.series.setData(bars.map(({ time, open, high, low, close }) => ({ time, open, high, low, close })));
  parts.volume.setData(bars.map(volumeOf));
  averaged().forEach((values, at) => {
    bars.forEach((bar, n) => { bar[`ema${at}`] = values[n]; });
    parts.averages[at].setData(bars.flatMap((bar, n) => (values[n] === null ? [] : [{ time: bar.time, value: values[n] }])));
  });
  if (fit) {
    parts.chart.timeScale().applyOptions({ timeVisible: timeframe !== "1d" });
    newest();
  }
  legend(bars.at(-1));
  const bar = bars.at(-1);
  const words = bar ? `Candles of ${store.symbol}, ${timeframe}: ${bars.length} bars, the last from ${bar.row.open} to ${bar.row.close}, between ${bar.row.low} and ${bar.row.high}` : "No candles";
  byId("plot").setAttribute("aria-label", words);
}

function legend(bar) {
  const place = byId("legend");
  const places = digits(store.symbol);
  const one = (name, text, kind = "") => h("span", { class: kind }, h("b", {}, name), text);
  if (!bar) return place.replaceChildren();
  const value = (number) => (number === null || number === undefined ? UNKNOWN : grouped(number.toFixed(places)));
  return place.replaceChildren(
    one("O", grouped(bar.row.open, places)), one("H", grouped(bar.row.high, places)), one("L", grouped(bar.row.low, places)), one("C", grouped(bar.row.close, places)),
    one("vol", grouped(bar.row.volume)), ...EMAS.map((length, at) => one(`ema ${length}`, value(bar[`ema${at}`]), at ? "two" : "one")));
}

/** Where we are in, and what works: the average price and the orders of this instrument. */
function marks() {
  if (!parts) return;
  lines.forEach((line) => parts.series.removePriceLine(line));
  lines = [];
  const line = (text, title, role) => {
    const price = drawn(text);
    if (price !== null) lines.push(parts.series.createPriceLine({ price, title, color: colour(role), lineWidth: 1, lineStyle: 2, axisLabelVisible: true }));
  };
  for (const row of store.positions.values()) {
    if (row.symbol === store.symbol && isShown(row) && sign(row.quantity) !== 0) line(row.average_price, `avg ${sign(row.quantity) > 0 ? "+" : ""}${grouped(row.quantity)}`, "position");
  }
  for (const row of store.orders.values()) {
    if (row.symbol !== store.symbol || !isShown(row) || row.ended_at !== null) continue;
    line(row.price ?? row.trigger, `${row.side === "buy" ? "B" : "S"} ${grouped(row.quantity)} ${row.type}`, row.side === "buy" ? "up" : "down");
  }
}

const shown = () => `${store.symbol} ${timeframe}`;

/** Begins what is to be shown; bars come by themselves from then on. */
function load() {
  if (!store.symbol || !parts) return;
  empty("Waiting for bars…");
  loaded = "";
  link.subscribe(CHART, "bars", { symbols: [store.symbol], timeframe, batch_ms: 250 });
}

function heard(told, whole) {
  const rows = told.map(read).filter(Boolean);
  if (whole || loaded !== shown()) take(rows, true, shown());
  else take(rows, false, loaded);
}

function take(rows, whole, name) {
  if (whole) {
    bars = rows;
    loaded = name;
    fill(true);
    marks();
    empty(bars.length ? "" : "No bars yet: they appear with the first trades.");
    return;
  }
  const from = rows[0]?.time ?? Infinity;
  const before = bars.length;
  const newest = bars.at(-1)?.time ?? -Infinity;
  bars = [...bars.filter((bar) => bar.time < from), ...rows];
  if (bars.length && !before) empty("");
  const values = averaged();
  for (const bar of rows) {
    const n = bars.indexOf(bar);
    const past = bar.time < newest;
    EMAS.forEach((_, at) => {
      bar[`ema${at}`] = values[at][n];
      if (values[at][n] !== null) parts.averages[at].update({ time: bar.time, value: values[at][n] }, past);
    });
    parts.series.update({ time: bar.time, open: bar.open, high: bar.high, low: bar.low, close: bar.close }, past);
    parts.volume.update(volumeOf(bar), past);
  }
  legend(bars.at(-1));
}

function empty(text) {
  say(byId("chart-empty"), text);
  show(byId("chart-empty"), text !== "");
}

function head() {
  say(byId("chart-title"), store.symbol ?? UNKNOWN);
  const price = store.symbol ? last(store.symbol) : null;
  say(byId("chart-last"), grouped(price, store.symbol ? digits(store.symbol) : 0));
  moved(byId("chart-change"), store.symbol ? change(store.symbol) : null, 2, " %");
}

export function chart() {
  create();
  const place = byId("timeframes");
  const mark = () => place.querySelectorAll("button").forEach((button) => button.setAttribute("aria-pressed", String(button.textContent === timeframe)));
  for (const word of TIMEFRAMES) {
    place.append(h("button", { type: "button", onclick: () => {
      timeframe = word;
      localStorage.setItem("tradewind.timeframe", word);
      mark();
      load();
    } }, word));
  }
  mark();
  if (!parts) empty("The charting library did not load.");
  draws(["quotes", "symbol"], head);
  hear("bars", heard, (message) => loaded === "" && empty(`Bars can't be read: ${message}`));
  draws(["symbol"], load);
  draws(["positions", "orders", "symbol", "accounts"], () => loaded.startsWith(`${store.symbol} `) && marks());
}
