// The web monitor of the real program in a real browser: node monitor.mjs TRADEWIND PACKAGES CHROMIUM [PICTURES]
// PACKAGES is a folder with playwright-core in its node_modules; PICTURES one where pictures go, among them the README's
// (assets/web-desk.png is web-desk.png, assets/web-phone.png is web-phone-chart.png).

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import "./units.mjs";
import { PASSWORD, Program, USER, totp, until } from "./program.mjs";

const [binary, packages, chromium, pictures] = process.argv.slice(2);
const { chromium: browsers } = createRequire(resolve(packages, "package.json"))("playwright-core");
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

const program = new Program(resolve(binary));
const browser = await browsers.launch({ executablePath: chromium, args: FLAGS });
const complaints = [];
const strangers = [];
let away = false;

/** A page that tells what it should not have: complaints, and calls to anybody but its engine. */
async function opened(options) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.setDefaultTimeout(60000);
  page.on("console", (line) => {
    if (line.type() !== "error" && line.type() !== "warning") return;
    // An engine that is away, and a stranger who is told to sign in, are told by the browser itself.
    const expected = away || /status of 401/.test(line.text());
    if (!expected) complaints.push(`${line.text()} (${line.location().url})`);
  });
  page.on("pageerror", (error) => error.message.includes("made by the test") || complaints.push(error.stack));
  page.on("request", (request) => request.url().startsWith(program.origin) || request.url().startsWith("data:") || strangers.push(request.url()));
  page.on("websocket", (socket) => socket.url().startsWith(program.origin.replace("http", "ws")) || strangers.push(socket.url()));
  await page.goto(program.origin);
  return page;
}

const text = (page, place) => page.textContent(place);
const waitText = (page, place, part) => until(`'${part}' in ${place}`, async () => (await text(page, place)).includes(part));
const trading = async () => (await program.api("GET", "/accounts")).body.items.map((one) => one.trading);

async function signsIn(page) {
  await page.fill("#user", USER);
  await page.fill("#password", "not this one at all");
  await page.click("#enter");
  await page.waitForSelector("#sign-in-told:not([hidden])");
  await page.fill("#password", PASSWORD);
  // After a wrong one the next is taken a little later.
  await until("the desk", async () => {
    if (await page.isVisible("#desk")) return true;
    if (await page.isEnabled("#enter")) await page.click("#enter");
    await page.waitForTimeout(500);
    return page.isVisible("#desk");
  });
  const cookies = await page.context().cookies();
  assert.ok(cookies.length === 1 && cookies[0].httpOnly && cookies[0].sameSite === "Strict", JSON.stringify(cookies));
  assert.equal(await page.evaluate(() => document.cookie + JSON.stringify(sessionStorage)), "{}");
  await page.click("#who");
  await page.click("text=Set it up");
  await page.fill("#enrol-password", PASSWORD);
  await page.click("text=Begin");
  const secret = (await text(page, "#profile .secret")).trim();
  await page.fill("#confirm-code", totp(secret, -1));
  await page.click("text=Confirm");
  await until("recovery codes", async () => ((await text(page, "#profile .secret")).match(/\S+/g) ?? []).length >= 6);
  await page.click("#profile >> text=Sign out");
  await page.waitForSelector("#door:not([hidden])");
  await page.fill("#user", USER);
  await page.fill("#password", PASSWORD);
  await page.click("#enter");
  await page.waitForSelector("#by-code:not([hidden])");
  await page.fill("#code", totp(secret, 0));
  await page.click("#enter");
  await page.waitForSelector("#desk:not([hidden])");
  await page.reload();
  await page.waitForSelector("#desk:not([hidden])");
  return secret;
}

async function pricesMove(page) {
  const prices = () => page.$$eval("#watch-rows .last", (all) => all.map((one) => one.textContent).join(" "));
  await until("a price", async () => /\d/.test(await prices()));
  const before = await prices();
  await until("another price", async () => (await prices()) !== before);
}

async function chartStands(page) {
  await page.waitForSelector("#plot canvas");
  await page.waitForSelector("#chart-empty", { state: "hidden" });
  await until("an average in the legend", async () => /ema 9\d/.test((await text(page, "#legend")).replaceAll(",", "")));
}

async function ordersAppear(page) {
  const bought = await program.api("POST", "/orders", { sentence: "buy 100 AAPL mkt" });
  assert.ok(bought.status < 300, JSON.stringify(bought));
  const quote = (await program.api("GET", "/market/AAPL/quote")).body;
  const low = (Math.floor(Number(quote.bid) * 0.98 * 100) / 100).toFixed(2);
  const rests = await program.api("POST", "/orders", { sentence: `buy 10 AAPL @${low}` });
  assert.ok(rests.status < 300, JSON.stringify(rests));
  await waitText(page, "#order-rows", `BUY 10 lmt ${low}`);
  await waitText(page, "#order-rows", "working");
  await waitText(page, "#position-rows", "+100");
  await waitText(page, "#position-rows", "NAKED");
  await page.click("#tab-executions");
  await waitText(page, "#execution-rows", "AAPL");
  await page.click("#tab-activity");
  await waitText(page, "#activity-rows", "AAPL");
  await page.click("#tab-orders");
  // Profit moves by itself, without a fact.
  const open = () => text(page, "#position-rows tr:first-child td:nth-child(5)");
  const before = await open();
  await until("another profit", async () => (await open()) !== before);
}

async function comesBack(page) {
  away = true;
  await program.stop();
  await waitText(page, "#banner", "Disconnected");
  await waitText(page, "#link-words", "disconnected").catch(() => waitText(page, "#link-words", "connecting"));
  if (pictures) await page.screenshot({ path: join(pictures, "web-away.png") });
  await program.start();
  await waitText(page, "#link-words", "ready");
  await page.waitForSelector("#banner", { state: "hidden" });
  await waitText(page, "#position-rows", "+100");
  await until("the number of returns", async () => {
    await page.click("#link");
    const told = await text(page, "#connection-rows");
    await page.click("#connection >> text=Close");
    return told.includes("reconnected1 times");
  });
  away = false;
  await pricesMove(page);
}

async function press(page, place, ms) {
  const box = await (await page.waitForSelector(place)).boundingBox();
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await page.mouse.down();
  await page.waitForTimeout(ms);
  await page.mouse.up();
}

async function brakes(page, secret) {
  await press(page, "#halt", 400);
  await page.mouse.click(...Object.values(await (await page.$("#halt")).boundingBox()).slice(0, 2).map((at) => at + 20));
  await page.waitForTimeout(1500);
  assert.deepEqual([...new Set(await trading())], ["active"], "a short press halted");
  // Cancel all by the keyboard: the resting order goes.
  await page.focus("#cancel-all");
  await page.keyboard.down("Space");
  await page.waitForTimeout(1300);
  await page.keyboard.up("Space");
  await waitText(page, "#order-rows", "cancelled");
  await press(page, "#halt", 1300);
  await until("a halt", async () => (await trading()).every((one) => one === "halted"));
  await waitText(page, "#trading", "HALTED");
  await waitText(page, "#risk-accounts", "halted on the monitor");
  const refused = await program.api("POST", "/orders", { sentence: "buy 1 AAPL mkt" });
  assert.ok(refused.status >= 400, JSON.stringify(refused));
  // What gives a click without a press is asked once more.
  await page.evaluate(() => document.getElementById("cancel-all").click());
  await waitText(page, "#cancel-all", "press again");
  await page.evaluate(() => document.getElementById("cancel-all").click());
  await waitText(page, "#toast", "cancels asked for");
  await press(page, "#flatten", 1300);
  await page.waitForSelector("#step[open]");
  await page.fill("#step-code", totp(secret, 1));
  await page.click("#step-form >> text=Go on");
  await until("flat", async () => (await program.api("GET", "/positions")).body.items.every((one) => one.quantity === "0"));
  await until("flat on the page", async () => !(await text(page, "#position-rows")).includes("+100"));
}

async function fits(page) {
  for (const place of ["watch", "chart", "positions", "book", "risk"]) {
    await page.click(`.places [data-to=${place}]`);
    await page.waitForTimeout(300);
    const [wide, window] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    assert.ok(wide <= window, `${place} is ${wide} wide where there are ${window}`);
    assert.ok(await page.isVisible(`#${place}`), place);
    if (pictures) await page.screenshot({ path: join(pictures, `web-phone-${place}.png`) });
  }
}

async function tells(page) {
  await page.evaluate(() => setTimeout(() => { throw new Error("made by the test \u001b[31m"); }));
  await until("the page's error in the engine's log", () => program.logged().includes("made by the test"));
  assert.ok(!program.logged().includes("made by the test \u001b"), "an escape reached the log");
}

async function named(page) {
  const nameless = await page.$$eval("button, input, select, section, [role=tab]", (all) => all
    .filter((one) => !(one.textContent.trim() || one.getAttribute("aria-label") || one.getAttribute("aria-labelledby") || one.labels?.length))
    .map((one) => one.outerHTML.slice(0, 80)));
  assert.deepEqual(nameless, []);
}

async function busy() {
  const orders = ["buy 200 AAPL mkt", "buy 1 ESZ6 mkt", "buy 100 GOOGL mkt", "sell 150 TSLA mkt short", "buy 200 NVDA mkt"];
  for (const sentence of orders) await program.api("POST", "/orders", { sentence });
}

try {
  await program.start();
  program.setUp();
  const page = await opened({ viewport: { width: 1440, height: 900 }, colorScheme: "dark" });
  await page.waitForSelector("#door:not([hidden])");
  const secret = await signsIn(page);
  console.log("ok: signs in with a second factor");
  await pricesMove(page);
  await chartStands(page);
  console.log("ok: prices move, candles stand");
  await ordersAppear(page);
  console.log("ok: orders, executions, positions and activity appear");
  if (pictures) {
    await busy();
    await page.waitForTimeout(6000);
    await page.screenshot({ path: join(pictures, "web-desk.png") });
    await page.click("#theme");
    await page.waitForTimeout(1000);
    await page.screenshot({ path: join(pictures, "web-light.png") });
    await page.click("#theme");
  }
  await named(page);
  await comesBack(page);
  console.log("ok: comes back after a restart");
  const storage = await page.context().storageState();
  const phone = await opened({ viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true, colorScheme: "dark", storageState: storage });
  await phone.waitForSelector("#desk:not([hidden])");
  await pricesMove(phone);
  await fits(phone);
  console.log("ok: fits a phone");
  await brakes(page, secret);
  console.log("ok: halts, cancels and flattens by press and hold");
  await tells(page);
  console.log("ok: its errors are in the engine's log");
  assert.deepEqual(complaints, []);
  assert.deepEqual(strangers, []);
  console.log("ok: nothing to complain of, and nobody else was asked");
} catch (error) {
  console.error(`${error.stack}\ncomplaints: ${complaints.join("\n")}\nthe engine:\n${program.logged().slice(-4000)}`);
  process.exitCode = 1;
} finally {
  await browser.close();
  await program.end();
}
