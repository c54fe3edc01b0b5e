import { ALARM_CHAPTERS, alarmEntry, alarmIds } from "../../domain/alarms/catalogue.ts";
import { operatorPage, resetWords } from "../../domain/alarms/operator-page.ts";
import { nearestName } from "../nearest-name.ts";
import { type CommandCall, type ExitStatus, hasFlag } from "../terminal.ts";

/** `alarms explain [id]`: what an alarm means and what to do, without a running gateway. */
export async function explainAlarms(call: CommandCall): Promise<ExitStatus> {
  const { terminal, positionals } = call;
  const [id] = positionals;
  if (id !== undefined) return Promise.resolve(explainOne(call, id));
  if (hasFlag(call, "markdown")) terminal.out(operatorPage().trimEnd());
  else if (hasFlag(call, "json"))
    terminal.out(JSON.stringify(ALARM_CHAPTERS.flatMap(({ entries }) => entries)));
  else
    for (const { title, entries } of ALARM_CHAPTERS) {
      terminal.out(title);
      for (const entry of entries) terminal.out(`  ${entry.id.padEnd(28)} ${entry.means}`);
    }
  return Promise.resolve(0);
}

function explainOne(call: CommandCall, id: string): ExitStatus {
  const { terminal } = call;
  const entry = alarmEntry(id);
  if (entry === undefined) {
    const near = nearestName(id, alarmIds());
    const meant = near === undefined ? "" : `; did you mean ${near}?`;
    terminal.err(`no alarm is called "${id}"${meant} (alarms explain lists them all)`);
    return 2;
  }
  if (hasFlag(call, "json")) terminal.out(JSON.stringify(entry));
  else
    for (const line of [
      entry.id,
      `  means    ${entry.means}`,
      `  done     ${entry.done}`,
      `  to do    ${entry.remedy}`,
      `  ends     ${resetWords(entry.reset)}`,
    ])
      terminal.out(line);
  return 0;
}
