import { SystemClock } from "../../platform/clock.ts";
import { recordingOf } from "../flight-recorder-settings.ts";
import { askOnce, isUnreachable } from "../queries.ts";
import { itemsFrom, recordingFiles } from "../replay-files.ts";
import { loadFolders, readSite } from "../site-context.ts";
import { type CommandCall, type ExitStatus, hasFlag, textOption } from "../terminal.ts";
import { type WhyAnswer, whyLines } from "../why.ts";
import { whyFromRecording } from "../why-recording.ts";
import { timeOption } from "./replay.ts";
import { siteFile } from "./roles.ts";

/**
 * `why <asset|device/point>`: the chain of a setpoint, from the process that runs, or of a time
 * that is past from the flight recording.
 */
export async function why(call: CommandCall): Promise<ExitStatus> {
  const { terminal } = call;
  const [asked] = call.positionals;
  if (asked === undefined) {
    terminal.err("why needs the name of an asset, or device/point");
    return 2;
  }
  const answers = await answersTo(call, asked);
  if (answers === undefined) {
    terminal.err("gateway-control does not answer, and there is no recording");
    return 3;
  }
  if (hasFlag(call, "json")) terminal.out(JSON.stringify(answers));
  else for (const line of whyLines(answers)) terminal.out(line);
  return answers.some(({ kind }) => kind !== "nothing") ? 0 : 1;
}

async function answersTo(
  call: CommandCall,
  asked: string,
): Promise<readonly WhyAnswer[] | undefined> {
  const atUtc = timeOption(call, "at");
  const place = textOption(call, "recording");
  if (place !== undefined) return recorded(place, asked, atUtc);
  const file = siteFile({ ...call, positionals: [] });
  const live = await ask(file, asked, atUtc);
  if (live?.some(({ kind }) => kind !== "nothing") === true) return live;
  const folder = recordingOf(await readSite(file))?.folder;
  if (folder === undefined) return live;
  try {
    const then = recorded(folder, asked, atUtc);
    return then.some(({ kind }) => kind !== "nothing") ? then : (live ?? then);
  } catch (error) {
    if (live === undefined) throw error;
    return live;
  }
}

/** A command that came so long before is still found, ms. */
const LOOK_BACK_MS = 60_000;

function recorded(place: string, asked: string, atUtc: number | undefined): readonly WhyAnswer[] {
  const items = itemsFrom(recordingFiles(place), (atUtc ?? Infinity) - LOOK_BACK_MS);
  return whyFromRecording(items, asked, atUtc);
}

/** Undefined where the process does not answer. */
async function ask(
  file: string,
  asked: string,
  atUtc: number | undefined,
): Promise<readonly WhyAnswer[] | undefined> {
  const { runtimeDirectory } = await loadFolders(file);
  const peer = { runtimeDirectory, purpose: "control/local", clock: new SystemClock() } as const;
  try {
    const params = atUtc === undefined ? { asked } : { asked, atUtc };
    return (await askOnce(peer, "why", params)) as readonly WhyAnswer[];
  } catch (error) {
    if (!isUnreachable(error)) throw error;
    return undefined;
  }
}
