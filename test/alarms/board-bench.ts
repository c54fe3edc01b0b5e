import { AlarmBoard, type AlarmBoardParts } from "../../src/alarms/alarm-board.ts";
import type { AlarmSource } from "../../src/alarms/alarm-record.ts";
import type { StandingAlarm } from "../../src/alarms/standing.ts";
import type { PlantEvent, Severity } from "../../src/domain/event.ts";
import { monotonicMs, utcMs } from "../../src/domain/time.ts";

const START_UTC = Date.UTC(2026, 0, 1);
const STEP_MS = 250;
const STEPS_MAX = 400;

export type Told = Partial<Omit<PlantEvent, "id">>;

/** A board with a clock of its own; time goes in steps as in the process. */
export class BoardBench {
  readonly board: AlarmBoard;
  nowMs = 1_000;
  /** Everything that called, as `id device`. */
  readonly called: string[] = [];
  readonly told: string[] = [];
  #calls = 0;

  constructor(parts: Partial<AlarmBoardParts> = {}) {
    this.board = new AlarmBoard({ device: "gateway", segmentOf: () => undefined, ...parts });
  }

  get at() {
    return { now: monotonicMs(this.nowMs), utc: utcMs(START_UTC + this.nowMs) };
  }

  raise(id: string, told: Told | Severity = {}, source: AlarmSource = "control"): this {
    return this.#take(id, "raised", told, source);
  }

  clear(id: string, told: Told = {}, source: AlarmSource = "control"): this {
    return this.#take(id, "cleared", { severity: "info", ...told }, source);
  }

  once(id: string, told: Told | Severity = {}): this {
    return this.#take(id, "once", told, "control");
  }

  /** Lets time pass, in steps as the process has them; a long time in longer ones. */
  pass(seconds: number): this {
    const until = this.nowMs + seconds * 1_000;
    const stepMs = Math.max(STEP_MS, (seconds * 1_000) / STEPS_MAX);
    while (this.nowMs < until) {
      this.nowMs = Math.min(until, this.nowMs + stepMs);
      this.board.step(this.at);
      this.#look();
    }
    return this;
  }

  ack(id = "all", device?: string): number {
    return this.board.acknowledge({ id, device, by: "anna" }, this.at).length;
  }

  shelve(id: string, device: string | undefined, hours: number) {
    const order = { id, device, by: "anna", reason: "work on it", forMs: hours * 3_600_000 };
    return this.board.shelve(order, this.at);
  }

  get list(): readonly StandingAlarm[] {
    return this.board.standing(this.at.now);
  }

  /** State of an alarm, `normal` when it is not in the list. */
  state(id: string, device = "d-1"): string {
    return this.list.find((each) => each.id === id && each.device === device)?.state ?? "normal";
  }

  #take(id: string, phase: PlantEvent["phase"], told: Told | Severity, source: AlarmSource): this {
    const facts = typeof told === "string" ? { severity: told } : told;
    const subject = { device: "d-1", point: undefined, text: `${id} is there` };
    const at = this.at.utc;
    this.board.take({ id, phase, severity: "warning", ...subject, at, ...facts }, source, this.at);
    this.#look();
    return this;
  }

  #look(): void {
    const calls = this.board.calls();
    const isCut = calls.length === 64;
    for (const { id, device } of isCut ? calls.slice(-1) : calls.slice(this.#calls))
      this.called.push(`${id} ${device ?? ""}`.trim());
    this.#calls = calls.length;
    for (const { id, phase, text } of this.board.takeEvents())
      this.told.push(`${id} ${phase}: ${text}`);
  }
}
