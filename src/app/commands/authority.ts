import type { LocalOrder, OrderAnswer } from "../../control/exchange.ts";
import { SystemClock } from "../../platform/clock.ts";
import { askOnce, isUnreachable } from "../queries.ts";
import { loadFolders } from "../site-context.ts";
import { type CommandCall, type ExitStatus, hasFlag, textOption } from "../terminal.ts";
import { siteFile } from "./roles.ts";

/**
 * `hold`, `stop` and `release` of an asset or of all, `asset lockout` and `asset unlock`: on the
 * box only, asked of gateway-control itself, so that they work with every other process dead.
 */
export function assetOrder(
  kind: "hold" | "stop" | "release" | "lockout" | "unlock",
): (call: CommandCall) => Promise<ExitStatus> {
  return async (call) => {
    const asset = call.positionals[0];
    if (asset === undefined) {
      call.terminal.err(`${kind} needs the name of an asset${isOfAll(kind) ? ", or all" : ""}`);
      return 2;
    }
    return give(call, { kind, asset, by: whoAsks(call) });
  };
}

/** `mode local|remote`: whether anything from afar is taken. */
export async function mode(call: CommandCall): Promise<ExitStatus> {
  const asked = call.positionals[0];
  if (asked !== "local" && asked !== "remote") {
    call.terminal.err("mode is local or remote");
    return 2;
  }
  return give(call, { kind: "mode", mode: asked, by: whoAsks(call) });
}

function isOfAll(kind: LocalOrder["kind"]): boolean {
  return kind === "hold" || kind === "stop" || kind === "release";
}

function whoAsks(call: CommandCall): string {
  return textOption(call, "by") ?? process.env["USER"] ?? "local";
}

async function give(call: CommandCall, order: LocalOrder): Promise<ExitStatus> {
  const { terminal } = call;
  const { runtimeDirectory } = await loadFolders(siteFile({ ...call, positionals: [] }));
  const peer = { runtimeDirectory, purpose: "control/local", clock: new SystemClock() } as const;
  let answer: OrderAnswer;
  try {
    answer = (await askOnce(peer, "order", order)) as OrderAnswer;
  } catch (error) {
    if (!isUnreachable(error)) throw error;
    terminal.err("gateway-control does not answer: nothing was changed");
    return 3;
  }
  if (hasFlag(call, "json")) terminal.out(JSON.stringify(answer));
  else terminal.out(answerLine(answer));
  return answer.result === "done" ? 0 : 1;
}

const DONE = {
  hold: "held where it is",
  stop: "stopped",
  release: "released",
  lockout: "locked out: nothing is written to it",
  unlock: "no longer locked out",
} as const;

const WHY_NOT: Readonly<Record<string, string>> = {
  "unknown-asset": "the site has no such asset",
  "no-stop": "only batteries have a stop; hold it, and stop it at the machine",
  "not-held": "nobody holds it",
  "name-needed": "say who locks it out: --by name",
  "stop-it-first": "stop it first: once it is locked out, no stop reaches it any more",
  "stop-not-confirmed": "its stop is not read back yet; look at it, and try again",
  "not-locked-out": "it is not locked out",
  "no-control-section": "the site file has no control section: nothing is ever written",
  "too-many-orders": "too many orders wait; try again",
};

function whyNot(reason: string): string {
  const isOthers = reason.startsWith("locked-out-by ");
  return isOthers ? reason.replaceAll("-", " ") : (WHY_NOT[reason] ?? reason);
}

function doneWord(order: LocalOrder): string {
  if (order.kind === "mode") return order.mode;
  return order.kind === "reset" ? "reset" : DONE[order.kind];
}

/** One line for a person. */
export function answerLine({ order, result, reason }: OrderAnswer): string {
  const what = "asset" in order ? order.asset : order.kind;
  if (result === "refused") return `${what}: refused, ${whyNot(reason ?? "no reason")}`;
  const done = doneWord(order);
  if (reason === "not-saved")
    return `${what}: ${done}, but the disk did not take it: it does not survive a restart`;
  if (reason === "not-confirmed")
    return `${what}: ${done}. NOBODY HAS SEEN IT STOP: it does not answer. Look at the machine.`;
  return `${what}: ${done}`;
}
