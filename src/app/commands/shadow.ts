import type { DifferenceReport, RampReport, ShadowReport } from "../../control/shadow-tally.ts";
import { SystemClock } from "../../platform/clock.ts";
import { askOnce, isUnreachable } from "../queries.ts";
import type { ShadowAnswer, ShadowOrder } from "../shadow-host.ts";
import { loadFolders } from "../site-context.ts";
import { type CommandCall, type ExitStatus, hasFlag, textOption } from "../terminal.ts";
import { siteFile } from "./roles.ts";

const MS_BY_UNIT: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000 };
const LABEL_WIDTH = 12;

/** `shadow report`: the settings that look on against those that write. */
export async function shadowReportCommand(call: CommandCall): Promise<ExitStatus> {
  return ask(call, { kind: "report" });
}

/** `shadow arm --for 30m`: half of what lets the shadow write; the other half is a command. */
export async function shadowArm(call: CommandCall): Promise<ExitStatus> {
  const forMs = durationMs(textOption(call, "for") ?? "");
  if (forMs === undefined) {
    call.terminal.err("shadow arm needs a time: --for 30m, at most 24h");
    return 2;
  }
  return ask(call, { kind: "arm", forMs, by: whoAsks(call) });
}

export async function shadowDisarm(call: CommandCall): Promise<ExitStatus> {
  return ask(call, { kind: "disarm", by: whoAsks(call) });
}

/** `90s`, `30m`, `2h`; undefined for anything else. */
export function durationMs(text: string): number | undefined {
  const [, count, unit = ""] = /^(\d{1,6})([smh])$/.exec(text) ?? [];
  const perUnit = MS_BY_UNIT[unit];
  return count === undefined || perUnit === undefined ? undefined : Number(count) * perUnit;
}

function whoAsks(call: CommandCall): string {
  return textOption(call, "by") ?? process.env["USER"] ?? "local";
}

async function ask(call: CommandCall, order: ShadowOrder): Promise<ExitStatus> {
  const { terminal } = call;
  const { runtimeDirectory } = await loadFolders(siteFile({ ...call, positionals: [] }));
  const peer = { runtimeDirectory, purpose: "control/local", clock: new SystemClock() } as const;
  let answer: ShadowAnswer;
  try {
    answer = (await askOnce(peer, "shadow", order)) as ShadowAnswer;
  } catch (error) {
    if (!isUnreachable(error)) throw error;
    terminal.err("gateway-control does not answer: nothing was changed");
    return 3;
  }
  if (hasFlag(call, "json")) terminal.out(JSON.stringify(answer));
  else for (const line of shadowLines(answer)) terminal.out(line);
  return answer.result === "done" ? 0 : 1;
}

const WHY_NOT: Readonly<Record<string, string>> = {
  "no-shadow": "the site file has no control.shadow",
  "name-needed": "say who allows it: --by name",
  "not-that-long": "at most 24h",
};

/** For a person. */
export function shadowLines(answer: ShadowAnswer): readonly string[] {
  const { result, reason = "", isWriting, allowedMs, allowedBy, report } = answer;
  if (result === "refused" || report === undefined)
    return [`refused: ${WHY_NOT[reason] ?? reason}`];
  const who = isWriting === true ? "the SHADOW writes" : "the configured settings write";
  const minutes = Math.ceil(allowedMs / 60_000);
  const allowed =
    allowedBy === undefined
      ? "nobody at the box lets it write"
      : `${allowedBy} lets it write for ${minutes} min, if a command asks`;
  return [`shadow      ${who}; ${allowed}`, ...reportLines(report, isWriting === true)];
}

function reportLines(report: ShadowReport, isWriting: boolean): readonly string[] {
  const { forMs, cycles, skipped, total, units, bindings } = report;
  const other = isWriting ? "configured" : "shadow";
  const percent = (part: number): string => `${(100 * part).toFixed(0)} %`;
  return [
    line("compared", `${cycles} cycles in ${(forMs / 1_000).toFixed(0)} s, ${skipped} left out`),
    line("difference", "what looks on less what writes: mean, rms and largest, MW"),
    ...[total, ...units].map(differenceLine),
    line(
      "in 0.5 s",
      `${rampText(report.realRamp)} writes; ${rampText(report.shadowRamp)} ${other}`,
    ),
    ...bindings.map(({ level, real, shadow }) =>
      line(
        "decided by",
        `${level.padEnd(18)} ${percent(real)} writes, ${percent(shadow)} ${other}`,
      ),
    ),
  ];
}

function differenceLine(difference: DifferenceReport): string {
  const { asset, meanW, rmsW, mostW, realGivenWh, shadowGivenWh } = difference;
  const given = `given ${mwh(realGivenWh)} and ${mwh(shadowGivenWh)} MWh`;
  return line(asset, `${mw(meanW)}  ${mw(rmsW)}  ${mw(mostW)}   ${given}`);
}

function rampText({ rmsW, mostW }: RampReport): string {
  return `rms ${mw(rmsW)}, largest ${mw(mostW)} MW`;
}

function line(label: string, text: string): string {
  return `${label.padEnd(LABEL_WIDTH)}${text}`;
}

function mw(powerW: number): string {
  return (powerW / 1e6).toFixed(2);
}

function mwh(energyWh: number): string {
  return (energyWh / 1e6).toFixed(3);
}
