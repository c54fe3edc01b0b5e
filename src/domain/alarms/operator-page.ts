import { ALARM_CHAPTERS } from "./catalogue.ts";
import type { AlarmEntry, AlarmReset } from "./entry.ts";
import { alarmProcessing } from "./processing.ts";

const RESET: Readonly<Record<AlarmReset, string>> = {
  itself: "ends with its cause",
  device: "at the device, after the cause is gone",
  release: "a person at the box, by `dcpi-gateway release`",
  operator: "an operator on the box, by `dcpi-gateway reset`, after the cause is gone",
  never: "happened once, has no end",
};

const HEAD = `# Alarms and events, for the operator

What each means, what the gateway has done before you read it, what to do, how it ends and who may
reset it, and how it calls. On the box: \`dcpi-gateway alarms explain <id>\`. An acknowledgement
never ends an alarm; only its cause does, or, for a latched trip, a reset after the cause is gone.
The gateway is not the safety system: emergency stop, battery management and protection relays act
by themselves.

\`dcpi-gateway alarms\` lists what stands, the most urgent first; \`dcpi-gateway ack\` takes note of
it. An alarm that disturbs during work is put aside for at most 8 hours with \`dcpi-gateway alarms
shelve\` and comes back by itself; a trip cannot be. Within ten minutes at most ten alarms call;
what is beyond it stands in the list and is counted in \`alarm-flood\`. A trip always calls at once,
and so does a critical alarm of a kind that has not called yet. Information calls nobody.
`;

export function resetWords(reset: AlarmReset): string {
  return RESET[reset];
}

/** How it comes to a person: delays, what it follows from, its group, whether it can be shelved. */
export function callWords({ id, reset }: AlarmEntry): string {
  const { severity, ...how } = alarmProcessing(id);
  if (severity === "info") return "calls nobody";
  const words = [how.onDelayMs === 0 ? "at once" : `when it lasts ${inSeconds(how.onDelayMs)}`];
  if (how.suppressedBy.length > 0)
    words.push(`not while its device has ${how.suppressedBy.map(quoted).join(" or ")}`);
  if (how.gathersAs !== undefined) words.push(`several at once are ${quoted(how.gathersAs)}`);
  if (how.offDelayMs > 0 && reset !== "never")
    words.push(`over ${inSeconds(how.offDelayMs)} after its cause`);
  if (how.firstOut !== undefined) {
    const { group, of } = how.firstOut;
    words.push(`the first of ${group} is marked${of === "device" ? ", by device" : ""}`);
  }
  if (!how.canBeShelved) words.push("cannot be shelved");
  return words.join("; ");
}

/** The catalogue as Markdown. */
export function operatorPage(): string {
  const chapters = ALARM_CHAPTERS.map(({ title, entries }) => {
    const rows = entries.map((entry) => {
      const { id, means, done, remedy, reset } = entry;
      const { severity } = alarmProcessing(id);
      const cells = [quoted(id), severity, means, done, remedy, RESET[reset], callWords(entry)];
      return `| ${cells.join(" | ")} |`;
    });
    return [
      `\n## ${title}\n`,
      "| id | severity | what it means | what the gateway has done | what to do " +
        "| how it ends, who may reset | how it calls |",
      "| --- | --- | --- | --- | --- | --- | --- |",
      ...rows,
      "",
    ].join("\n");
  });
  return HEAD + chapters.join("");
}

function quoted(id: string): string {
  return `\`${id}\``;
}

function inSeconds(ms: number): string {
  return `${ms / 1_000} s`;
}
