import { assert } from "../../domain/assert.ts";

/**
 * The one packet that the gateway sends by the hundred per second, made without a detour: PUBLISH.
 * Everything else of the protocol is the MQTT library's.
 */

/** Longest topic in bytes that fits its length field. */
const TOPIC_MAX_BYTES = 65_535;
const PUBLISH_QOS_0 = 0x30;
const QOS_1 = 0x02;
const RETAIN = 0x01;
const PROPERTY_EXPIRY = 0x02;
const EXPIRY_BYTES = 5;
const CONTINUES = 0x80;

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

/**
 * Watches the lengths of inbound packets, so that no peer can make the library collect more bytes
 * than `maxPacketBytes`. Reads no content.
 * @see MQTT 5.0 section 2.1 (fixed header)
 */
export class LengthGuard {
  readonly #maxPacketBytes: number;
  #isHeader = true;
  #headerByte = 0;
  #length = 0;
  #left = 0;

  constructor(maxPacketBytes: number) {
    this.#maxPacketBytes = maxPacketBytes;
  }

  /** False as soon as a packet announces more than allowed, or its length is malformed. */
  accept(chunk: Uint8Array): boolean {
    let at = 0;
    while (at < chunk.length) {
      if (!this.#isHeader) {
        const taken = Math.min(this.#left, chunk.length - at);
        this.#left -= taken;
        at += taken;
        if (this.#left === 0) this.#isHeader = true;
        continue;
      }
      if (!this.#header(chunk[at++] ?? 0)) return false;
    }
    return true;
  }

  #header(byte: number): boolean {
    if (this.#headerByte++ === 0) {
      this.#length = 0;
      return true;
    }
    const digit = this.#headerByte - 2;
    if (digit > 3) return false;
    this.#length += (byte & 0x7f) * 128 ** digit;
    if (byte >= CONTINUES) return true;
    this.#headerByte = 0;
    this.#left = this.#length;
    this.#isHeader = this.#left === 0;
    return this.#length <= this.#maxPacketBytes;
  }
}
