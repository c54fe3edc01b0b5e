import { assert } from "../../domain/assert.ts";
import type { KeepAlive } from "../../profiles/binding.ts";
import type { WriteRequest } from "../../wire/modbus/client-codec.ts";
import { encodeNumber, numberLimits } from "../../wire/modbus/codec.ts";
import { REGISTERS_BY_TYPE } from "../../wire/modbus/registers.ts";
import type { DeviceSession } from "./device-session.ts";
import type { SetpointWriter } from "./setpoint-writer.ts";
import { rawRequest, type WriteTarget } from "./write-requests.ts";

type Beat = Exclude<KeepAlive["action"], { kind: "repeat" }>;

/**
 * What keeps held setpoints alive at the device: heartbeats, toggles, repetitions. They begin with
 * the first setpoint that needs them and end with the connection, or when the setpoints are let go:
 * then the device does what its profile says of a lost controller.
 */
export class KeepAlives {
  readonly #session: DeviceSession;
  readonly #writer: SetpointWriter;
  readonly #target: WriteTarget;
  readonly #running = new Map<string, AbortController>();
  readonly #onFailure: (error: unknown) => void;
  /** Beats that the device refused. */
  refused = 0;
  beats = 0;

  /** @param onFailure told when a beat found the link lost or the device silent */
  constructor(session: DeviceSession, writer: SetpointWriter, onFailure: (error: unknown) => void) {
    this.#session = session;
    this.#writer = writer;
    this.#onFailure = onFailure;
    const { functions, maxWrite } = session.profile.modbus;
    this.#target = { unit: session.unit, maxWrite, functions };
  }

  /** Starts those that do not run yet. */
  hold(names: readonly string[]): void {
    for (const name of names) {
      if (this.#running.has(name)) continue;
      const keepAlive = this.#session.profile.keepAlives.get(name);
      assert(keepAlive !== undefined, `the profile has no keep-alive ${name}`);
      const stop = new AbortController();
      this.#running.set(name, stop);
      this.#run(keepAlive, stop.signal).catch((error: unknown) => {
        if (!stop.signal.aborted) this.#onFailure(error);
      });
    }
  }

  stop(): void {
    for (const running of this.#running.values()) running.abort();
    this.#running.clear();
  }

  async #run(keepAlive: KeepAlive, signal: AbortSignal): Promise<void> {
    const { clock } = this.#session;
    let dueAt: number = clock.now();
    for (let beat = 1; !signal.aborted; beat += 1) {
      await this.#beat(keepAlive, beat, signal);
      dueAt += keepAlive.everyMs;
      // A beat that came late is not made up for: the device wants a steady one.
      if (dueAt < clock.now()) dueAt = clock.now() + keepAlive.everyMs;
      await clock.sleep(this.#waitMs(keepAlive, dueAt), signal);
    }
  }

  async #beat(keepAlive: KeepAlive, beat: number, signal: AbortSignal): Promise<void> {
    const { action } = keepAlive;
    const step =
      action.kind === "repeat"
        ? await this.#writer.repeat(action.ordinal, keepAlive.everyMs, signal)
        : await this.#writer.transmit(this.#requestsOf(action, beat), signal);
    if (step.result === "idle") return;
    if (step.result === "written") {
      this.beats += 1;
      return;
    }
    if (step.error.code !== "DEVICE_EXCEPTION") throw step.error;
    this.refused += 1;
  }

  #requestsOf(action: Beat, beat: number): readonly WriteRequest[] {
    switch (action.kind) {
      case "raw":
        return [rawRequest(action.place, [action.raw], this.#target)];
      case "toggle":
        return [rawRequest(action.place, [beat & 1], this.#target)];
      case "counter": {
        const [, maximum] = numberLimits(action.raw);
        const order = REGISTERS_BY_TYPE[action.raw] === 1 ? "AB" : "ABCD";
        const words = encodeNumber(beat % (maximum + 1), action.raw, order);
        return [rawRequest(action.place, words, this.#target)];
      }
    }
  }

  /** A repetition is due so long after the last write, whoever made it. */
  #waitMs(keepAlive: KeepAlive, dueAt: number): number {
    const now = this.#session.clock.now();
    if (keepAlive.action.kind !== "repeat") return Math.max(0, dueAt - now);
    const held = this.#session.held.get(keepAlive.action.ordinal);
    if (held === undefined) return keepAlive.everyMs;
    return Math.max(1, keepAlive.everyMs - this.#ageMs(held.writtenAt));
  }

  #ageMs(at: number): number {
    return this.#session.clock.now() - at;
  }
}
