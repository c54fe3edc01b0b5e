import { assert } from "../../domain/assert.ts";
import { GatewayError } from "../../domain/errors.ts";
import { type QualityCode, qualityCode } from "../../domain/quality.ts";
import type { Clock } from "../../domain/time.ts";
import type { AddressRange, ModbusFacts } from "../../profiles/binding.ts";
import type { ReadReply } from "../../wire/modbus/client-codec.ts";
import { readBit } from "../../wire/modbus/codec.ts";
import { isBitTable } from "../../wire/modbus/registers.ts";
import type { GapMemory } from "./gap-memory.ts";
import type { ModbusLink } from "./link.ts";
import type { FailedSpan, RoundPlan, RoundRead } from "./round-plan.ts";
import type { CostModel, DurationWindow } from "./round-trip.ts";

const ILLEGAL_ADDRESS = 2;
/** Requests that one round may spend on finding illegal gaps. */
const PROBES_MAX = 256;

const ABSENT = qualityCode("not-implemented");
const EXCEPTION = qualityCode("device-exception");
const MALFORMED = qualityCode("malformed");

export interface RoundReaderOptions {
  readonly link: ModbusLink;
  readonly clock: Clock;
  readonly facts: ModbusFacts;
  readonly gaps: GapMemory;
  readonly cost: CostModel;
  readonly roundTrips: DurationWindow;
}

/** Part of a planned read: a run of its atoms. */
interface Segment {
  readonly read: RoundRead;
  readonly atoms: readonly AddressRange[];
}

/**
 * Puts the requests of a round on the link. A time-out or a lost link ends the round; an exception
 * does not. A merged request that is refused for an illegal address is split until the cause is
 * found, so that every legal point of it is still read in the same round.
 */
export class RoundReader {
  readonly #options: RoundReaderOptions;
  #probes = 0;
  /** Exceptions, since the reader was made. */
  exceptions = 0;

  constructor(options: RoundReaderOptions) {
    this.#options = options;
  }

  /**
   * Fills `plan.bytes`.
   * @returns the registers that gave no value
   * @throws GatewayError LINK_TIMEOUT, LINK_LOST, LINK_BUSY: the round is over
   */
  async read(plan: RoundPlan, signal: AbortSignal): Promise<readonly FailedSpan[]> {
    const failed: FailedSpan[] = [];
    const later: Segment[] = [];
    this.#probes = 0;
    for (const read of plan.reads) {
      const reply = await this.#request(read, read, signal);
      if (reply instanceof Uint8Array) plan.bytes.set(reply, read.byteOffset);
      else await this.#refused({ read, atoms: read.atoms }, reply, { plan, failed, later, signal });
    }
    for (const segment of later) await this.#retry(segment, { plan, failed, later: [], signal });
    return failed;
  }

  /** @returns the bytes, an exception, or undefined for an answer that makes no sense */
  async #request(
    read: RoundRead,
    span: { readonly address: number; readonly count: number },
    signal: AbortSignal,
  ): Promise<ReadReply | undefined> {
    const { link, clock, cost, roundTrips } = this.#options;
    const sentAt = clock.now();
    try {
      const request = span === read ? read : { ...read, address: span.address, count: span.count };
      const reply = await link.read(request, signal);
      const tookMs = clock.now() - sentAt;
      roundTrips.add(tookMs);
      if (reply instanceof Uint8Array) cost.add(registersOf(read.table, span.count), tookMs);
      else this.exceptions += 1;
      return reply;
    } catch (error) {
      if (error instanceof GatewayError && error.code === "REPLY_MALFORMED") return undefined;
      throw error;
    }
  }

  async #refused(segment: Segment, reply: ReadReply | undefined, round: Round): Promise<void> {
    const exception = reply !== undefined && "exception" in reply ? reply.exception : undefined;
    const { exceptions } = this.#options.facts;
    if (exception !== undefined && exceptions.get(exception) === "retry-later") {
      round.later.push(segment);
    } else if (exception === ILLEGAL_ADDRESS && segment.atoms.length > 1) {
      await this.#split(segment, round);
    } else {
      this.#fail(segment, this.#qualityOf(exception), round);
      if (exception === ILLEGAL_ADDRESS) this.#isolate(segment);
    }
  }

  /** Reads both halves. Where both are answered, what lies between them is illegal. */
  async #split(segment: Segment, round: Round): Promise<void> {
    const { read, atoms } = segment;
    const middle = atoms.length >> 1;
    const halves = [atoms.slice(0, middle), atoms.slice(middle)];
    let answered = 0;
    for (const half of halves) {
      const part = { read, atoms: half };
      if (this.#probes >= PROBES_MAX) {
        this.#giveUp(part, round);
        continue;
      }
      this.#probes += 1;
      const span = spanOf(half);
      const reply = await this.#request(read, span, round.signal);
      if (reply instanceof Uint8Array) {
        answered += 1;
        place(round.plan, read, span, reply);
      } else await this.#refused(part, reply, round);
    }
    if (answered === 2) this.#learn(segment, middle);
  }

  /** Too many holes to find them all in one round: next time no gap of this part is read. */
  #giveUp(segment: Segment, round: Round): void {
    this.#fail(segment, EXCEPTION, round);
    for (let after = 1; after < segment.atoms.length; after += 1) {
      const [, before] = segment.atoms[after - 1] ?? [0, 0];
      if ((segment.atoms[after]?.[0] ?? 0) > before + 1) this.#learn(segment, after);
    }
  }

  async #retry(segment: Segment, round: Round): Promise<void> {
    const span = spanOf(segment.atoms);
    const reply = await this.#request(segment.read, span, round.signal);
    if (reply instanceof Uint8Array) place(round.plan, segment.read, span, reply);
    else {
      const exception = reply !== undefined && "exception" in reply ? reply.exception : undefined;
      this.#fail(segment, this.#qualityOf(exception), round);
    }
  }

  #learn({ read, atoms }: Segment, at: number): void {
    const before = atoms[at - 1]?.[1];
    const after = atoms[at]?.[0];
    assert(before !== undefined && after !== undefined, "a gap has two sides");
    this.#options.gaps.learnCrossing(read, { before, after });
  }

  #isolate({ read, atoms }: Segment): void {
    const [only] = atoms;
    // A request that holds nothing else is alone already.
    if (only === undefined || read.atoms.length === 1) return;
    this.#options.gaps.learnAlone(read, only[0], only[1]);
  }

  #fail(segment: Segment, quality: QualityCode, round: Round): void {
    for (const [first, last] of segment.atoms) {
      round.failed.push({ read: segment.read, first, last, quality });
    }
  }

  #qualityOf(exception: number | undefined): QualityCode {
    if (exception === undefined) return MALFORMED;
    return this.#options.facts.exceptions.get(exception) === "absent" ? ABSENT : EXCEPTION;
  }
}

interface Round {
  readonly plan: RoundPlan;
  readonly failed: FailedSpan[];
  readonly later: Segment[];
  readonly signal: AbortSignal;
}

interface Span {
  readonly address: number;
  readonly count: number;
}

function spanOf(atoms: readonly AddressRange[]): Span {
  const [first, last] = [atoms[0], atoms.at(-1)];
  assert(first !== undefined && last !== undefined, "a segment has registers");
  return { address: first[0], count: last[1] - first[0] + 1 };
}

/** Puts part of a read's answer where the whole one would lie. */
function place(plan: RoundPlan, read: RoundRead, span: Span, reply: Uint8Array): void {
  const offset = span.address - read.address;
  if (!isBitTable(read.table)) {
    plan.bytes.set(reply, read.byteOffset + offset * 2);
    return;
  }
  for (let bit = 0; bit < span.count; bit += 1) {
    const at = read.byteOffset * 8 + offset + bit;
    const mask = 1 << (at & 7);
    const byte = plan.bytes[at >> 3] ?? 0;
    plan.bytes[at >> 3] = readBit(reply, bit) === 1 ? byte | mask : byte & ~mask;
  }
}

function registersOf(table: RoundRead["table"], count: number): number {
  return isBitTable(table) ? Math.ceil(count / 16) : count;
}
