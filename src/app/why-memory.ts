import type { CyclicReport } from "../control/exchange.ts";
import type { Command, CommandStep } from "../domain/command.ts";

/** What is kept for questions; the oldest goes. */
const COMMANDS_KEPT = 64;
const STEPS_KEPT = 512;
const REPORTS_KEPT = 512;

/** The last commands, what became of them, and the last answers of drivers. */
export class WhyMemory {
  #commands: Command[] = [];
  #steps: CommandStep[] = [];
  #reports: CyclicReport[] = [];

  get commands(): readonly Command[] {
    return this.#commands;
  }

  get steps(): readonly CommandStep[] {
    return this.#steps;
  }

  get reports(): readonly CyclicReport[] {
    return this.#reports;
  }

  command(command: Command): void {
    this.#commands = kept(this.#commands, command, COMMANDS_KEPT);
  }

  told(steps: readonly CommandStep[]): void {
    for (const step of steps) this.#steps = kept(this.#steps, step, STEPS_KEPT);
  }

  report(report: CyclicReport): void {
    this.#reports = kept(this.#reports, report, REPORTS_KEPT);
  }
}

/** Twice as much as is asked for lies there at most: so it is seldom cut. */
function kept<T>(list: T[], item: T, most: number): T[] {
  list.push(item);
  return list.length < 2 * most ? list : list.slice(-most);
}
