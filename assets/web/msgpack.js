// Msgpack, as far as the engine speaks it: reads any value but extensions, writes what the page asks. Every length is held
// against the bytes that are there before anything is made of it, and nesting ends at a depth: a broken or hostile message
// is an error with words, never a frozen page. Integers that a number can't hold exactly become BigInt.

const DEPTH_MAX = 64;

class Reader {
  constructor(bytes) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = 0;
  }

  take(count) {
    const from = this.at;
    if (count > this.bytes.length - from) {
      throw new RangeError(`msgpack: ${count} bytes wanted at ${from}, ${this.bytes.length - from} are left`);
    }
    this.at = from + count;
    return from;
  }

  uint(size) {
    const at = this.take(size);
    if (size === 1) return this.view.getUint8(at);
    if (size === 2) return this.view.getUint16(at);
    if (size === 4) return this.view.getUint32(at);
    return exact(this.view.getBigUint64(at));
  }

  int(size) {
    const at = this.take(size);
    if (size === 1) return this.view.getInt8(at);
    if (size === 2) return this.view.getInt16(at);
    if (size === 4) return this.view.getInt32(at);
    return exact(this.view.getBigInt64(at));
  }

  text(length) {
    const at = this.take(length);
    return UTF8.decode(this.bytes.subarray(at, at + length));
  }

  binary(length) {
    const at = this.take(length);
    return this.bytes.slice(at, at + length);
  }

  // A value has at least one byte: a list can't claim more values than there are bytes.
  room(count) {
    if (count > this.bytes.length - this.at) {
      throw new RangeError(`msgpack: ${count} values are promised at ${this.at}, ${this.bytes.length - this.at} bytes are left`);
    }
    return count;
  }

  list(count, depth) {
    const all = [];
    for (let left = this.room(count); left > 0; left -= 1) all.push(this.value(depth + 1));
    return all;
  }

  // Without a prototype: a key called __proto__ is a key like any other.
  map(count, depth) {
    const all = Object.create(null);
    for (let left = this.room(count); left > 0; left -= 1) {
      const key = this.value(depth + 1);
      if (typeof key !== "string") throw new TypeError(`msgpack: a key at ${this.at} is no text`);
      all[key] = this.value(depth + 1);
    }
    return all;
  }

  value(depth) {
    if (depth > DEPTH_MAX) throw new RangeError(`msgpack: nested more than ${DEPTH_MAX} deep`);
    const tag = this.uint(1);
    if (tag < 0x80) return tag;
    if (tag < 0x90) return this.map(tag & 0x0f, depth);
    if (tag < 0xa0) return this.list(tag & 0x0f, depth);
    if (tag < 0xc0) return this.text(tag & 0x1f);
    if (tag >= 0xe0) return tag - 0x100;
    switch (tag) {
      case 0xc0: return null;
      case 0xc2: return false;
      case 0xc3: return true;
      case 0xc4: case 0xc5: case 0xc6: return this.binary(this.uint(1 << (tag - 0xc4)));
      case 0xca: return this.view.getFloat32(this.take(4));
      case 0xcb: return this.view.getFloat64(this.take(8));
      case 0xcc: case 0xcd: case 0xce: case 0xcf: return this.uint(1 << (tag - 0xcc));
      case 0xd0: case 0xd1: case 0xd2: case 0xd3: return this.int(1 << (tag - 0xd0));
      case 0xd9: case 0xda: case 0xdb: return this.text(this.uint(1 << (tag - 0xd9)));
      case 0xdc: case 0xdd: return this.list(this.uint(2 << (tag - 0xdc)), depth);
      case 0xde: case 0xdf: return this.map(this.uint(2 << (tag - 0xde)), depth);
      default: throw new TypeError(`msgpack: 0x${tag.toString(16)} at ${this.at - 1} is no value that is spoken here`);
    }
  }
}

const UTF8 = new TextDecoder("utf-8", { fatal: true });

function exact(big) {
  const number = Number(big);
  return Number.isSafeInteger(number) ? number : big;
}

/** The one value that `bytes` (a Uint8Array) holds. Throws where there is none, half of one, or more than one. */
export function decode(bytes) {
  const reader = new Reader(bytes);
  const value = reader.value(0);
  if (reader.at !== bytes.length) throw new RangeError(`msgpack: ${bytes.length - reader.at} bytes after the message`);
  return value;
}

/** A value as bytes: nil, booleans, safe integers, text, lists and plain objects, whose undefined fields are left out. */
export function encode(value) {
  const out = [];
  write(out, value);
  return Uint8Array.from(out);
}

function head(out, small, limit, wide, length) {
  if (length < limit) out.push(small | length);
  else if (length < 0x10000) out.push(wide, length >> 8, length & 0xff);
  else throw new RangeError("msgpack: longer than the page ever asks");
}

function write(out, value) {
  if (value === null || value === undefined) out.push(0xc0);
  else if (typeof value === "boolean") out.push(value ? 0xc3 : 0xc2);
  else if (typeof value === "number") integer(out, value);
  else if (typeof value === "string") {
    const bytes = new TextEncoder().encode(value);
    head(out, 0xa0, 32, 0xda, bytes.length);
    for (const byte of bytes) out.push(byte);
  } else if (Array.isArray(value)) {
    head(out, 0x90, 16, 0xdc, value.length);
    for (const one of value) write(out, one);
  } else {
    const fields = Object.entries(value).filter(([, field]) => field !== undefined);
    head(out, 0x80, 16, 0xde, fields.length);
    for (const [name, field] of fields) {
      write(out, name);
      write(out, field);
    }
  }
}

function integer(out, value) {
  if (!Number.isSafeInteger(value)) throw new RangeError(`msgpack: ${value} is no whole number`);
  if (value >= 0 && value < 0x80) out.push(value);
  else {
    const bytes = new DataView(new ArrayBuffer(8));
    bytes.setBigInt64(0, BigInt(value));
    out.push(0xd3);
    for (let at = 0; at < 8; at += 1) out.push(bytes.getUint8(at));
  }
}
