import { ALARM_CHAPTERS, alarmEntry, alarmIds } from "../../domain/alarms/catalogue.ts";
import type { AlarmEntry } from "../../domain/alarms/entry.ts";
import { callWords, operatorPage, resetWords } from "../../domain/alarms/operator-page.ts";
import { alarmProcessing } from "../../domain/alarms/processing.ts";
import type { AlarmsAnswer } from "../alarm-desk.ts";
import { nearestName } from "../nearest-name.ts";
import { type CommandCall, type ExitStatus, hasFlag, textOption } from "../terminal.ts";
import { alarmLines, clockTime } from "./alarm-lines.ts";
import { alarmName, askDesk, durationMs, orderDesk, whoAsks } from "./alarm-orders.ts";

/** `alarms`: what stands, the most urgent first; asked of gateway-control alone. */
export async function listAlarms(call: CommandCall): Promise<ExitStatus> {
  const { terminal } = call;
  if (call.positionals.length > 0) {
    terminal.err(
      `alarms ${call.positionals[0] ?? ""}: it is alarms, or alarms shelve, unshelve, explain`,
    );
    return 2;
  }
  const first = await askDesk<AlarmsAnswer>(call, "alarms", { from: 0 });
  if (first === undefined) return 3;
  const alarms = [...first.alarms];
  while (alarms.length < first.total) {
    const page = await askDesk<AlarmsAnswer>(call, "alarms", { from: alarms.length });
    if (page === undefined) return 3;
    if (page.alarms.length === 0) break;
    alarms.push(...page.alarms);
  }
  if (hasFlag(call, "json")) terminal.out(JSON.stringify({ ...first, alarms }));
  else
    for (const line of alarmLines({ ...first, alarms }, hasFlag(call, "all"))) terminal.out(line);
  return 0;
}

/** `alarms shelve <id> [device]`: put aside for a while, by name and with a reason. */
export async function shelveAlarm(call: CommandCall): Promise<ExitStatus> {
  const [id, device] = call.positionals;
  const forMs = durationMs(textOption(call, "for") ?? "");
  const reason = textOption(call, "reason");
  if (id === undefined || forMs === undefined || reason === undefined) {
    call.terminal.err("alarms shelve needs an id, its device, --for (90s, 30m, 2h) and --reason");
    return 2;
  }
  const params = { id, device, by: whoAsks(call), reason, forMs };
  const order = { method: "shelve", params, what: alarmName(id, device) };
  return orderDesk(call, order, ({ untilUtc = 0 }) => {
    const until = clockTime(untilUtc, untilUtc);
    return `shelved until ${until} UTC; then it comes back by itself`;
  });
}

/** `alarms unshelve <id> [device]`: take it back before its time. */
export async function unshelveAlarm(call: CommandCall): Promise<ExitStatus> {
  const [id, device] = call.positionals;
  if (id === undefined) {
    call.terminal.err("alarms unshelve needs an id, and its device");
    return 2;
  }
  const params = { id, device, by: whoAsks(call) };
  const order = { method: "unshelve", params, what: alarmName(id, device) };
  return orderDesk(call, order, () => "off the shelf");
}

/** `alarms explain [id]`: what an alarm means and what to do, without a running gateway. */
export async function explainAlarms(call: CommandCall): Promise<ExitStatus> {
  const { terminal, positionals } = call;
  const [id] = positionals;
  if (id !== undefined) return Promise.resolve(explainOne(call, id));
  if (hasFlag(call, "markdown")) terminal.out(operatorPage().trimEnd());
  else if (hasFlag(call, "json"))
    terminal.out(JSON.stringify(ALARM_CHAPTERS.flatMap(({ entries }) => entries.map(whole))));
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
  if (hasFlag(call, "json")) terminal.out(JSON.stringify(whole(entry)));
  else
    for (const line of [
      entry.id,
      `  means    ${entry.means}`,
      `  done     ${entry.done}`,
      `  to do    ${entry.remedy}`,
      `  ends     ${resetWords(entry.reset)}`,
      `  severity ${alarmProcessing(id).severity}`,
      `  calls    ${callWords(entry)}`,
    ])
      terminal.out(line);
  return 0;
}

/** An entry with how it is processed. */
function whole(entry: AlarmEntry): object {
  return { ...entry, ...alarmProcessing(entry.id) };
}
