import { ALARM_CHAPTERS } from "./catalogue.ts";
import type { AlarmReset } from "./entry.ts";

const RESET: Readonly<Record<AlarmReset, string>> = {
  itself: "ends with its cause",
  device: "at the device, after the cause is gone",
  release: "a person at the box, by `dcpi-gateway release`",
  operator: "an operator on the box, by `dcpi-gateway reset`, after the cause is gone",
  never: "happened once, has no end",
};

const HEAD = `# Alarms and events, for the operator

What each means, what the gateway has done before you read it, what to do, and how it ends. On the
box: \`dcpi-gateway alarms explain <id>\`. An acknowledgement never ends an alarm; only its cause
does, or, for a latched trip, a reset after the cause is gone. The gateway is not the safety system:
emergency stop, battery management and protection relays act by themselves.
`;

export function resetWords(reset: AlarmReset): string {
  return RESET[reset];
}

/** The catalogue as Markdown. */
export function operatorPage(): string {
  const chapters = ALARM_CHAPTERS.map(({ title, entries }) => {
    const rows = entries.map(
      ({ id, means, done, remedy, reset }) =>
        `| \`${id}\` | ${means} | ${done} | ${remedy} | ${RESET[reset]} |`,
    );
    return [
      `\n## ${title}\n`,
      "| id | what it means | what the gateway has done | what to do | how it ends |",
      "| --- | --- | --- | --- | --- |",
      ...rows,
      "",
    ].join("\n");
  });
  return HEAD + chapters.join("");
}
