import {
  type CommandCall,
  type ExitStatus,
  hasFlag,
  numberOption,
  type Terminal,
} from "../terminal.ts";
import { GatewayError } from "../../domain/errors.ts";
import { slept } from "../../domain/time.ts";
import { DeviceRun } from "./device-run.ts";
import {
  beginOnDevice,
  type DeviceSession,
  type DeviceSurroundings,
  failureText,
  sayingWrongUse,
  soleConnectionOf,
} from "./device-session.ts";
import { clockText, type DeviceValue, valueLine, valueOfPoint } from "./device-lines.ts";
import { findPoints, pointsOf, type TargetPoint } from "./device-target.ts";

/** A screen is not drawn more often. */
const DRAW_EVERY_MS = 200;
const RETRY_FIRST_MS = 1_000;
const RETRY_LAST_MS = 10_000;

/**
 * `device read <device> [point…]`: straight from the device, with or without a gateway. Exit
 * status: 0 read, 1 a point that was named has no value, 2 wrong use, 3 the device does not answer.
 */
export async function deviceRead(
  call: CommandCall,
  surroundings: DeviceSurroundings = {},
): Promise<ExitStatus> {
  return sayingWrongUse(call, async () => read(call, surroundings));
}

async function read(call: CommandCall, surroundings: DeviceSurroundings): Promise<ExitStatus> {
  const begun = await beginReading(call, "read", surroundings);
  if (typeof begun === "number") return begun;
  const { session, points, names } = begun;
  const { clock, context, access, timeoutMs } = session;
  const run = new DeviceRun({
    driver: access.driver(),
    pointCount: context.table.points.length,
    clock,
    signal: call.signal,
  });
  try {
    const indexes = points.map(({ definition }) => definition.index);
    await run.untilRead(indexes, timeoutMs);
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    call.terminal.err(failureText(session, error));
    return 3;
  } finally {
    await run.stop();
  }
  const values = points.map((point) => valueOfPoint(point, run.image.view));
  for (const value of values) call.terminal.out(lineFor(call, value));
  if (values.every(({ quality }) => quality === "bad/never-read")) return 3;
  return names.length > 0 && values.some(({ value }) => value === null) ? 1 : 0;
}

/**
 * `device watch <device> [point…]`: on a terminal a table that moves, elsewhere a line for every
 * change. Ends by the person, or after `--seconds`. Exit status: 0 watched, 2 wrong use, 3 the
 * device never answered.
 */
export async function deviceWatch(
  call: CommandCall,
  surroundings: DeviceSurroundings = {},
): Promise<ExitStatus> {
  return sayingWrongUse(call, async () => watch(call, surroundings));
}

async function watch(call: CommandCall, surroundings: DeviceSurroundings): Promise<ExitStatus> {
  const begun = await beginReading(call, "watch", surroundings);
  if (typeof begun === "number") return begun;
  const { session, points } = begun;
  const seconds = numberOption(call, "seconds");
  const over = new AbortController();
  const signal = AbortSignal.any([call.signal, over.signal]);
  const { clock } = session;
  if (seconds !== undefined) {
    void slept(clock, seconds * 1_000, call.signal).then(() => {
      over.abort();
    });
  }
  const view = isLive(call) ? new LiveView(call.terminal) : new ChangeView(call);
  const reached = { is: false };
  let retryMs = RETRY_FIRST_MS;
  for (;;) {
    const run = new DeviceRun({
      driver: session.access.driver(),
      pointCount: session.context.table.points.length,
      clock,
      signal,
      onReading: ({ receivedAt, receivedUtc }) => {
        reached.is = true;
        retryMs = RETRY_FIRST_MS;
        const values = points.map((point) => valueOfPoint(point, run.image.view));
        view.show(values, { receivedAt, receivedUtc });
      },
    });
    const failure = await run.ended;
    if (failure === undefined) return reached.is || call.signal.aborted ? 0 : 3;
    call.terminal.err(`${failureText(session, failure)}; tried again in ${retryMs / 1_000} s`);
    if (!(await slept(clock, retryMs, signal))) return reached.is || call.signal.aborted ? 0 : 3;
    retryMs = Math.min(2 * retryMs, RETRY_LAST_MS);
  }
}

interface Reading {
  readonly session: DeviceSession;
  /** Those that can be read, of the names or of the whole device. */
  readonly points: readonly TargetPoint[];
  readonly names: readonly string[];
}

async function beginReading(
  call: CommandCall,
  verb: "read" | "watch",
  surroundings: DeviceSurroundings,
): Promise<Reading | ExitStatus> {
  const session = await beginOnDevice(call, verb, surroundings);
  if (typeof session === "number") return session;
  const { context, device } = session;
  const names = call.positionals.slice(1);
  const asked = names.length > 0 ? findPoints(context, device, names) : pointsOf(context, device);
  const points = asked.filter(({ definition }) => definition.readable);
  for (const { bound, definition } of asked) {
    if (names.length > 0 && !definition.readable)
      call.terminal.err(`${definition.id}: ${bound.id} can be written, never read`);
  }
  if (points.length === 0) return 1;
  const sole = soleConnectionOf(session);
  if (sole === undefined) return { session, points, names };
  call.terminal.err(sole);
  return 1;
}

function isLive(call: CommandCall): boolean {
  return call.terminal.screen !== undefined && !hasFlag(call, "json");
}

function lineFor(call: CommandCall, value: DeviceValue): string {
  return hasFlag(call, "json") ? JSON.stringify(value) : valueLine(value);
}

type ReadAt = Parameters<typeof clockText>[0];

/** Redrawn in place from the top left corner. */
class LiveView {
  readonly #terminal: Terminal;
  #drawnAt = -Infinity;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  show(
    values: readonly DeviceValue[],
    { receivedAt, receivedUtc }: { readonly receivedAt: number; readonly receivedUtc: ReadAt },
  ): void {
    if (receivedAt - this.#drawnAt < DRAW_EVERY_MS) return;
    this.#drawnAt = receivedAt;
    const rows = Math.max(1, (this.#terminal.screen?.rows ?? 24) - 2);
    const rest = values.length - rows;
    const foot = rest > 0 ? `, ${rest} more; name those that matter` : "";
    const lines = [...values.slice(0, rows).map(valueLine), `${clockText(receivedUtc)} UTC${foot}`];
    this.#terminal.draw(`\u001b[H${lines.map((line) => `${line}\u001b[K`).join("\n")}\u001b[J`);
  }
}

/** A line for each value that is not what it was. */
class ChangeView {
  readonly #call: CommandCall;
  readonly #last = new Map<string, string>();

  constructor(call: CommandCall) {
    this.#call = call;
  }

  show(values: readonly DeviceValue[], { receivedUtc }: { readonly receivedUtc: ReadAt }): void {
    for (const value of values) {
      const state = `${String(value.value)} ${value.quality}`;
      if (value.quality === "bad/never-read" || this.#last.get(value.id) === state) continue;
      this.#last.set(value.id, state);
      const line = lineFor(this.#call, value);
      this.#call.terminal.out(
        hasFlag(this.#call, "json") ? line : `${clockText(receivedUtc)} ${line}`,
      );
    }
  }
}
