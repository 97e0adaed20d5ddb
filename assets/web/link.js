// The WebSocket: connects, comes back by itself with growing pauses, begins every topic again from the number it had, and
// measures the round trip. A link that says nothing to a ping is dead, whatever the browser thinks of it.

import { keyProtocol } from "./api.js";
import { decode, encode } from "./msgpack.js";
import { report } from "./report.js";

const PROTOCOL = "tradewind.v1.msgpack";
const PING_EVERY = 3000;
const PONG_WITHIN = 8000;
const PAUSES = [300, 700, 1500, 3000, 5000];

export class Link {
  /**
   * `told(topic, rows, whole)` for data, `changed()` for the link's own state, `refused()` where it did not open, and
   * `wrong(topic, message)` for a topic that could not be begun.
   */
  constructor(told, changed, refused, wrong) {
    this.refused = refused;
    this.wrong = wrong;
    this.told = told;
    this.changed = changed;
    this.topics = new Map();
    this.state = "off";
    this.reason = "";
    this.roundTrip = null;
    this.sequence = null;
    this.reconnects = -1;
    this.failures = 0;
    this.heardAt = 0;
    this.retryAt = 0;
    this.hello = null;
    const again = () => this.state === "waiting" && document.visibilityState === "visible" && this.open();
    addEventListener("online", again);
    document.addEventListener("visibilitychange", again);
  }

  start() {
    if (this.state === "off") this.open();
  }

  stop() {
    clearTimeout(this.timer);
    clearInterval(this.pinging);
    this.state = "off";
    this.socket?.close();
    this.socket = null;
    this.topics.clear();
    this.reconnects = -1;
  }

  /** Begins a topic, or begins it anew with other parameters. */
  subscribe(id, topic, parameters = {}) {
    this.topics.set(id, { topic, parameters, stream: null, number: null });
    if (this.state === "open") this.ask(id, false);
  }

  /** The whole of a topic once more, as it is now. */
  refresh(id) {
    if (this.state === "open" && this.topics.has(id)) this.ask(id, false);
  }

  /** Asks for a topic; where it `goes on`, from the place in its stream that we had. */
  ask(id, goesOn) {
    const topic = this.topics.get(id);
    const place = goesOn && topic.stream !== null ? { stream: topic.stream, after: topic.number } : {};
    // Until the answer nothing that still comes of the old place is ours.
    topic.stream = null;
    this.send({ op: "subscribe", id, topic: topic.topic, ...topic.parameters, ...place });
  }

  send(message) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(encode(message));
  }

  open() {
    clearTimeout(this.timer);
    this.state = "connecting";
    this.changed();
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}/ws`, [PROTOCOL, ...keyProtocol()]);
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    this.reason = "";
    const mine = (act) => (event) => socket === this.socket && act(event);
    socket.addEventListener("open", mine(() => this.opened()));
    socket.addEventListener("message", mine((event) => this.hear(event.data)));
    socket.addEventListener("close", mine((event) => this.closed(event.reason)));
  }

  opened() {
    this.state = "open";
    this.failures = 0;
    this.reconnects += 1;
    this.heardAt = performance.now();
    this.token = 0;
    for (const id of this.topics.keys()) this.ask(id, true);
    clearInterval(this.pinging);
    this.pinging = setInterval(() => this.ping(), PING_EVERY);
    this.ping();
    this.changed();
  }

  ping() {
    if (performance.now() - this.heardAt > PONG_WITHIN) {
      this.closed("nothing was heard for a while");
      return;
    }
    this.token += 1;
    this.pinged = performance.now();
    this.send({ op: "ping", token: this.token });
  }

  closed(reason) {
    clearInterval(this.pinging);
    const socket = this.socket;
    this.socket = null;
    socket?.close();
    if (this.state === "off") return;
    const had = this.state === "open";
    this.state = "waiting";
    this.roundTrip = null;
    this.reason = this.reason || reason || "the engine can't be reached";
    const pause = PAUSES[Math.min(this.failures, PAUSES.length - 1)] * (0.8 + Math.random() * 0.4);
    this.failures += 1;
    this.retryAt = Date.now() + pause;
    this.timer = setTimeout(() => this.open(), pause);
    this.changed();
    // A browser does not tell why a WebSocket did not open: a read does, such as that the session is over.
    if (!had) this.refused();
  }

  hear(data) {
    this.heardAt = performance.now();
    let message;
    try {
      message = decode(new Uint8Array(data));
    } catch (error) {
      report(error.message);
      this.closed("a message could not be read");
      return;
    }
    if (message.type === "update") this.update(message);
    else if (message.type === "snapshot" || message.type === "resumed") this.begun(message);
    else if (message.type === "pong" && message.token === this.token) {
      this.roundTrip = this.heardAt - this.pinged;
      this.changed();
    } else if (message.type === "hello") {
      this.hello = message;
      this.changed();
    } else if (message.type === "goodbye") this.reason = message.reason;
    else if (message.type === "error") {
      const topic = this.topics.get(message.id)?.topic;
      report(`topic ${topic ?? message.id}: ${message.code}: ${message.message}`);
      if (topic) this.wrong(topic, message.message);
    }
  }

  /** A topic begins, or goes on: then what was missed follows by itself. */
  begun(message) {
    const topic = this.topics.get(message.id);
    if (!topic || topic.topic !== message.topic) return;
    topic.stream = message.stream;
    topic.number = message.number;
    if (message.type === "resumed") return;
    this.sequence = message.sequence;
    this.told(message.topic, message.data, true);
  }

  update(message) {
    for (const [id, topic] of this.topics) {
      if (topic.stream !== message.stream || topic.topic !== message.topic) continue;
      if (message.number !== topic.number + 1) {
        // A hole in the numbers: all of it again.
        this.ask(id, false);
        return;
      }
      topic.number = message.number;
      this.sequence = Math.max(this.sequence ?? 0, message.sequence);
      this.told(message.topic, message.data, message.whole === true);
    }
  }
}
