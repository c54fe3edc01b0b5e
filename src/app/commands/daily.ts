import path from "node:path";
import { SystemClock } from "../../platform/clock.ts";
import type { DailyReport } from "../daily-account.ts";
import { readDays } from "../daily.ts";
import { dailyFile } from "../daily-open.ts";
import { askOnce, isUnreachable } from "../queries.ts";
import { loadFolders } from "../site-context.ts";
import { type CommandCall, type ExitStatus, hasFlag, textOption } from "../terminal.ts";
import { siteFile } from "./roles.ts";

const DATE = /^\d{4}-\d{2}-\d{2}$/;

/** `daily`: what a day came to; of the one that is on, from the process that runs. */
export async function daily(call: CommandCall): Promise<ExitStatus> {
  const { terminal } = call;
  const date = textOption(call, "date");
  if (date !== undefined && !DATE.test(date)) {
    terminal.err("--date is a day such as 2026-11-21");
    return 2;
  }
  const folders = await loadFolders(siteFile(call));
  const live = await ask(folders.runtimeDirectory, date);
  const file = dailyFile(folders);
  const report = live ?? (await readDays(file)).days.findLast((day) => day.date === date);
  if (report === undefined) {
    if (live === null) terminal.err(`nothing is known of ${date ?? "this day"}`);
    else
      terminal.err(`gateway-control does not answer, and ${path.basename(file)} has no such day`);
    return live === null ? 1 : 3;
  }
  terminal.out(hasFlag(call, "json") ? JSON.stringify(report) : report.line);
  return 0;
}

/** Null: it has no such day; undefined: it does not answer. */
async function ask(
  runtimeDirectory: string,
  date: string | undefined,
): Promise<DailyReport | null | undefined> {
  const peer = { runtimeDirectory, purpose: "control/local", clock: new SystemClock() } as const;
  try {
    return (await askOnce(peer, "daily", date === undefined ? {} : { date })) as DailyReport | null;
  } catch (error) {
    if (!isUnreachable(error)) throw error;
    return undefined;
  }
}
