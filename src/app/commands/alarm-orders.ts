import { SystemClock } from "../../platform/clock.ts";
import type { DeskAnswer } from "../alarm-desk.ts";
import { askOnce, isUnreachable } from "../queries.ts";
import { loadFolders } from "../site-context.ts";
import { type CommandCall, type ExitStatus, hasFlag, textOption } from "../terminal.ts";
import { siteFile } from "./roles.ts";

const UNITS_MS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
};

const WHY_NOT: Readonly<Record<string, string>> = {
  "unknown-alarm": "there is no such alarm; `alarms explain` lists them all",
  "nothing-waits": "nothing waits for it",
  "not-shelvable": "it cannot be shelved: a trip, or what tells of a flood",
  "not-shelved": "it is not shelved",
  "name-needed": "say who does it: --by name, of at most 40 characters",
  "reason-needed": "say why: --reason text, of at most 80 characters",
  "no-end": "say for how long: --for 2h",
  "too-long": "at most 8 hours; then it comes back by itself",
  "too-many-shelved": "too many alarms are shelved: take one back first",
};

/** Asks gateway-control itself; undefined, and said, where it does not answer. */
export async function askDesk<T>(
  call: CommandCall,
  method: string,
  params: object,
): Promise<T | undefined> {
  const { runtimeDirectory } = await loadFolders(siteFile({ ...call, positionals: [] }));
  const peer = { runtimeDirectory, purpose: "control/local", clock: new SystemClock() } as const;
  try {
    return (await askOnce(peer, method, params)) as T;
  } catch (error) {
    if (!isUnreachable(error)) throw error;
    call.terminal.err("gateway-control does not answer");
    return undefined;
  }
}

/** Gives an order to the alarm desk, and says what became of it. */
export async function orderDesk(
  call: CommandCall,
  order: { readonly method: string; readonly params: object; readonly what: string },
  done: (answer: DeskAnswer) => string,
): Promise<ExitStatus> {
  const { terminal } = call;
  const answer = await askDesk<DeskAnswer>(call, order.method, order.params);
  if (answer === undefined) return 3;
  const isDone = answer.result === "done";
  const reason = answer.reason ?? "no reason";
  if (hasFlag(call, "json")) terminal.out(JSON.stringify(answer));
  else if (isDone) terminal.out(`${order.what}: ${done(answer)}`);
  else terminal.out(`${order.what}: refused, ${WHY_NOT[reason] ?? reason}`);
  return isDone ? 0 : 1;
}

export function whoAsks(call: CommandCall): string {
  return textOption(call, "by") ?? process.env["USER"] ?? "local";
}

/** An alarm for people: its id, and whose it is. */
export function alarmName(id: string, device: string | undefined): string {
  return device === undefined ? id : `${id} of ${device}`;
}

/** `90s`, `30m`, `30min`, `2h` in ms; undefined: it is none of these. */
export function durationMs(text: string): number | undefined {
  const [, digits, unit] = /^([0-9]+(?:[.][0-9]+)?)(s|m|min|h)$/.exec(text) ?? [];
  const unitMs = UNITS_MS[unit ?? ""];
  return digits === undefined || unitMs === undefined ? undefined : Number(digits) * unitMs;
}
