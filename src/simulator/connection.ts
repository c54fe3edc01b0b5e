import type { Socket } from "node:net";
import { assert } from "../domain/assert.ts";
import type { Clock } from "../domain/time.ts";
import { appendCrc, splitRtuRequest } from "../wire/modbus/rtu.ts";
import {
  decodeRequest,
  encodeException,
  encodeMbap,
  MBAP_FRAME_BYTES_MAX,
  MBAP_HEADER_BYTES,
  mbapFrameBytes,
} from "../wire/modbus/server-codec.ts";
import { answer, type AnswerSource } from "./answers.ts";
import type { Fault } from "./faults.ts";

/** A device as its server sees it. */
export interface ServedDevice extends AnswerSource {
  readonly id: string;
  /** Unit ids that it answers to. */
  readonly units: readonly number[];
  readonly fault: Fault | undefined;
  /** Lets the device notice what time has done to it: a lapsed keep-alive, the end of a reboot. */
  tick(nowMs: number): void;
}

/** Counted since the server was made; they never go back. */
export interface ServerCounters {
  connections: number;
  refusedConnections: number;
  requests: number;
  /** Requests that came sooner after an answer than the device allows. */
  pauseViolations: number;
  /** Connections closed because what came was not Modbus. */
  malformed: number;
  /** Bytes that belonged to no RTU frame. */
  noiseBytes: number;
  /** Answers dropped because too many waited for their time. */
  droppedAnswers: number;
}

/** A serial line carries one frame at a time; shared by every connection to it. */
export interface SerialLine {
  readonly baud: number;
  freeAtMs: number;
}

export interface ConnectionTerms {
  readonly protocol: "modbus-tcp" | "modbus-rtu-over-tcp";
  readonly clock: Clock;
  readonly counters: ServerCounters;
  readonly deviceByUnit: ReadonlyMap<number, ServedDevice>;
  /** Undefined: answers come as fast as they can. */
  readonly line: SerialLine | undefined;
}

/** What a gateway answers for a unit that nobody has (Modbus V1.1b3, section 7). */
const EXCEPTION_NO_TARGET = 11;
const BROADCAST_UNIT = 0;
/** Room for the answers to one burst of requests. */
const SCRATCH_BYTES = 65_536;
/** Answers that may wait for their time at once; more are dropped and counted. */
const DELAYED_ANSWERS_MAX = 256;
/** A peer that does not read: no more requests are taken from it until it has caught up. */
const UNSENT_BYTES_MAX = 1_048_576;
/** A frame that stays incomplete this long on a line is dropped: silence ends a frame. */
const LINE_SILENCE_MS = 200;
const BITS_PER_CHARACTER = 11;
const SILENT_CHARACTERS = 3.5;

/** Filled and copied within one turn of the event loop, so that all connections can share it. */
const scratch = new Uint8Array(SCRATCH_BYTES);

/** One client of a server: frames in, answers out. */
export class Connection {
  readonly #socket: Socket;
  readonly #terms: ConnectionTerms;
  readonly #ended = new AbortController();
  #rest = new Uint8Array(0);
  #restAtMs = 0;
  #outEnd = 0;
  #delayed = 0;
  #answeredAtMs = Number.NEGATIVE_INFINITY;
  #isBlackhole = false;

  constructor(socket: Socket, terms: ConnectionTerms) {
    this.#socket = socket;
    this.#terms = terms;
    socket.on("data", (chunk: Buffer) => {
      this.#receive(chunk);
    });
    socket.on("drain", () => {
      if (!this.#isBlackhole) socket.resume();
    });
    // A reset by the peer is its right; what follows is always `close`.
    socket.on("error", () => undefined);
    socket.on("close", () => {
      this.#ended.abort();
    });
  }

  /** Stops reading the socket, or goes on with what has come meanwhile. */
  setBlackhole(isBlackhole: boolean): void {
    if (isBlackhole === this.#isBlackhole) return;
    this.#isBlackhole = isBlackhole;
    if (isBlackhole) this.#socket.pause();
    else this.#socket.resume();
  }

  /** Sends RST. */
  reset(): void {
    this.#ended.abort();
    this.#socket.resetAndDestroy();
  }

  close(): void {
    this.#ended.abort();
    this.#socket.destroy();
  }

  #receive(chunk: Uint8Array): void {
    if (this.#ended.signal.aborted) return;
    const nowMs = this.#terms.clock.now();
    const bytes = this.#joined(chunk, nowMs);
    const consumed =
      this.#terms.protocol === "modbus-tcp"
        ? this.#takeTcp(bytes, nowMs)
        : this.#takeRtu(bytes, nowMs);
    this.#flush();
    if (consumed < 0) {
      this.#terms.counters.malformed += 1;
      this.close();
      return;
    }
    // A copy: the chunk's memory is the socket's.
    this.#rest = consumed < bytes.length ? bytes.slice(consumed) : NOTHING;
    this.#restAtMs = nowMs;
    assert(this.#rest.length <= MBAP_FRAME_BYTES_MAX, "less than a frame is left over");
    if (this.#socket.writableLength > UNSENT_BYTES_MAX) this.#socket.pause();
  }

  #joined(chunk: Uint8Array, nowMs: number): Uint8Array {
    if (this.#rest.length === 0) return chunk;
    const isLine = this.#terms.protocol === "modbus-rtu-over-tcp";
    if (isLine && nowMs - this.#restAtMs > LINE_SILENCE_MS) {
      this.#terms.counters.noiseBytes += this.#rest.length;
      return chunk;
    }
    const joined = new Uint8Array(this.#rest.length + chunk.length);
    joined.set(this.#rest);
    joined.set(chunk, this.#rest.length);
    return joined;
  }

  #takeTcp(bytes: Uint8Array, nowMs: number): number {
    let at = 0;
    for (;;) {
      const frameBytes = mbapFrameBytes(bytes, at, bytes.length);
      if (frameBytes < 0) return -1;
      if (frameBytes === 0 || at + frameBytes > bytes.length) return at;
      const end = at + frameBytes;
      this.#take(bytes, { start: at, pdu: at + MBAP_HEADER_BYTES, pduEnd: end, end }, nowMs);
      at = end;
    }
  }

  #takeRtu(bytes: Uint8Array, nowMs: number): number {
    let at = 0;
    for (;;) {
      const { kind, start, end, skipped } = splitRtuRequest(bytes, at, bytes.length);
      this.#terms.counters.noiseBytes += skipped;
      if (kind === "incomplete") return start;
      this.#take(bytes, { start, pdu: start + 1, pduEnd: end - 2, end }, nowMs);
      at = end;
    }
  }

  #take(bytes: Uint8Array, frame: Frame, nowMs: number): void {
    this.#terms.counters.requests += 1;
    const unit = bytes[frame.pdu - 1] ?? 0;
    const device = this.#terms.deviceByUnit.get(unit);
    if (device !== undefined) this.#serve(device, bytes, frame, nowMs);
    else if (this.#terms.protocol === "modbus-tcp") this.#answerForNobody(bytes, frame);
    else if (unit === BROADCAST_UNIT) this.#broadcast(bytes, frame);
  }

  #serve(device: ServedDevice, bytes: Uint8Array, frame: Frame, nowMs: number): void {
    device.tick(nowMs);
    const { fault } = device;
    if (device.facts.pauseMs > 0) this.#watchPause(device.facts.pauseMs, nowMs);
    if (fault !== undefined && SILENT_FAULTS.has(fault.kind)) return;
    if (fault?.kind === "reset") {
      this.reset();
      return;
    }
    const begin = this.#room();
    const unit = bytes[frame.pdu - 1] ?? 0;
    const request = decodeRequest(bytes, frame.pdu, frame.pduEnd);
    const at = begin + this.#headerBytes();
    const pduEnd =
      fault?.kind === "exception"
        ? encodeException(scratch, at, request.function, fault.code)
        : answer(device, request, { target: scratch, at, unit });
    let end = this.#frame(bytes, frame, pduEnd, fault);
    if (fault?.kind === "truncated") end = begin + ((end - begin) >> 1);
    this.#send(end, this.#delayMs(device, frame.end - frame.start + end - begin, nowMs));
  }

  /** Wraps the PDU that was written behind the room for its header; returns the frame's end. */
  #frame(bytes: Uint8Array, of: Frame, pduEnd: number, fault: Fault | undefined): number {
    const begin = this.#outEnd;
    const asked = bytes[of.pdu - 1] ?? 0;
    const unit = fault?.kind === "wrong-unit" ? (asked + 1) & 0xff : asked;
    if (this.#terms.protocol === "modbus-rtu-over-tcp") {
      scratch[begin] = unit;
      return appendCrc(scratch, begin, pduEnd);
    }
    const id = ((bytes[of.start] ?? 0) << 8) | (bytes[of.start + 1] ?? 0);
    const transaction = fault?.kind === "wrong-transaction-id" ? (id + 1) & 0xffff : id;
    encodeMbap(scratch, begin, pduEnd - begin - MBAP_HEADER_BYTES, { transaction, unit });
    return pduEnd;
  }

  #answerForNobody(bytes: Uint8Array, frame: Frame): void {
    const at = this.#room() + MBAP_HEADER_BYTES;
    const pduEnd = encodeException(scratch, at, bytes[frame.pdu] ?? 0, EXCEPTION_NO_TARGET);
    this.#send(this.#frame(bytes, frame, pduEnd, undefined), 0);
  }

  /** On a line, unit 0 is everybody, and nobody answers. */
  #broadcast(bytes: Uint8Array, frame: Frame): void {
    const request = decodeRequest(bytes, frame.pdu, frame.pduEnd);
    const target = new Uint8Array(MBAP_FRAME_BYTES_MAX);
    for (const [unit, device] of this.#terms.deviceByUnit) {
      if (device.fault === undefined) answer(device, request, { target, at: 0, unit });
    }
  }

  #headerBytes(): number {
    return this.#terms.protocol === "modbus-tcp" ? MBAP_HEADER_BYTES : 1;
  }

  /** Makes sure that one more frame fits, and says where it begins. */
  #room(): number {
    if (this.#outEnd + MBAP_FRAME_BYTES_MAX > SCRATCH_BYTES) this.#flush();
    return this.#outEnd;
  }

  #watchPause(pauseMs: number, nowMs: number): void {
    if (nowMs - this.#answeredAtMs < pauseMs) this.#terms.counters.pauseViolations += 1;
    this.#answeredAtMs = nowMs;
  }

  #delayMs(device: ServedDevice, bytesOnLine: number, nowMs: number): number {
    const slowMs = device.fault?.kind === "slow" ? device.fault.ms : 0;
    const { line } = this.#terms;
    if (line === undefined) return slowMs;
    const characters = bytesOnLine + 2 * SILENT_CHARACTERS;
    const turnaroundMs = device.facts.serial?.turnaroundMs ?? 0;
    const takesMs = (characters * BITS_PER_CHARACTER * 1000) / line.baud + turnaroundMs;
    line.freeAtMs = Math.max(nowMs, line.freeAtMs) + takesMs + slowMs;
    return line.freeAtMs - nowMs;
  }

  /** The frame from the last sent byte to `end` goes out, now or after `delayMs`. */
  #send(end: number, delayMs: number): void {
    if (delayMs <= 0) {
      this.#outEnd = end;
      return;
    }
    const bytes = scratch.slice(this.#outEnd, end);
    if (this.#delayed >= DELAYED_ANSWERS_MAX) {
      this.#terms.counters.droppedAnswers += 1;
      return;
    }
    this.#delayed += 1;
    void this.#sendLater(bytes, delayMs);
  }

  async #sendLater(bytes: Uint8Array, delayMs: number): Promise<void> {
    const { signal } = this.#ended;
    try {
      await this.#terms.clock.sleep(delayMs, signal);
      this.#socket.write(bytes);
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      this.#delayed -= 1;
    }
  }

  #flush(): void {
    if (this.#outEnd === 0) return;
    const bytes = Buffer.allocUnsafe(this.#outEnd);
    bytes.set(scratch.subarray(0, this.#outEnd));
    this.#outEnd = 0;
    if (!this.#ended.signal.aborted) this.#socket.write(bytes);
  }
}

const NOTHING = new Uint8Array(0);
const SILENT_FAULTS: ReadonlySet<Fault["kind"]> = new Set(["silent", "reboot", "blackhole"]);

/** Where a frame and its PDU lie in the bytes received. */
interface Frame {
  readonly start: number;
  readonly pdu: number;
  readonly pduEnd: number;
  readonly end: number;
}
