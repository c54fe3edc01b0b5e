import { assert } from "../../domain/assert.ts";
import { GatewayError } from "../../domain/errors.ts";
import type { KeepAlive } from "../../profiles/binding.ts";
import { type BeatAction, beatWords } from "../../profiles/encode.ts";
import type { DeviceSession } from "./device-session.ts";
import { type SetpointWriter, type Step, unsignedOf } from "./setpoint-writer.ts";
import { rawRequest, type WriteTarget } from "./write-requests.ts";

/**
 * What keeps held setpoints alive at the device: heartbeats, toggles, repetitions. They begin with
 * the first setpoint that needs them and end with the connection, or when the setpoints are let go:
 * then the device does what its profile says of a lost controller.
 */
export class KeepAlives {
  readonly #session: DeviceSession;
  readonly #writer: SetpointWriter;
  readonly #target: WriteTarget;
  readonly #onFailure: (error: unknown) => void;
  /** Those that go on by themselves. */
  readonly #running = new Set<string>();
  /** What a counter or toggle wrote last. */
  readonly #lastBeats = new Map<string, number>();
  readonly #beatAt = new Map<string, number>();
  #stop = new AbortController();
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

  /**
   * A setpoint was accepted: keeps it alive.
   *
   * A cyclic one is written again by its giver, who stops when the device shall go its own way, and
   * counts on the device's own timer from then on. Nothing here may hold it longer, so it is not
   * repeated here, and where beats are all that holds it they go with its writes. Where the device
   * ends a setpoint that is not repeated, a beat holds nothing: it only says that somebody is
   * there, and goes on at its own pace, so that the device stays in remote control.
   *
   * @param names of the keep-alives that the setpoint needs
   */
  hold(names: readonly string[], isCyclic: boolean): void {
    const keepAlives = names.map((name) => this.#named(name));
    const endsByItself = keepAlives.some(({ action }) => action.kind === "repeat");
    for (const keepAlive of keepAlives) {
      if (!isCyclic) this.#start(keepAlive);
      else if (keepAlive.action.kind === "repeat") continue;
      else if (endsByItself) this.#start(keepAlive);
      else this.#beatAlong(keepAlive);
    }
  }

  stop(): void {
    this.#stop.abort();
    this.#stop = new AbortController();
    this.#running.clear();
    this.#lastBeats.clear();
    this.#beatAt.clear();
  }

  #named(name: string): KeepAlive {
    const keepAlive = this.#session.profile.keepAlives.get(name);
    assert(keepAlive !== undefined, `the profile has no keep-alive ${name}`);
    return keepAlive;
  }

  #start(keepAlive: KeepAlive): void {
    if (this.#running.has(keepAlive.name)) return;
    this.#running.add(keepAlive.name);
    this.#watch(async (signal) => this.#run(keepAlive, signal));
  }

  /** One beat with a write, unless one was sent a moment ago: writes come faster than beats. */
  #beatAlong(keepAlive: KeepAlive): void {
    const { name, everyMs } = keepAlive;
    const now = this.#session.clock.now();
    const isYoung = now - (this.#beatAt.get(name) ?? -Infinity) < everyMs / 2;
    if (isYoung || this.#running.has(name)) return;
    this.#beatAt.set(name, now);
    this.#watch(async (signal) => this.#beat(keepAlive, signal));
  }

  #watch(task: (signal: AbortSignal) => Promise<void>): void {
    const { signal } = this.#stop;
    task(signal).catch((error: unknown) => {
      if (!signal.aborted) this.#onFailure(error);
    });
  }

  async #run(keepAlive: KeepAlive, signal: AbortSignal): Promise<void> {
    const { clock } = this.#session;
    let dueAt: number = clock.now();
    while (!signal.aborted) {
      await this.#beat(keepAlive, signal);
      dueAt += keepAlive.everyMs;
      // A beat that came late is not made up for: the device wants a steady one.
      if (dueAt < clock.now()) dueAt = clock.now() + keepAlive.everyMs;
      await clock.sleep(this.#waitMs(keepAlive, dueAt), signal);
    }
  }

  async #beat({ name, action, everyMs }: KeepAlive, signal: AbortSignal): Promise<void> {
    const step =
      action.kind === "repeat"
        ? await this.#writer.repeat(action.ordinal, everyMs, signal)
        : await this.#session.whileOpen(async () => this.#transmit(name, action, signal), signal);
    if (step.result === "idle") return;
    if (step.result === "written") {
      this.beats += 1;
      return;
    }
    if (step.error.code !== "DEVICE_EXCEPTION") throw step.error;
    this.refused += 1;
  }

  async #transmit(name: string, action: BeatAction, signal: AbortSignal): Promise<Step> {
    const before = this.#lastBeats.get(name) ?? (await this.#firstValue(action, signal));
    const { words, value } = beatWords(action, before);
    this.#lastBeats.set(name, value);
    return this.#writer.transmit([rawRequest(action.place, words, this.#target)], signal);
  }

  /**
   * What stands in the register before our first beat: a first beat that wrote the same again would
   * be none. 0 where the device does not show it.
   */
  async #firstValue(action: BeatAction, signal: AbortSignal): Promise<number> {
    if (action.kind === "raw") return 0;
    const { link, unit, terms } = this.#session;
    const { table, address, count } = action.place;
    const request = { unit: action.place.unit ?? unit, table, address, count, ...terms };
    try {
      const reply = await link.read(request, signal);
      return reply instanceof Uint8Array ? unsignedOf(reply) : 0;
    } catch (error) {
      if (error instanceof GatewayError && error.code === "REPLY_MALFORMED") return 0;
      throw error;
    }
  }

  /** A repetition is due so long after the last write, whoever made it. */
  #waitMs(keepAlive: KeepAlive, dueAt: number): number {
    const now = this.#session.clock.now();
    if (keepAlive.action.kind !== "repeat") return Math.max(0, dueAt - now);
    const held = this.#session.held.get(keepAlive.action.ordinal);
    if (held === undefined) return keepAlive.everyMs;
    return Math.max(1, keepAlive.everyMs - (now - held.writtenAt));
  }
}
