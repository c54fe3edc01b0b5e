import { assert } from "../domain/assert.ts";
import { RECORD_KINDS, type RecordKind } from "../recorder/segment.ts";

/** Words of the ring that both threads see. */
const HEAD = 0;
const TAIL = 1;
const FAILURES = 2;
const REASON = 3;
const STOP = 4;
const WORDS = 8;
const WORD_BYTES = 4;
/** Before each record: its length and its kind. */
const LABEL_BYTES = 5;

/** Why records are not kept; the ring carries the place. */
export const SINK_REASONS = [
  "the disk is too slow for it",
  "the disk is full",
  "the disk does not take it",
  "its thread does not run",
] as const;
export type SinkReason = (typeof SINK_REASONS)[number];

/**
 * Bytes that one thread puts in and another takes out, in memory that both have: no message, no
 * object and no wait for the one that puts in. Bounded: what does not fit is not taken.
 */
export class SharedRing {
  readonly memory: SharedArrayBuffer;
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #label = new Uint8Array(LABEL_BYTES);
  readonly #labelView = new DataView(this.#label.buffer);

  /** @param memory of another thread's ring; undefined: a new one of `capacity` bytes */
  constructor(memory: SharedArrayBuffer | number) {
    this.memory =
      typeof memory === "number" ? new SharedArrayBuffer(WORDS * WORD_BYTES + memory) : memory;
    this.#words = new Int32Array(this.memory, 0, WORDS);
    this.#bytes = new Uint8Array(this.memory, WORDS * WORD_BYTES);
  }

  get failures(): number {
    return Atomics.load(this.#words, FAILURES);
  }

  get reason(): SinkReason {
    return SINK_REASONS[Atomics.load(this.#words, REASON)] ?? SINK_REASONS[0];
  }

  /** By the one thread that puts in. */
  offer(kind: RecordKind, content: Uint8Array): boolean {
    const head = Atomics.load(this.#words, HEAD);
    const tail = Atomics.load(this.#words, TAIL);
    const size = this.#bytes.length;
    const free = (tail - head - 1 + size) % size;
    if (LABEL_BYTES + content.length > free) return false;
    this.#labelView.setUint32(0, content.length, true);
    this.#label[4] = RECORD_KINDS.indexOf(kind);
    const end = this.#put(this.#put(head, this.#label), content);
    // Nobody is woken: that would cost the cycle's thread more than everything else in here.
    Atomics.store(this.#words, HEAD, end);
    return true;
  }

  /** By the one thread that takes out; undefined: there is nothing. */
  take(): { readonly kind: RecordKind; readonly content: Uint8Array } | undefined {
    const head = Atomics.load(this.#words, HEAD);
    const tail = Atomics.load(this.#words, TAIL);
    if (head === tail) return undefined;
    const label = this.#get(tail, LABEL_BYTES);
    const length = new DataView(label.buffer).getUint32(0, true);
    const kind = RECORD_KINDS[label[4] ?? RECORD_KINDS.length];
    assert(kind !== undefined, "a record of a kind that is known");
    const start = (tail + LABEL_BYTES) % this.#bytes.length;
    const content = this.#get(start, length);
    Atomics.store(this.#words, TAIL, (start + length) % this.#bytes.length);
    return { kind, content };
  }

  /** Waits until something may be there, or the ring is to end. */
  wait(timeoutMs: number): void {
    Atomics.wait(this.#words, STOP, 0, timeoutMs);
  }

  /** What was taken out could not be kept. */
  fail(reason: SinkReason): void {
    Atomics.store(this.#words, REASON, SINK_REASONS.indexOf(reason));
    Atomics.add(this.#words, FAILURES, 1);
  }

  /** Nothing more is put in; what is there is still taken out. */
  stop(): void {
    Atomics.store(this.#words, STOP, 1);
    Atomics.notify(this.#words, STOP);
  }

  get isStopping(): boolean {
    return Atomics.load(this.#words, STOP) === 1;
  }

  #put(at: number, bytes: Uint8Array): number {
    const room = this.#bytes.length - at;
    if (bytes.length <= room) this.#bytes.set(bytes, at);
    else {
      this.#bytes.set(bytes.subarray(0, room), at);
      this.#bytes.set(bytes.subarray(room), 0);
    }
    return (at + bytes.length) % this.#bytes.length;
  }

  #get(at: number, count: number): Uint8Array {
    const bytes = new Uint8Array(count);
    const room = Math.min(this.#bytes.length - at, count);
    bytes.set(this.#bytes.subarray(at, at + room));
    bytes.set(this.#bytes.subarray(0, count - room), room);
    return bytes;
  }
}
