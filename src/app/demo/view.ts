import type { Terminal } from "../terminal.ts";
import type { DemoFeed, DemoSummary } from "./feed.ts";
import type { PlantLine } from "./plant-line.ts";
import { demoScreen, PICTURE, PICTURE_MS } from "./screen.ts";

const LINE_MS = 1_000;
const HOME = "\u001b[H";
const CLEAR_LINE = "\u001b[K";
const CLEAR_BELOW = "\u001b[J";
const CLEAR_ALL = "\u001b[2J";
const SHOW_CURSOR = "\u001b[?25h";
const HIDE_CURSOR = "\u001b[?25l";

/** How the demonstration is shown: a picture, one plain line a second, or lines of JSON. */
export class DemoView {
  readonly #terminal: Terminal;
  readonly #form: "picture" | "lines" | "json";
  #isDrawn = false;

  constructor(terminal: Terminal, isJson: boolean) {
    this.#terminal = terminal;
    const { screen } = terminal;
    const fits =
      screen !== undefined && screen.columns >= PICTURE.columns && screen.rows >= PICTURE.rows;
    this.#form = isJson ? "json" : fits ? "picture" : "lines";
  }

  /** From one picture or line to the next, ms. */
  get periodMs(): number {
    return this.#form === "picture" ? PICTURE_MS : LINE_MS;
  }

  show(feed: DemoFeed, at: { readonly second: number; readonly title: string }): void {
    const { plant } = feed;
    if (plant === undefined) return;
    if (this.#form === "json") {
      this.#terminal.out(JSON.stringify(plant));
      for (const event of feed.takeFresh()) this.#terminal.out(JSON.stringify(eventLine(event)));
      return;
    }
    if (this.#form === "lines") {
      this.#terminal.out(plainLine(plant, at));
      return;
    }
    const lines = demoScreen({
      plant,
      trend: feed.trend,
      act: at.title,
      elapsedS: at.second,
      events: feed.events,
      hasColour: this.#terminal.hasColour,
      size: this.#size(),
    });
    const picture = lines.map((line) => line + CLEAR_LINE).join("\n") + CLEAR_BELOW;
    this.#terminal.draw((this.#isDrawn ? HOME : HIDE_CURSOR + CLEAR_ALL + HOME) + picture);
    this.#isDrawn = true;
  }

  /** As it is now: a person may make the window larger, or too small. */
  #size(): { readonly columns: number; readonly rows: number } {
    const { columns, rows } = this.#terminal.screen ?? PICTURE;
    return { columns: Math.max(columns, PICTURE.columns), rows: Math.max(rows, PICTURE.rows) };
  }

  summarise(summary: DemoSummary): void {
    if (this.#form === "json") {
      this.#terminal.out(JSON.stringify(summary));
      return;
    }
    this.end();
    this.#terminal.out(
      `${summary.seconds} s: ${summary.cycles} cycles, ${summary.overruns} overruns, ` +
        `${summary.samples_sent} values sent, ${summary.lost} lost: ` +
        (summary.ok ? "ok" : "NOT OK"),
    );
  }

  /** Leaves the terminal as it was. */
  end(): void {
    if (this.#isDrawn) this.#terminal.draw(`\n${SHOW_CURSOR}`);
    this.#isDrawn = false;
  }

  /** Single keys, where there is a keyboard. */
  keys(press: (key: string) => void): { stop(): void } {
    const { stdin } = process;
    if (this.#form !== "picture" || !stdin.isTTY) return { stop: () => undefined };
    const take = (text: string): void => {
      for (const key of text) press(key === "\u0003" ? "q" : key);
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

function eventLine(event: Readonly<Record<string, unknown>>): object {
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
  at: { readonly second: number; readonly title: string },
): string {
  const { power_w: power, quality, cycle, outbox, mqtt, bess } = plant;
  const megawatts = (watts: number | null): string =>
    watts === null ? "—" : (watts / 1e6).toFixed(2);
  const soc = bess[0]?.soc ?? null;
  return [
    `${at.second} s`,
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
