import { alarmEntry } from "../../domain/alarms/catalogue.ts";
import type { AlarmState } from "../../alarms/alarm-record.ts";
import type { StandingAlarm } from "../../alarms/standing.ts";
import type { AlarmsAnswer } from "../alarm-desk.ts";

const COLUMNS = 100;
const ID_MAX = 26;
const DEVICE_MAX = 16;
const DAY_MS = 86_400_000;

const STATE_WORDS: Readonly<Record<Exclude<AlarmState, "normal">, string>> = {
  unacknowledged: "UNACK",
  returned: "gone",
  acknowledged: "acked",
  shelved: "shelved",
  suppressed: "follows",
};

/** The list for people: two lines for each alarm, and a last line that counts. */
export function alarmLines(answer: Omit<AlarmsAnswer, "calls">, isAll: boolean): readonly string[] {
  const { alarms, counts, utc } = answer;
  const shown = alarms.filter(({ state }) => isAll || state !== "suppressed");
  const idWidth = widest(
    shown.map(({ id }) => id),
    ID_MAX,
  );
  const deviceWidth = widest(
    shown.map(({ device = "" }) => device),
    DEVICE_MAX,
  );
  const lines = shown.flatMap((alarm) => [
    cut(
      [
        stateWord(alarm).padEnd(7),
        alarm.severity.padEnd(8),
        cut(alarm.id, idWidth).padEnd(idWidth),
        cut(alarm.device ?? "", deviceWidth).padEnd(deviceWidth),
        clockTime(alarm.raisedAt, utc),
        alarmText(alarm, utc),
      ].join(" "),
    ),
    ...remedyLine(alarm),
  ]);
  const hidden = alarms.length - shown.length;
  const rest = [
    `${alarms.length} in the list`,
    `${counts.unacknowledged} to acknowledge`,
    ...(hidden > 0 ? [`${hidden} more follow from these (--all shows them)`] : []),
    `${counts.calls} calls in ten minutes`,
  ];
  const beside = [...idleShelves(answer), ...silentLines(answer)];
  if (alarms.length === 0) return ["no alarms stand", ...beside];
  return [...lines, rest.join(", "), ...beside];
}

/** What is put aside and does not stand now. */
function idleShelves({ shelves, alarms, utc }: Omit<AlarmsAnswer, "calls">): readonly string[] {
  return shelves
    .filter(({ id, device }) => !alarms.some((one) => one.id === id && one.device === device))
    .map(({ id, device, by, reason, untilUtc }) => {
      const name = device === undefined ? id : `${id} of ${device}`;
      const until = clockTime(untilUtc, utc);
      return cut(`shelved, not active: ${name} until ${until} by ${by}, ${reason}`);
    });
}

function silentLines(answer: Omit<AlarmsAnswer, "calls">): readonly string[] {
  return (["field", "services"] as const).flatMap((source) => {
    const { state, asOf } = answer[source];
    if (state !== "lost") return [];
    const known =
      asOf === undefined
        ? "nothing is known of its alarms"
        : `its alarms are as last known at ${clockTime(asOf, answer.utc)}`;
    return [`gateway-${source} does not answer: ${known}`];
  });
}

function stateWord({ state, severity }: StandingAlarm): string {
  return state === "acknowledged" && severity === "info" ? "" : STATE_WORDS[state];
}

/** What is special of it, and what its source said. */
function alarmText(alarm: StandingAlarm, utc: number): string {
  const { device = "", isFirstOut, after, raises, isChattering, asOf, shelf, ack, partOf } = alarm;
  const said = alarm.text.startsWith(`${device} `)
    ? alarm.text.slice(device.length + 1)
    : alarm.text;
  const marks = [
    ...(isFirstOut === true ? ["FIRST"] : []),
    ...(asOf === undefined ? [] : [`as last known at ${clockTime(asOf, utc)}`]),
    ...(shelf === undefined
      ? []
      : [`until ${clockTime(shelf.until, utc)} by ${shelf.by}, ${shelf.reason}`]),
    ...(partOf === undefined ? [] : [`in ${partOf}`]),
    ...(isChattering === true ? [`${raises ?? 0} times`] : []),
    ...(ack === undefined ? [] : [`by ${ack.by}`]),
    ...(after === undefined ? [] : [`after ${after}`]),
  ];
  return marks.length === 0 ? said : `[${marks.join("; ")}] ${said}`;
}

function remedyLine({ id, state }: StandingAlarm): readonly string[] {
  const remedy = alarmEntry(id)?.remedy;
  const isAside = state === "shelved" || state === "suppressed";
  if (remedy === undefined || remedy === "None." || isAside) return [];
  return [cut(`        to do: ${remedy}`)];
}

/** Of the day, UTC; the date where it is longer ago. */
export function clockTime(at: number, now: number): string {
  const text = new Date(at).toISOString();
  return Math.abs(now - at) < DAY_MS ? text.slice(11, 19) : text.slice(5, 16).replace("T", " ");
}

function widest(texts: readonly string[], most: number): number {
  return Math.min(most, Math.max(0, ...texts.map(({ length }) => length)));
}

function cut(text: string, columns = COLUMNS): string {
  return text.length <= columns ? text : `${text.slice(0, columns - 1)}…`;
}
