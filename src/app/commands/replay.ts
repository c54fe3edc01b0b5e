import { GatewayError } from "../../domain/errors.ts";
import type { ReplayedCycle, Replayer } from "../../recorder/replayer.ts";
import { recordingOf } from "../flight-recorder-settings.ts";
import { type PointNames, replay, type ReplayOutcome } from "../replay.ts";
import { itemsFrom, recordingFiles } from "../replay-files.ts";
import { readSite } from "../site-context.ts";
import { type CommandCall, type ExitStatus, hasFlag, textOption } from "../terminal.ts";

/**
 * `replay <file|folder>`: plays a recording back through the same code, and compares. 1 when a
 * cycle comes to something else than it did.
 */
export async function replayRecording(call: CommandCall): Promise<ExitStatus> {
  const { terminal } = call;
  const place = await placeOf(call);
  if (place === undefined) {
    terminal.err("replay needs a recording, or --config of a site that has one");
    return 2;
  }
  const fromUtc = timeOption(call, "from");
  const toUtc = timeOption(call, "to");
  const isJson = hasFlag(call, "json");
  const items = itemsFrom(recordingFiles(place), fromUtc);
  const outcome = replay(items, {
    ...(fromUtc === undefined ? {} : { fromUtc }),
    ...(toUtc === undefined ? {} : { toUtc }),
    onCycle: (cycle, replayer, names) => {
      if (isJson) terminal.out(JSON.stringify(timelineOf(cycle, replayer, names)));
      return !call.signal.aborted;
    },
  });
  if (isJson) terminal.out(JSON.stringify(outcome));
  else for (const line of outcomeLines(outcome)) terminal.out(line);
  return outcome.difference === undefined && outcome.cycles > 0 ? 0 : 1;
}

/** The recording that is named, or that of the site. */
export async function placeOf(call: CommandCall): Promise<string | undefined> {
  const [place] = call.positionals;
  if (place !== undefined) return place;
  const file = textOption(call, "config");
  return file === undefined ? undefined : recordingOf(await readSite(file))?.folder;
}

/**
 * A time that an option gives, UTC ms.
 *
 * @throws GatewayError CONFIG_INVALID
 */
export function timeOption(call: CommandCall, name: string): number | undefined {
  const text = textOption(call, name);
  if (text === undefined) return undefined;
  const at = Date.parse(text);
  if (Number.isNaN(at))
    throw new GatewayError("CONFIG_INVALID", {
      option: `--${name}`,
      reason: "it takes a time such as 2026-11-21T14:03:05.250Z",
    });
  return at;
}

/** One cycle of the timeline. */
function timelineOf(
  { record, result, toldBetween }: ReplayedCycle,
  { state }: Replayer,
  names: PointNames,
): object {
  return {
    utc: new Date(record.utc).toISOString(),
    now: record.now,
    totalW: state?.total.totalW,
    bindingLevel: state?.total.binding,
    commands: record.inputs.commands,
    orders: record.inputs.orders,
    reports: record.reports.map(({ report }) => ({
      point: names.get(report.point),
      value: report.value,
      result: report.result,
    })),
    writes: result.writes.map(({ point, value, isProtective }) => ({
      point: names.get(point),
      value,
      isProtective,
    })),
    events: result.events,
    steps: [...toldBetween, ...result.steps, ...record.beside.told],
  };
}

/** For a person. */
export function outcomeLines(outcome: ReplayOutcome): readonly string[] {
  const { cycles, statesCompared, skipped, fromUtc, toUtc, gaps, torn, difference } = outcome;
  const span =
    fromUtc === undefined || toUtc === undefined ? "" : `, ${time(fromUtc)} to ${time(toUtc)}`;
  return [
    ...torn.map(
      ({ file, at, lostBytes }) =>
        `${file} is torn at byte ${at}: ${lostBytes} bytes behind it are not believed`,
    ),
    ...gaps.map(
      (gap) =>
        `${gap.cycles} cycles were not recorded, ${time(gap.fromUtc)} to ${time(gap.toUtc)}: ` +
        gap.reason,
    ),
    ...(skipped > 0 ? [`${skipped} records have no beginning here: they were passed over`] : []),
    ...(difference === undefined
      ? [`${cycles} cycles bit-exact${span}; ${statesCompared} whole states compared`]
      : differenceLines(difference, cycles)),
  ];
}

function differenceLines(
  difference: NonNullable<ReplayOutcome["difference"]>,
  cycles: number,
): readonly string[] {
  const { utc, now, what, name, recorded, replayed } = difference;
  const where = name === undefined ? what : `${what} of ${name}`;
  return [
    `${cycles} cycles bit-exact, then the cycle at ${time(utc)} (${now} ms) differs in ${where}:`,
    `  recorded ${recorded}`,
    `  now      ${replayed}`,
  ];
}

function time(utc: number): string {
  return new Date(utc).toISOString();
}
