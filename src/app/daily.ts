import type { CycleInputs, CycleResult } from "../control/exchange.ts";
import type { ControlState } from "../control/state.ts";
import type { PlantEvent } from "../domain/event.ts";
import { GatewayError } from "../domain/errors.ts";
import type { Clock } from "../domain/time.ts";
import { readBounded, writeDurably } from "../platform/files.ts";
import { DailyAccount, type DailyReport, type DaySums } from "./daily-account.ts";

/** A kill costs at most so much of a day, ms. */
const SAVE_MS = 600_000;
/** Days that are kept for questions. */
const DAYS_KEPT = 400;
const FILE_MAX_BYTES = 4 * 1_024 * 1_024;

/** What is on the disk: the days that are over, oldest first, and the sums of the present one. */
export interface SavedDays {
  readonly days: readonly DailyReport[];
  readonly today?: DaySums | undefined;
}

export interface DailyDeskParts {
  readonly file: string;
  readonly saved: SavedDays;
  readonly clock: Clock;
  /** Device of the event. */
  readonly device: string;
  readonly onEvent: (event: PlantEvent) => void;
  /** Told of a disk that does not take it; undefined: nobody is. */
  readonly onFailure?: (error: GatewayError) => void;
}

/**
 * Days that were saved; none where the file is not there or cannot be read: a report is no reason
 * for control not to start.
 */
export async function readDays(file: string): Promise<SavedDays> {
  try {
    const content = await readBounded(file, FILE_MAX_BYTES);
    if (content === undefined) return { days: [] };
    const saved: unknown = JSON.parse(content.toString("utf8"));
    return isSaved(saved) ? saved : { days: [] };
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof GatewayError) return { days: [] };
    throw error;
  }
}

function isSaved(value: unknown): value is SavedDays {
  return (
    typeof value === "object" && value !== null && "days" in value && Array.isArray(value.days)
  );
}

/** Tells each day in a line when it is over, and keeps what it came to. */
export class DailyDesk {
  readonly #parts: DailyDeskParts;
  #days: readonly DailyReport[];
  #account: DailyAccount | undefined;
  #savedAt = Number.NaN;
  #saving: Promise<void> = Promise.resolve();

  constructor(parts: DailyDeskParts) {
    this.#parts = parts;
    this.#days = parts.saved.days.slice(-DAYS_KEPT);
  }

  /** After each cycle. */
  observe(state: ControlState, inputs: CycleInputs, result: CycleResult): void {
    const { saved } = this.#parts;
    this.#account ??= new DailyAccount(state.plan, inputs.utc, saved.today);
    const ended = this.#account.observe(state, inputs, result);
    if (ended !== undefined) this.#tell(ended);
    if (Number.isNaN(this.#savedAt)) this.#savedAt = inputs.now;
    if (ended === undefined && inputs.now - this.#savedAt < SAVE_MS) return;
    this.#savedAt = inputs.now;
    void this.save();
  }

  /** Of a day that is over; undefined as the date: of the one that is on, so far. */
  report(date?: string): DailyReport | undefined {
    const today = this.#account?.report();
    if (date === undefined || date === today?.date) return today;
    return this.#days.findLast((day) => day.date === date);
  }

  /** Until `signal` has aborted; then what the day has come to is saved. */
  async keep(signal: AbortSignal): Promise<void> {
    if (!signal.aborted)
      await new Promise<void>((resolve) => {
        const ended = (): void => {
          resolve();
        };
        signal.addEventListener("abort", ended, { once: true });
      });
    await this.save();
  }

  /** Resolves when what is known by now is on the disk, or the disk did not take it. */
  async save(): Promise<void> {
    // One behind the other: two at once would write the same file.
    this.#saving = this.#saving.then(async () => this.#write());
    await this.#saving;
  }

  async #write(): Promise<void> {
    const { file, onFailure } = this.#parts;
    const content: SavedDays = { days: this.#days, today: this.#account?.sums };
    try {
      await writeDurably(file, JSON.stringify(content));
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      onFailure?.(error);
    }
  }

  #tell(report: DailyReport): void {
    const { onEvent, device, clock } = this.#parts;
    this.#days = [...this.#days, report].slice(-DAYS_KEPT);
    onEvent({
      id: "daily-report",
      severity: "info",
      phase: "once",
      device,
      point: undefined,
      text: report.line,
      at: clock.utcNow(),
    });
  }
}
