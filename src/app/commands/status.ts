import type { TripSnapshot } from "../../control/exchange.ts";
import { snapshotWords } from "../../control/trip-snapshot.ts";
import { slept } from "../../domain/time.ts";
import { SystemClock } from "../../platform/clock.ts";
import { allPoints, askOnce, isUnreachable, newestEvents, openQueries } from "../queries.ts";
import { loadFolders } from "../site-context.ts";
import {
  type CommandCall,
  type ExitStatus,
  hasFlag,
  numberOption,
  textOption,
} from "../terminal.ts";
import type { PointAnswer } from "../query-answers.ts";
import { siteFile } from "./roles.ts";

const REFRESH_MS = 1_000;
const EVENTS_SHOWN = 200;
const NAME_WIDTH = 46;

interface StatusAnswer {
  readonly state: string;
  readonly reasons: readonly string[];
  readonly quality: { readonly good: number; readonly uncertain: number; readonly bad: number };
  readonly publisher: {
    readonly connected: boolean;
    readonly broker?: string;
    readonly sent: number;
    readonly backfilled: number;
  };
  readonly store: {
    readonly waitingRows: number;
    readonly oldestWaitingMs: number;
    readonly usedBytes: number;
    readonly quotaBytes: number;
    readonly level: string;
    readonly lostRowsByClass: readonly number[];
  };
}

/** `status`: what services and control know of themselves. 3 when nobody answers. */
export async function status(call: CommandCall): Promise<ExitStatus> {
  const folder = await runtimeFolder(call);
  const services = await answerOf(ask(folder, "services/queries", "status", {}));
  const control = await answerOf(ask(folder, "control/local", "status", {}));
  const { terminal } = call;
  if (hasFlag(call, "json")) {
    terminal.out(JSON.stringify({ services: services ?? null, control: control ?? null }));
  } else {
    for (const line of statusLines(services as StatusAnswer | undefined)) terminal.out(line);
    for (const line of controlLines(control)) terminal.out(line);
  }
  return services === undefined && control === undefined ? 3 : 0;
}

function statusLines(answer: StatusAnswer | undefined): string[] {
  if (answer === undefined) return ["services   does not answer"];
  const { publisher, store, quality } = answer;
  const lost = store.lostRowsByClass.reduce((sum, rows) => sum + rows, 0);
  const broker = publisher.connected ? `connected to ${publisher.broker ?? ""}` : "not connected";
  const why = answer.reasons.length > 0 ? ` (${answer.reasons.join(", ")})` : "";
  const oldestS = Math.round(store.oldestWaitingMs / 1_000);
  return [
    `services   ${answer.state}${why}`,
    `points     ${quality.good} good, ${quality.uncertain} uncertain, ${quality.bad} bad`,
    `mqtt       ${broker}, ${publisher.sent} sent, ${publisher.backfilled} of them late`,
    `outbox     ${store.waitingRows} waiting, oldest ${oldestS} s, ${lost} lost`,
    `store      ${store.level}, ${megabytes(store.usedBytes)} of ${megabytes(store.quotaBytes)} MB`,
  ];
}

function controlLines(answer: unknown): string[] {
  if (answer === undefined) return ["control    does not answer"];
  const control = (answer as { control?: ControlAnswer | null }).control;
  if (control === undefined || control === null) return ["control    reads only"];
  const { totalW, bindingLevel, source, smoothing, workloads, units, leases, trips } = control;
  return [
    `control    ${megawatts(totalW)} MW by ${bindingLevel}, grid power from ${source}`,
    ...(smoothing === undefined
      ? []
      : [
          `smoothing  ${smoothing.mode}, the loop answers after ${smoothing.delayMs.toFixed(0)} ms`,
        ]),
    ...units.map(unitLine),
    ...workloads.next.map(
      ({ workload, inMs, deltaW }) =>
        `  announced ${workload}: ${megawatts(deltaW)} MW in ${Math.round(inMs / 1_000)} s`,
    ),
    ...leases.map(
      (lease) =>
        `  lease    ${lease.asset} by ${lease.holder}: ` +
        (lease.kind === "import-limit" ? "import at most " : "") +
        `${megawatts(lease.targetW)} MW, ` +
        `${Math.round(lease.remainingMs / 1_000)} s left`,
    ),
    ...authorityLines(control.authority),
    ...trips.flatMap(tripLines),
  ];
}

/** What tripped, when its cause came, and what was in force then. */
function tripLines(trip: ControlAnswer["trips"][number]): string[] {
  const { id, device, isFirstOut, causeAt, snapshot } = trip;
  const when = causeAt === undefined ? "" : ` at ${new Date(causeAt).toISOString()}`;
  const line = `  TRIP     ${id} of ${device}${isFirstOut ? " (first)" : ""}${when}`;
  return snapshot === undefined ? [line] : [line, `           ${snapshotWords(snapshot)}`];
}

function authorityLines({
  localBy,
  holds,
  yields,
  lockouts,
}: ControlAnswer["authority"]): string[] {
  return [
    ...(localBy === undefined ? [] : [`  LOCAL    by ${localBy}: nothing from afar is taken`]),
    ...holds.map(({ asset, by }) => `  HELD     ${asset} by ${by}`),
    ...yields.map(({ asset }) => `  YIELDED  ${asset} to another writer`),
    ...lockouts.map(({ asset, by }) => `  LOCKED   ${asset} by ${by}`),
  ];
}

function unitLine({ asset, mode, powerW, delayMs }: ControlAnswer["units"][number]): string {
  const answers = delayMs === undefined ? "" : `, answers after ${delayMs.toFixed(0)} ms`;
  return `  ${asset.padEnd(9)}${mode} ${megawatts(powerW ?? 0)} MW${answers}`;
}

interface ControlAnswer {
  readonly totalW: number;
  readonly bindingLevel: string;
  readonly source: string;
  readonly units: readonly {
    readonly asset: string;
    readonly mode: string;
    readonly powerW?: number;
    readonly delayMs?: number;
  }[];
  readonly smoothing?: { readonly mode: string; readonly delayMs: number };
  readonly workloads: {
    readonly next: readonly {
      readonly workload: string;
      readonly inMs: number;
      readonly deltaW: number;
    }[];
  };
  readonly leases: readonly {
    readonly kind: string;
    readonly asset: string;
    readonly holder: string;
    readonly targetW: number;
    readonly remainingMs: number;
  }[];
  readonly authority: {
    readonly localBy?: string;
    readonly holds: readonly { readonly asset: string; readonly by: string }[];
    readonly yields: readonly { readonly asset: string }[];
    readonly lockouts: readonly { readonly asset: string; readonly by: string }[];
  };
  readonly trips: readonly {
    readonly id: string;
    readonly device: string;
    readonly isFirstOut: boolean;
    readonly causeAt?: number;
    readonly snapshot?: TripSnapshot;
  }[];
}

/** `points [filter]`: every point with its quality and age; on a terminal it stays and moves. */
export async function points(call: CommandCall): Promise<ExitStatus> {
  const { terminal, signal } = call;
  const clock = new SystemClock();
  const runtimeDirectory = await runtimeFolder(call);
  const client = openQueries({ runtimeDirectory, purpose: "services/queries", clock });
  const filter = call.positionals[0] ?? "";
  const isJson = hasFlag(call, "json");
  const lineOf = isJson ? JSON.stringify : pointLine;
  const isLive = terminal.screen !== undefined && !isJson && !hasFlag(call, "once");
  try {
    do {
      const answers = await answerOf(allPoints(client, filter));
      if (answers === undefined) {
        terminal.err("gateway-services does not answer");
        return 3;
      }
      if (isLive) terminal.draw(liveTable(answers, terminal.screen.rows - 2));
      else for (const answer of answers) terminal.out(lineOf(answer));
    } while (isLive && (await slept(clock, REFRESH_MS, signal)));
    return 0;
  } finally {
    client.close();
  }
}

/** Redrawn in place from the top left corner. */
function liveTable(answers: readonly PointAnswer[], rows: number): string {
  const shown = answers.slice(0, rows).map(pointLine);
  const rest = answers.length - shown.length;
  const foot = rest > 0 ? `… ${rest} more; narrow it by a filter` : `${answers.length} points`;
  return `\u001b[H${[...shown, foot].map((line) => `${line}\u001b[K`).join("\n")}\u001b[J`;
}

function pointLine({ id, value, quality, ageMs, unit }: PointAnswer): string {
  const shown = value === null ? "—" : typeof value === "number" ? short(value) : String(value);
  const age =
    ageMs === null ? "never" : ageMs < 10_000 ? `${ageMs} ms` : `${Math.round(ageMs / 1_000)} s`;
  const name = id.padEnd(NAME_WIDTH);
  const measured = `${shown.padStart(14)} ${(unit ?? "").padEnd(6)}`;
  return `${name} ${measured} ${age.padStart(8)}  ${quality}`;
}

/** `events`: the newest of the last day, oldest first. */
export async function events(call: CommandCall): Promise<ExitStatus> {
  const limit = numberOption(call, "last") ?? EVENTS_SHOWN;
  const { terminal } = call;
  const runtimeDirectory = await runtimeFolder(call);
  const client = openQueries({
    runtimeDirectory,
    purpose: "services/queries",
    clock: new SystemClock(),
  });
  const messages = await answerOf(newestEvents(client, limit)).finally(() => {
    client.close();
  });
  if (messages === undefined) {
    terminal.err("gateway-services does not answer");
    return 3;
  }
  for (const message of messages) {
    if (hasFlag(call, "json")) terminal.out(JSON.stringify(message));
    else if (message["event_id"] !== undefined) terminal.out(eventLine(message));
  }
  return 0;
}

/** Whose event it is stands before the text, unless the text itself begins with it. */
function eventLine(message: Readonly<Record<string, unknown>>): string {
  const { device, point } = message;
  const facts = ["timestamp", "severity", "phase", "event_id"].map((name) => String(message[name]));
  const text = String(message["text"]);
  if (typeof device !== "string" || text.startsWith(device)) return [...facts, text].join("  ");
  const where = typeof point === "string" ? `${device}/${point}` : device;
  return [...facts, `${where}: ${text}`].join("  ");
}

/** `reset <trip|all>`: on the box only; refused while the cause is there. */
export async function reset(call: CommandCall): Promise<ExitStatus> {
  const { terminal } = call;
  const trip = call.positionals[0];
  if (trip === undefined) {
    terminal.err("reset needs the id of a trip, or all; see status");
    return 2;
  }
  const by = textOption(call, "by") ?? process.env["USER"] ?? "local";
  const folder = await runtimeFolder(call);
  const answer = await answerOf(ask(folder, "control/local", "reset", { trip, by }));
  if (answer === undefined) {
    terminal.err("gateway-control does not answer");
    return 3;
  }
  const { result, reason } = answer as { readonly result: string; readonly reason?: string };
  if (hasFlag(call, "json")) terminal.out(JSON.stringify(answer));
  else if (result === "done") terminal.out(`${trip}: reset`);
  else terminal.out(`${trip}: refused, ${resetWords(reason)}`);
  return result === "done" ? 0 : 1;
}

const WHY_NOT_RESET: Readonly<Record<string, string>> = {
  "cause-unknown": "its cause cannot be read, so nobody knows that it is gone",
  "cause-just-gone": "its cause is gone, but not for long enough yet; try again",
  "not-allowed": "the site does not let this person reset it; see `control/protection/people`",
  "name-needed": "say who resets it: --by name",
  "release-it": "a person stopped it; `release` lets it go",
};

/** The reason itself stays in front: scripts look for it. */
function resetWords(reason = ""): string {
  const words = WHY_NOT_RESET[reason];
  return words === undefined ? reason : `${reason}: ${words}`;
}

/** Where a running gateway has its sockets; nothing else of the site matters here. */
async function runtimeFolder(call: CommandCall): Promise<string> {
  return (await loadFolders(siteFile({ ...call, positionals: [] }))).runtimeDirectory;
}

async function ask(
  runtimeDirectory: string,
  purpose: "services/queries" | "control/local",
  method: string,
  params: unknown,
): Promise<unknown> {
  return askOnce({ runtimeDirectory, purpose, clock: new SystemClock() }, method, params);
}

/** Undefined when the process that should answer is not there. */
async function answerOf<T>(question: Promise<T>): Promise<T | undefined> {
  try {
    return await question;
  } catch (error) {
    if (isUnreachable(error)) return undefined;
    throw error;
  }
}

function short(value: number): string {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(7)));
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}

function megawatts(watts: number): string {
  return (watts / 1e6).toFixed(3);
}
