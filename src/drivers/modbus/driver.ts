import { assert } from "../../domain/assert.ts";
import { GatewayError } from "../../domain/errors.ts";
import type { Reading } from "../../domain/round.ts";
import type { Setpoint, WriteOutcome } from "../../domain/write.ts";
import type { AddressRange, CompiledProfile, SunspecModelPlace } from "../../profiles/binding.ts";
import { relocate } from "../../profiles/sunspec/relocate.ts";
import type { Driver } from "../driver.ts";
import { GapMemory, type GapState } from "./gap-memory.ts";
import type { PhaseState } from "./fresh-phase.ts";
import { PhaseLock } from "./phase-lock.ts";
import { PollLoop, type PollLoopOptions } from "./poll-loop.ts";
import type { ReadCost } from "./planner.ts";
import { CostModel, DurationWindow } from "./round-trip.ts";
import { scanSunspec } from "./sunspec-scan.ts";

/** First guess of what a request costs on a network; the real figure is learned. */
const TCP_COST: ReadCost = { requestMs: 5, registerMs: 0.02 };

export interface ModbusDriverOptions extends Omit<
  PollLoopOptions,
  "gaps" | "cost" | "roundTrips" | "rounds" | "lock"
> {
  /** Asked for cycles that begin later or earlier, where the device's new values come. */
  readonly onCycleShift?: (shiftMs: number) => void;
  /** What was learned of the device before. */
  readonly gaps?: GapState;
  /** First guess of what a request costs; a serial bus knows it from its speed. */
  readonly cost?: ReadCost;
}

/** Counted since the driver was made; times in ms, undefined before the first round. */
export interface DriverCounters {
  readonly polls: number;
  readonly overruns: number;
  readonly timeouts: number;
  readonly exceptions: number;
  /** Requests of the last round. */
  readonly requestsPerRound: number;
  readonly roundTripP50Ms: number | undefined;
  readonly roundTripP99Ms: number | undefined;
  /** Share of time in which a round is under way, 0 to 1. */
  readonly duty: number;
  /** Rounds that a control cycle waited for, and those that ended after its beginning. */
  readonly alignedRounds: number;
  readonly lateRounds: number;
  /** How long those rounds took from when they were due. */
  readonly roundP50Ms: number | undefined;
  readonly roundP99Ms: number | undefined;
  readonly keepAliveBeats: number;
  readonly keepAliveRefused: number;
}

/** Polls and writes one Modbus unit as its profile says. */
export class ModbusDriver implements Driver {
  readonly #options: ModbusDriverOptions;
  readonly #gaps: GapMemory;
  readonly #cost: CostModel;
  readonly #roundTrips = new DurationWindow();
  readonly #rounds = new DurationWindow();
  /** Of the connections that ended. */
  #tally: Tally = {
    polls: 0,
    overruns: 0,
    timeouts: 0,
    exceptions: 0,
    aligned: 0,
    late: 0,
    beats: 0,
    refused: 0,
  };
  #loop: PollLoop | undefined;
  #requestsPerRound = 0;
  #duty = 0;
  readonly #lock: PhaseLock | undefined;

  constructor(options: ModbusDriverOptions) {
    assert(options.unitId >= 0 && options.unitId <= 255, "a unit id is one byte");
    this.#options = options;
    this.#gaps = new GapMemory(options.gaps);
    this.#cost = new CostModel(options.cost ?? TCP_COST);
    const { align, onCycleShift } = options;
    if (align !== undefined && onCycleShift !== undefined) this.#lock = new PhaseLock(onCycleShift);
  }

  async run(emit: (reading: Reading) => void, signal: AbortSignal): Promise<void> {
    assert(this.#loop === undefined, "a driver runs once at a time");
    const { link } = this.#options;
    try {
      await link.open(signal);
      const loop = await this.#connect(signal);
      this.#loop = loop;
      await loop.run(emit, signal);
    } catch (error) {
      if (error instanceof GatewayError && error.code === "LINK_TIMEOUT") {
        this.#tally = { ...this.#tally, timeouts: this.#tally.timeouts + 1 };
      }
      if (!signal.aborted) throw error;
    } finally {
      this.#settle();
      await link.close();
    }
  }

  async write(
    setpoints: readonly Setpoint[],
    signal: AbortSignal,
  ): Promise<readonly WriteOutcome[]> {
    const loop = this.#loop;
    if (loop === undefined) {
      const unit = this.#options.unitId;
      return setpoints.map(() => ({
        result: "refused",
        error: new GatewayError("LINK_LOST", { unit, sent: false }),
      }));
    }
    return loop.write(setpoints, signal);
  }

  /**
   * Stops the keep-alives and forgets the setpoints that they keep alive: whoever gave them is
   * gone, and the device shall do what it does without a controller.
   */
  letGo(): void {
    this.#loop?.letGo();
  }

  /** How long before a cycle its reads begin, ms; 0 without alignment. */
  get leadMs(): number {
    return this.#loop?.leadMs ?? 0;
  }

  /** What is known of when the device renews its values; undefined: nobody asked for it. */
  get phase(): PhaseState | undefined {
    return this.#lock?.state;
  }

  get counters(): DriverCounters {
    const total = sumOf(this.#tally, this.#loop);
    return {
      polls: total.polls,
      overruns: total.overruns,
      timeouts: total.timeouts,
      exceptions: total.exceptions,
      requestsPerRound: this.#loop?.requestsPerRound ?? this.#requestsPerRound,
      roundTripP50Ms: this.#roundTrips.quantile(0.5),
      roundTripP99Ms: this.#roundTrips.quantile(0.99),
      duty: this.#loop?.duty ?? this.#duty,
      alignedRounds: total.aligned,
      lateRounds: total.late,
      roundP50Ms: this.#rounds.quantile(0.5),
      roundP99Ms: this.#rounds.quantile(0.99),
      keepAliveBeats: total.beats,
      keepAliveRefused: total.refused,
    };
  }

  /** What was learned of the device, to be kept for the next start. */
  get gaps(): GapState {
    return this.#gaps.toState();
  }

  /** Changes when `gaps` does. */
  get gapsRevision(): number {
    return this.#gaps.revision;
  }

  async #connect(signal: AbortSignal): Promise<PollLoop> {
    const profile = await this.#located(signal);
    return new PollLoop({
      ...this.#options,
      profile,
      gaps: this.#gaps,
      cost: this.#cost,
      roundTrips: this.#roundTrips,
      rounds: this.#rounds,
      ...(this.#lock === undefined ? {} : { lock: this.#lock }),
    });
  }

  /** Checks that a SunSpec device has the models, and where. */
  async #located(signal: AbortSignal): Promise<CompiledProfile> {
    const { profile, link, unitId } = this.#options;
    const { sunspec, modbus } = profile;
    if (sunspec === undefined) return profile;
    const terms = {
      unit: unitId,
      timeoutMs: modbus.timeoutMs,
      pauseMs: modbus.pauseMs,
      lane: "poll",
    } as const;
    const bases = [sunspec.base, ...sunspec.bases.filter((base) => base !== sunspec.base)];
    const scan = await scanSunspec(link, bases, terms, signal);
    if (scan === undefined) throw this.#mismatch("no SunSpec models");
    const isAsExpected = sunspec.models.every(({ model, address, length }) =>
      scan.models.some(
        (found) => found.model === model && found.address === address && found.length >= length,
      ),
    );
    if (isAsExpected) return profile;
    const moved = relocate(profile, scan);
    if ("problem" in moved) throw this.#mismatch(moved.problem);
    return withReadable(moved.profile, sunspec.models, scan.models);
  }

  #mismatch(problem: string): GatewayError {
    const { profile, unitId } = this.#options;
    return new GatewayError("DEVICE_MISMATCH", { profile: profile.name, unit: unitId, problem });
  }

  /** Keeps the counts of a connection that ended. */
  #settle(): void {
    const loop = this.#loop;
    if (loop === undefined) return;
    loop.letGo();
    this.#loop = undefined;
    this.#tally = sumOf(this.#tally, loop);
    this.#requestsPerRound = loop.requestsPerRound;
    this.#duty = loop.duty;
  }
}

/** The models that the profile uses may be read as a whole, wherever they stand. */
function withReadable(
  profile: CompiledProfile,
  used: readonly SunspecModelPlace[],
  found: readonly SunspecModelPlace[],
): CompiledProfile {
  const numbers = new Set(used.map(({ model }) => model));
  const ranges = found
    .filter(({ model }) => numbers.has(model))
    .map(({ address, length }): AddressRange => [address, address + length + 1]);
  const readable = new Map(profile.modbus.readable).set("holding", ranges);
  return { ...profile, modbus: { ...profile.modbus, readable } };
}

interface Tally {
  readonly polls: number;
  readonly overruns: number;
  readonly timeouts: number;
  readonly exceptions: number;
  readonly aligned: number;
  readonly late: number;
  readonly beats: number;
  readonly refused: number;
}

function sumOf(ended: Tally, loop: PollLoop | undefined): Tally {
  if (loop === undefined) return ended;
  return {
    polls: ended.polls + loop.polls,
    overruns: ended.overruns + loop.schedule.overruns,
    timeouts: ended.timeouts,
    exceptions: ended.exceptions + loop.reader.exceptions,
    aligned: ended.aligned + loop.alignedRounds,
    late: ended.late + loop.lateRounds,
    beats: ended.beats + loop.keepAlives.beats,
    refused: ended.refused + loop.keepAlives.refused,
  };
}
