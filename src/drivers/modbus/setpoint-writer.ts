import { maxAgeMs } from "../../domain/age.ts";
import { assert } from "../../domain/assert.ts";
import { GatewayError } from "../../domain/errors.ts";
import { isBad } from "../../domain/quality.ts";
import type { RoundColumns } from "../../domain/round.ts";
import type { ReadBack, WriteOutcome } from "../../domain/write.ts";
import type { BoundPoint, Interlock, WriteBinding, WriteStep } from "../../profiles/binding.ts";
import { encodeWrite, interlockHolds } from "../../profiles/encode.ts";
import type { WriteRequest } from "../../wire/modbus/client-codec.ts";
import type { DeviceSession } from "./device-session.ts";
import { wasSent } from "./link.ts";
import {
  releaseRequests,
  setpointRequests,
  stepRequest,
  type WriteTarget,
} from "./write-requests.ts";

/** Between two reads of a read-back. */
const READ_BACK_EVERY_MS = 20;
/** An interlock that is polled more slowly than this is read anew before a write. */
const INTERLOCK_AGE_MAX_MS = 1_000;

/** What became of the sending; the read-back comes after it. */
type Sent =
  | { readonly result: "accepted"; readonly value: number }
  | { readonly result: "refused"; readonly error: GatewayError }
  | { readonly result: "unknown"; readonly error: GatewayError; readonly value: number };

export interface SendTerms {
  /** Its giver writes it again and again: it is not kept here, and ends with the giver's writes. */
  readonly isCyclic: boolean;
  readonly signal: AbortSignal;
}

/** What became of one request. */
export type Step =
  | { readonly result: "written" }
  | { readonly result: "refused" | "unknown"; readonly error: GatewayError };

/**
 * Writes setpoints of one connection: limits, interlocks, the steps around the write, and the
 * read-back. One sequence at a time, so that the steps of two setpoints never mix.
 */
export class SetpointWriter {
  readonly #session: DeviceSession;
  readonly #target: WriteTarget;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(session: DeviceSession) {
    this.#session = session;
    const { functions, maxWrite } = session.profile.modbus;
    this.#target = { unit: session.unit, maxWrite, functions };
  }

  /** Sends one setpoint; `confirm` waits for what the device shows afterwards. */
  async send(point: BoundPoint, value: number, terms: SendTerms): Promise<Sent> {
    return this.#inTurn(async () => this.#send(point, value, terms));
  }

  /** @param isConfirmed false for a cyclic setpoint: its next poll is its read-back */
  async confirm(
    point: BoundPoint,
    sent: Sent,
    isConfirmed: boolean,
    signal: AbortSignal,
  ): Promise<WriteOutcome> {
    if (sent.result === "refused") return sent;
    const readBack = isConfirmed ? await this.#readBack(point, sent.value, signal) : undefined;
    if (sent.result === "accepted") return { result: "accepted", readBack };
    return { result: "unknown", error: sent.error, readBack };
  }

  /**
   * Writes a held setpoint again if its last write is `everyMs` ago; `idle` when it is not. In turn
   * with the setpoints, so that an old value never follows a new one.
   */
  async repeat(
    ordinal: number,
    everyMs: number,
    signal: AbortSignal,
  ): Promise<Step | { readonly result: "idle" }> {
    return this.#inTurn(async () => {
      const { held, clock } = this.#session;
      const setpoint = held.get(ordinal);
      if (setpoint === undefined || clock.now() - setpoint.writtenAt < everyMs) {
        return { result: "idle" };
      }
      held.set(ordinal, { ...setpoint, writtenAt: clock.now() });
      return this.transmit(setpoint.requests, signal);
    });
  }

  /** Puts requests on the wire outside of a setpoint's sequence: beats, repetitions. */
  async transmit(requests: readonly WriteRequest[], signal: AbortSignal): Promise<Step> {
    try {
      return await this.#session.whileOpen(async () => {
        for (const request of requests) {
          const step = await this.#transmit(request, signal);
          if (step.result !== "written") return step;
        }
        return { result: "written" };
      }, signal);
    } catch (error) {
      if (error instanceof GatewayError) return { result: "refused", error };
      throw error;
    }
  }

  async #inTurn<T>(task: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(task);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  async #send(point: BoundPoint, value: number, terms: SendTerms): Promise<Sent> {
    const { write } = point;
    const { signal } = terms;
    assert(write !== undefined, `${point.id} is written and has no write binding`);
    try {
      const refusal = await this.#interlockRefusal(write, signal);
      if (refusal !== undefined) return { result: "refused", error: refusal };
      const exponent = await this.#exponentOf(point, write, signal);
      const encoding = encodeWrite(point, value, this.#session.columns, exponent);
      if ("refused" in encoding) return refused({ reason: encoding.refused, value });
      const requests = setpointRequests(write, encoding.registers, this.#target);
      return await this.#sequence(point, { write, requests, value: encoding.value }, terms);
    } catch (error) {
      // Nothing of the setpoint has left: what it depends on could not be read.
      if (error instanceof GatewayError) return { result: "refused", error };
      if (signal.aborted) return { result: "refused", error: stopped(signal.reason, false) };
      throw error;
    }
  }

  async #sequence(
    point: BoundPoint,
    what: {
      readonly write: WriteBinding;
      readonly requests: readonly WriteRequest[];
      readonly value: number;
    },
    { isCyclic, signal }: SendTerms,
  ): Promise<Sent> {
    const { write, requests, value } = what;
    const before = await this.#steps(write.before, signal);
    if (before.result !== "written") return { result: "refused", error: before.error };
    const { held, clock } = this.#session;
    for (const [index, request] of requests.entries()) {
      const step = await this.#transmit(request, signal);
      if (step.result === "written") continue;
      if (step.result === "refused" && index === 0) return { result: "refused", error: step.error };
      // What the device holds is not known: nothing is repeated until it is.
      held.delete(point.ordinal);
      return { result: "unknown", error: step.error, value };
    }
    if (isCyclic) held.delete(point.ordinal);
    else held.set(point.ordinal, { requests, writtenAt: clock.now() });
    const after = await this.#finish(write, signal);
    if (after.result !== "written") return { result: "unknown", error: after.error, value };
    return { result: "accepted", value };
  }

  /** The end of a pulse, and the steps after the write. */
  async #finish(write: WriteBinding, signal: AbortSignal): Promise<Step> {
    const { pulse } = write;
    if (pulse !== undefined) {
      try {
        await this.#session.clock.sleep(pulse.afterMs, signal);
      } catch {
        // A pulse that is left on does harm: it ends now, whoever no longer waits for it.
      }
      const requests = releaseRequests(write, pulse.release, this.#target);
      const released = await this.transmit(requests, new AbortController().signal);
      if (released.result !== "written") return released;
    }
    return this.#steps(write.after, signal);
  }

  async #steps(steps: readonly WriteStep[], signal: AbortSignal): Promise<Step> {
    const { doneSteps } = this.#session;
    for (const step of steps) {
      if (step.when === "session" && doneSteps.has(step)) continue;
      const result = await this.#transmit(stepRequest(step, this.#target), signal);
      if (result.result !== "written") return result;
      if (step.when === "session") doneSteps.add(step);
    }
    return { result: "written" };
  }

  async #transmit(request: WriteRequest, signal: AbortSignal): Promise<Step> {
    const { link, terms } = this.#session;
    try {
      const reply = await link.write({ ...request, ...terms }, signal);
      if (reply === "written") return { result: "written" };
      const { unit, function: code, address } = request;
      const facts = { unit, function: code, address, exception: reply.exception };
      return { result: "refused", error: new GatewayError("DEVICE_EXCEPTION", facts) };
    } catch (error) {
      // A lost reply does not mean a lost write: the device may have acted. Say so; do not guess.
      if (error instanceof GatewayError) {
        return { result: wasSent(error) ? "unknown" : "refused", error };
      }
      if (signal.aborted) return { result: "unknown", error: stopped(signal.reason, true) };
      throw error;
    }
  }

  async #interlockRefusal(
    write: WriteBinding,
    signal: AbortSignal,
  ): Promise<GatewayError | undefined> {
    for (const name of write.needs) {
      const interlock = this.#session.profile.interlocks.get(name);
      assert(interlock !== undefined, `the profile has no interlock ${name}`);
      if (!(await this.#holds(interlock, signal))) {
        return new GatewayError("REQUEST_REFUSED", { reason: "interlock", interlock: name });
      }
    }
    return undefined;
  }

  async #holds(interlock: Interlock, signal: AbortSignal): Promise<boolean> {
    const { columns, link, terms, profile, unit } = this.#session;
    const { ordinal, place } = interlock;
    if (ordinal !== undefined) {
      const point = profile.points[ordinal];
      assert(point !== undefined, "an interlock names a point of the profile");
      const isOld = point.read !== undefined && !this.#isFresh(point);
      return interlockHolds(interlock, isOld ? await this.#read(point, signal) : columns);
    }
    if (place === undefined) return true;
    const { table, address, count } = place;
    const request = { unit: place.unit ?? unit, table, address, count, ...terms };
    const reply = await link.read(request, signal);
    if (!(reply instanceof Uint8Array)) return false;
    return interlockHolds(interlock, columns, unsignedOf(reply));
  }

  /** As old as any value may get: when polls come late, a write shall not need one more read. */
  #isFresh(point: BoundPoint): boolean {
    const { periodsMs, groupReadAt, clock } = this.#session;
    const { group = -1 } = point;
    const everyMs = periodsMs[group] ?? 0;
    if (everyMs === 0) return false;
    const ageMs = clock.now() - (groupReadAt[group] ?? Number.NaN);
    return ageMs <= Math.min(maxAgeMs(everyMs), INTERLOCK_AGE_MAX_MS);
  }

  async #exponentOf(point: BoundPoint, write: WriteBinding, signal: AbortSignal): Promise<number> {
    const factor = write.conversion.sf;
    if (factor === undefined) return 0;
    if (factor.exponent !== undefined) return factor.exponent;
    const { place } = factor;
    assert(place !== undefined, "a scale factor is fixed or has a place");
    const known = this.#session.exponents[point.ordinal] ?? Number.NaN;
    const readAt = point.read?.conversion.sf?.place;
    if (readAt?.address === place.address && !Number.isNaN(known)) return known;
    const { link, terms, unit } = this.#session;
    const { table, address } = place;
    const request = { unit: place.unit ?? unit, table, address, count: 1, ...terms };
    const reply = await link.read(request, signal);
    if (!(reply instanceof Uint8Array)) return Number.NaN;
    return (unsignedOf(reply) << 16) >> 16;
  }

  /** Reads until the device shows the value or its time is over. */
  async #readBack(point: BoundPoint, wanted: number, signal: AbortSignal): Promise<ReadBack> {
    const rule = point.write?.readBack;
    const shown = shownPoint(point);
    if (rule === undefined || shown === undefined) return { result: "unconfirmed" };
    const { clock } = this.#session;
    const endAt = clock.now() + rule.withinMs;
    let last: ReadBack = { result: "unconfirmed" };
    try {
      for (;;) {
        const value = await this.#valueOf(shown, signal);
        if (value !== undefined) {
          if (Math.abs(value - wanted) <= rule.tolerance) return { result: "applied", value };
          last = { result: "differs", value };
        }
        const leftMs = endAt - clock.now();
        if (leftMs <= 0) return last;
        await clock.sleep(Math.min(READ_BACK_EVERY_MS, leftMs), signal);
      }
    } catch (error) {
      if (error instanceof GatewayError || signal.aborted) return last;
      throw error;
    }
  }

  async #valueOf(point: BoundPoint, signal: AbortSignal): Promise<number | undefined> {
    const { values, quality } = await this.#read(point, signal);
    const isUsable = !isBad(quality[point.ordinal] ?? 0);
    const value = values[point.ordinal] ?? Number.NaN;
    return isUsable && !Number.isNaN(value) ? value : undefined;
  }

  async #read(point: BoundPoint, signal: AbortSignal): Promise<RoundColumns> {
    return this.#session.readNow([point], signal);
  }
}

/** The point as the read-back sees it; undefined when it is shown nowhere. */
function shownPoint(point: BoundPoint): BoundPoint | undefined {
  const { write } = point;
  const place = write?.readBack?.place;
  if (write === undefined || place === undefined) return point.read && point;
  return { ...point, read: { ...place, conversion: write.conversion } };
}

function refused(facts: Record<string, string | number>): Sent {
  return { result: "refused", error: new GatewayError("REQUEST_REFUSED", facts) };
}

function stopped(cause: unknown, sent: boolean): GatewayError {
  return new GatewayError("LINK_LOST", { sent }, { cause });
}

/** The bytes of an answer as one number. */
export function unsignedOf(bytes: Uint8Array): number {
  return bytes.reduce((sum, byte) => sum * 256 + byte, 0);
}
