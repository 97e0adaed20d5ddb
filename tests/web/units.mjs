// The page's own pieces without a browser: its msgpack against bytes written down by hand and against rubbish, its figures,
// and that the library it carries is the one that is named.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

const web = new URL("../../assets/web/", import.meta.url);
const load = (name) => import(`data:text/javascript;base64,${readFileSync(new URL(name, web)).toString("base64")}`);
const { decode, encode } = await load("msgpack.js");
const format = await load("format.js");
const hex = (text) => Uint8Array.from(text.replaceAll(" ", "").match(/../g) ?? [], (byte) => parseInt(byte, 16));

function values() {
  const cases = [
    ["c0", null], ["c2", false], ["c3", true], ["00", 0], ["7f", 127], ["ff", -1], ["e0", -32], ["cc ff", 255], ["cd 01 f4", 500],
    ["ce ff ff ff ff", 4294967295], ["cf 00 1f ff ff ff ff ff ff", Number.MAX_SAFE_INTEGER], ["cf ff ff ff ff ff ff ff ff", 18446744073709551615n],
    ["d0 80", -128], ["d1 80 00", -32768], ["d2 80 00 00 00", -2147483648], ["d3 ff ff ff ff ff ff ff ff", -1],
    ["ca 3f 80 00 00", 1], ["cb 3f f8 00 00 00 00 00 00", 1.5], ["a0", ""], ["a3 e2 82 ac", "€"], ["d9 01 61", "a"], ["da 00 01 61", "a"], ["db 00 00 00 01 61", "a"],
    ["90", []], ["92 01 c0", [1, null]], ["dc 00 01 05", [5]], ["dd 00 00 00 01 05", [5]],
  ];
  for (const [bytes, value] of cases) assert.deepEqual(decode(hex(bytes)), value, bytes);
  assert.deepEqual([...decode(hex("c4 02 01 02"))], [1, 2]);
  assert.equal(JSON.stringify(decode(hex("82 a1 61 01 a1 62 81 a1 63 90"))), '{"a":1,"b":{"c":[]}}');
  assert.equal(JSON.stringify(decode(hex("de 00 01 a1 61 01"))), '{"a":1}');
  const hostile = decode(hex("81 a9 5f 5f 70 72 6f 74 6f 5f 5f 81 a1 61 01"));
  assert.equal({}.a, undefined);
  assert.deepEqual(Object.keys(hostile), ["__proto__"]);
}

function rubbish() {
  const bad = [
    "", "c1", "c7 01 00 00", "d4 01 02", "a3 61", "da 00", "92 01", "81 a1 61", "81 01 02", "01 02", "a2 c3 28",
    "dd ff ff ff ff", "df ff ff ff ff", "db ff ff ff ff 61", "c6 ff ff ff ff", "cf 01", "91".repeat(100) + "c0",
  ];
  for (const bytes of bad) assert.throws(() => decode(hex(bytes)), Error, bytes);
  // Any bytes end in a value or an error, soon.
  let seed = 7;
  const random = () => (seed = (seed * 48271) % 2147483647);
  let read = 0;
  for (let round = 0; round < 100000; round += 1) {
    const bytes = Uint8Array.from({ length: random() % 40 }, () => random() % 256);
    try {
      decode(bytes);
      read += 1;
    } catch (error) {
      assert.ok(error instanceof RangeError || error instanceof TypeError, String(error));
    }
  }
  assert.ok(read > 100, `of random bytes only ${read} were a value: the test tests nothing`);
}

function asked() {
  const ask = { op: "subscribe", id: 300, topic: "quotes", symbols: ["AAPL"], batch_ms: 100, after: undefined, deep: null, yes: true };
  const { after, ...rest } = ask;
  assert.deepEqual({ ...decode(encode(ask)) }, rest);
  assert.equal(after, undefined);
  assert.equal(decode(encode("x".repeat(70))).length, 70);
  assert.equal(decode(encode(-5)), -5);
  assert.throws(() => encode(1.5));
  const message = encode(ask);
  for (let cut = 0; cut < message.length; cut += 1) assert.throws(() => decode(message.subarray(0, cut)));
}

function figures() {
  const { grouped, sum, difference, percent, sign, UNKNOWN } = format;
  assert.equal(grouped("-1234567.5", 2), "-1,234,567.50");
  assert.equal(grouped("0.000001"), "0.000001");
  assert.equal(grouped("12"), "12");
  for (const unknown of [null, undefined, "", "NaN", "1e5", "abc", "1.", 5]) assert.equal(grouped(unknown), UNKNOWN);
  assert.equal(sum(["0.1", "0.2", "-0.30"]), "0.00");
  assert.equal(sum(["9007199254740993", "0.01"]), "9007199254740993.01");
  assert.equal(sum(["1", null]), null);
  assert.equal(sum([]), "0");
  assert.equal(difference("195.08", "197.70"), "-2.62");
  assert.equal(percent("195.08", "197.70"), "-1.33");
  assert.equal(percent("101", "100"), "1.00");
  assert.equal(percent("1", "0"), null);
  assert.equal(percent(null, "1"), null);
  assert.deepEqual(["-0.00", "0", "-0.01", "3", "--"].map(sign), [0, 0, -1, 1, null]);
}

function carried() {
  const told = readFileSync(new URL("vendor/README.md", web), "utf8").match(/[0-9a-f]{64}/)[0];
  const is = createHash("sha256").update(readFileSync(new URL("vendor/lightweight-charts.js", web))).digest("hex");
  assert.equal(is, told, "vendor/README.md names another lightweight-charts.js");
}

for (const test of [values, rubbish, asked, figures, carried]) {
  test();
  console.log(`ok: ${test.name}`);
}
