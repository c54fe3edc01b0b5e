import { assert } from "../../domain/assert.ts";

/**
 * The two packets that go by the hundred per second, without a detour: PUBLISH is made here, PUBACK
 * is read here. Everything else of the protocol is the MQTT library's.
 */

/** Longest topic in bytes that fits its length field. */
const TOPIC_MAX_BYTES = 65_535;
const PUBLISH_QOS_0 = 0x30;
const QOS_1 = 0x02;
const RETAIN = 0x01;
const PROPERTY_EXPIRY = 0x02;
const EXPIRY_BYTES = 5;
const CONTINUES = 0x80;
const LENGTH_DIGITS_MAX = 4;
const PUBACK = 0x40;
const PACKET_ID_BYTES = 2;

export interface PublishFacts {
  readonly protocol: 4 | 5;
  /** Topic in UTF-8. */
  readonly topic: Uint8Array;
  readonly payloadBytes: number;
  /** 0 for QoS 0, else QoS 1. */
  readonly packetId: number;
  readonly isRetained: boolean;
  /** Whole seconds; ignored by protocol 4. */
  readonly expirySeconds: number | undefined;
}

/**
 * Everything of a PUBLISH before its payload.
 * @see MQTT 3.1.1 section 3.3; MQTT 5.0 sections 1.5.5 and 3.3
 */
export function publishHead(facts: PublishFacts): Uint8Array {
  const { topic, packetId, expirySeconds } = facts;
  assert(topic.length <= TOPIC_MAX_BYTES, "a topic is longer than MQTT allows");
  assert(packetId >= 0 && packetId <= 0xffff, "a packet id has 16 bits");
  const expiry = facts.protocol === 5 ? expirySeconds : undefined;
  const propertyBytes = facts.protocol === 5 ? 1 + (expiry === undefined ? 0 : EXPIRY_BYTES) : 0;
  const variable = 2 + topic.length + (packetId > 0 ? 2 : 0) + propertyBytes;
  const remaining = variable + facts.payloadBytes;
  const head = new Uint8Array(1 + lengthBytes(remaining) + variable);
  head[0] = PUBLISH_QOS_0 | (packetId > 0 ? QOS_1 : 0) | (facts.isRetained ? RETAIN : 0);
  let at = writeLength(head, 1, remaining);
  at = writeUint16(head, at, topic.length);
  head.set(topic, at);
  at += topic.length;
  if (packetId > 0) at = writeUint16(head, at, packetId);
  if (facts.protocol === 5) writeProperties(head, at, expiry);
  return head;
}

/** Size of a whole PUBLISH, bytes, as a broker's Maximum Packet Size counts it. */
export function publishBytes(topicBytes: number, payloadBytes: number, protocol: 4 | 5): number {
  const remaining = 4 + topicBytes + payloadBytes + (protocol === 5 ? 1 + EXPIRY_BYTES : 0);
  return 1 + lengthBytes(remaining) + remaining;
}

function writeProperties(head: Uint8Array, at: number, expirySeconds: number | undefined): void {
  if (expirySeconds === undefined) {
    head[at] = 0;
    return;
  }
  head[at] = EXPIRY_BYTES;
  head[at + 1] = PROPERTY_EXPIRY;
  const end = writeUint16(head, at + 2, expirySeconds >>> 16);
  writeUint16(head, end, expirySeconds & 0xffff);
}

function writeUint16(bytes: Uint8Array, at: number, value: number): number {
  bytes[at] = value >>> 8;
  bytes[at + 1] = value & 0xff;
  return at + 2;
}

/** Variable byte integer: seven bits a byte, low ones first. */
function writeLength(bytes: Uint8Array, at: number, length: number): number {
  let rest = length;
  let end = at;
  while (rest >= CONTINUES) {
    bytes[end++] = (rest & 0x7f) | CONTINUES;
    rest >>>= 7;
  }
  bytes[end] = rest;
  return end + 1;
}

function lengthBytes(length: number): number {
  if (length < 0x80) return 1;
  if (length < 0x4000) return 2;
  return length < 0x20_0000 ? 3 : 4;
}

/** What a broker said to one of our messages. */
export interface Puback {
  readonly packetId: number;
  /** 0 where the packet carries none. */
  readonly reasonCode: number;
}

/**
 * Takes the PUBACKs, which come by the hundred per second, out of what a broker sends, and watches
 * the lengths of all packets, so that no peer can make the library collect more bytes than
 * `maxPacketBytes`. Keeps no bytes: of the other packets it reads only where they end.
 * @see MQTT 5.0 sections 2.1 (fixed header) and 3.4 (PUBACK)
 */
export class PubackFilter {
  readonly #maxPacketBytes: number;
  readonly #onPuback: (puback: Puback) => void;
  /** Bytes of the fixed header that were read; 0 between two packets. */
  #headerBytes = 0;
  #isPuback = false;
  #length = 0;
  /** Bytes of the packet's body that are still to come. */
  #left = 0;
  #packetId = 0;
  #reasonCode = 0;

  constructor(maxPacketBytes: number, onPuback: (puback: Puback) => void) {
    this.#maxPacketBytes = maxPacketBytes;
    this.#onPuback = onPuback;
  }

  /**
   * The parts of a chunk that are not PUBACKs, in order; undefined as soon as a packet announces
   * more than allowed, or a length that MQTT does not know.
   */
  pass(chunk: Uint8Array): readonly Uint8Array[] | undefined {
    const rest: Uint8Array[] = [];
    let from = 0;
    let at = 0;
    while (at < chunk.length) {
      if (this.#left > 0) {
        at = this.#isPuback ? this.#body(chunk, at) : this.#skip(chunk, at);
      } else if (this.#headerBytes === 0) {
        const isPuback = chunk[at] === PUBACK;
        if (isPuback !== this.#isPuback) {
          if (isPuback && at > from) rest.push(chunk.subarray(from, at));
          from = at;
          this.#isPuback = isPuback;
        }
        this.#headerBytes = 1;
        this.#length = 0;
        at += 1;
      } else if (!this.#lengthDigit(chunk[at++] ?? 0)) return undefined;
    }
    if (!this.#isPuback && from < chunk.length) rest.push(chunk.subarray(from));
    return rest;
  }

  #lengthDigit(byte: number): boolean {
    const digit = this.#headerBytes - 1;
    this.#headerBytes += 1;
    if (digit >= LENGTH_DIGITS_MAX) return false;
    this.#length += (byte & 0x7f) * 128 ** digit;
    if (byte >= CONTINUES) return true;
    this.#headerBytes = 0;
    this.#left = this.#length;
    this.#packetId = 0;
    this.#reasonCode = 0;
    if (this.#isPuback && this.#length < PACKET_ID_BYTES) return false;
    return this.#length <= this.#maxPacketBytes;
  }

  #skip(chunk: Uint8Array, at: number): number {
    const taken = Math.min(this.#left, chunk.length - at);
    this.#left -= taken;
    return at + taken;
  }

  #body(chunk: Uint8Array, at: number): number {
    const place = this.#length - this.#left;
    if (place > PACKET_ID_BYTES) at = this.#skip(chunk, at);
    else {
      const byte = chunk[at++] ?? 0;
      if (place === PACKET_ID_BYTES) this.#reasonCode = byte;
      else this.#packetId = (this.#packetId << 8) | byte;
      this.#left -= 1;
    }
    if (this.#left === 0)
      this.#onPuback({ packetId: this.#packetId, reasonCode: this.#reasonCode });
    return at;
  }
}
