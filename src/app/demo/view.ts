import type { Terminal } from "../terminal.ts";
import type { DemoState } from "./demo-state.ts";
import type { DemoSummary } from "./feed.ts";
import { keysOf } from "./keys.ts";
import { screenOf, type Sight } from "./panels.ts";
import type { PlantLine } from "./plant-line.ts";
import { SMALL } from "./small-screen.ts";

/**
 * From one picture to the next, ms. Not a second: its numbers are of one moment, and a load that
 * swings once a second would show the same phase in every picture and look constant. The trends
 * are sampled faster still, see `TREND_SAMPLE_MS`.
 */
export const PICTURE_MS = 700;
const LINE_MS = 1_000;
/** The terminal shows what is between the two at once, where it knows them. */
const BEGIN_UPDATE = "\u001b[?2026h";
const END_UPDATE = "\u001b[?2026l";
const HOME = "\u001b[H";
const CLEAR_LINE = "\u001b[K";
const CLEAR_BELOW = "\u001b[J";
const CLEAR_ALL = "\u001b[2J";
const SHOW_CURSOR = "\u001b[?25h";
const HIDE_CURSOR = "\u001b[?25l";

export type Form = "picture" | "lines" | "json" | "nothing";

/** How the demonstration is shown: a picture, one plain line a second, or lines of JSON. */
export class DemoView {
  readonly form: Form;
  readonly #terminal: Terminal;
  #drawn: readonly string[] = [];
  #drawnSize = "";

  constructor(terminal: Terminal, wanted: "json" | "nothing" | undefined) {
    this.#terminal = terminal;
    const { screen } = terminal;
    const fits =
      screen !== undefined && screen.columns >= SMALL.columns && screen.rows >= SMALL.rows;
    this.form = wanted ?? (fits ? "picture" : "lines");
  }

  /** From one picture or line to the next, ms. */
  get periodMs(): number {
    return this.form === "picture" ? PICTURE_MS : LINE_MS;
  }

  /** Draws what has changed, in one piece. */
  draw(sight: Omit<Sight, "hasColour" | "size">): void {
    const size = this.#size();
    const lines = screenOf({ ...sight, size, hasColour: this.#terminal.hasColour });
    const sizeName = `${size.columns}x${size.rows}`;
    const isNew = sizeName !== this.#drawnSize;
    const before = isNew ? [] : this.#drawn;
    const changes = lines.flatMap((line, at) =>
      line === before[at] ? [] : [`\u001b[${at + 1};1H${line}${CLEAR_LINE}`],
    );
    if (lines.length < before.length) changes.push(`\u001b[${lines.length + 1};1H${CLEAR_BELOW}`);
    this.#drawn = lines;
    this.#drawnSize = sizeName;
    if (changes.length === 0) return;
    const start = isNew ? HIDE_CURSOR + CLEAR_ALL + HOME : "";
    this.#terminal.draw(BEGIN_UPDATE + start + changes.join("") + END_UPDATE);
  }

  /** One plain line of what is. */
  line(state: DemoState): void {
    this.#terminal.out(plainLine(state.plant, state));
  }

  json(line: object): void {
    this.#terminal.out(JSON.stringify(line));
  }

  /** As it is now: a person may make the window larger, or too small. */
  #size(): { readonly columns: number; readonly rows: number } {
    const { columns, rows } = this.#terminal.screen ?? SMALL;
    return { columns, rows };
  }

  summarise(summary: DemoSummary): void {
    if (this.form === "json") {
      this.json(summary);
      return;
    }
    this.end();
    this.#terminal.out(
      `${summary.seconds} s: ${summary.cycles} cycles, ${summary.overruns} overruns ` +
        `(${summary.overruns_stolen} by the host), ` +
        `${summary.samples_sent} values sent, ${summary.lost} lost: ` +
        (summary.ok ? "ok" : "NOT OK"),
    );
  }

  /** Leaves the terminal as it was. */
  end(): void {
    if (this.#drawn.length > 0) this.#terminal.draw(`\n${SHOW_CURSOR}`);
    this.#drawn = [];
    this.#drawnSize = "";
  }

  /** Single keys, where there is a keyboard. */
  keys(press: (key: string) => void): { stop(): void } {
    const { stdin } = process;
    if (this.form !== "picture" || !stdin.isTTY) return { stop: () => undefined };
    const take = (text: string): void => {
      for (const key of keysOf(text)) press(key);
    };
    stdin.setRawMode(true);
    stdin.setEncoding("utf8").on("data", take);
    return {
      stop: () => {
        stdin.off("data", take);
        stdin.setRawMode(false);
        stdin.pause();
      },
    };
  }
}

/** An event as `--json` tells it. */
export function eventLine(event: Readonly<Record<string, unknown>>): object {
  return {
    type: "event",
    id: event["event_id"],
    severity: event["severity"],
    device: event["device"],
    point: event["point"],
    text: event["text"],
  };
}

function plainLine(
  plant: PlantLine,
  at: { readonly elapsedS: number; readonly title: string },
): string {
  const { power_w: power, quality, cycle, outbox, mqtt, bess } = plant;
  const megawatts = (watts: number | null): string =>
    watts === null ? "—" : (watts / 1e6).toFixed(2);
  const soc = bess[0]?.soc ?? null;
  return [
    `${at.elapsedS} s`,
    at.title,
    `grid ${megawatts(power.grid)} MW`,
    `battery ${megawatts(power.bess)}`,
    `training ${megawatts(power.training)}`,
    `SoC ${soc === null ? "—" : soc.toFixed(1)} %`,
    `${quality.good} good ${quality.uncertain} uncertain ${quality.bad} bad`,
    `cycle p99 +${cycle.jitter_p99_ms === null ? "—" : cycle.jitter_p99_ms.toFixed(1)} ms`,
    `overruns ${cycle.overruns ?? "—"}`,
    `outbox ${outbox.depth}`,
    `lost ${outbox.lost}`,
    mqtt.connected ? "MQTT connected" : "MQTT NOT CONNECTED",
  ].join("  ");
}
