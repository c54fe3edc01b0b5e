import { statusOf } from "../control/cycle.ts";
import type { ControlStatus } from "../control/exchange.ts";
import { itemAt } from "../control/item-at.ts";
import type { ControlPlan } from "../control/plan.ts";
import type { ControlState } from "../control/state.ts";
import { type CycleTrace, traceOf } from "../control/trace.ts";
import { TraceMemory } from "../control/trace-memory.ts";
import type { ReplayedCycle, Replayer } from "../recorder/replayer.ts";
import { replay } from "./replay.ts";
import type { RecordingItem } from "./replay-files.ts";
import { type WhyAnswer, whyOf } from "./why.ts";
import { WhyMemory } from "./why-memory.ts";

/** So long behind the instant what came of a setpoint is waited for, ms. */
const EFFECT_MS = 2_000;

/** What was in force in the last cycle at or before the instant. */
interface Moment {
  readonly plan: ControlPlan;
  readonly status: ControlStatus;
  readonly trace: CycleTrace;
  readonly utcOffsetMs: number;
}

/**
 * Why an asset or a point was asked for what it was, from a recording; see `whyOf`.
 *
 * @param atUtc undefined: at the end of the recording
 * @throws GatewayError FILE_UNREADABLE
 */
export function whyFromRecording(
  items: Iterable<RecordingItem>,
  asked: string,
  atUtc = Infinity,
): readonly WhyAnswer[] {
  const search = new MomentSearch(atUtc);
  const outcome = replay(items, { onCycle: (cycle, replayer) => search.take(cycle, replayer) });
  if (outcome.difference !== undefined)
    return [{ kind: "nothing", reason: "the recording does not play back here: see replay" }];
  return search.answer(asked);
}

class MomentSearch {
  readonly #atUtc: number;
  readonly #memory = new WhyMemory();
  #traces: TraceMemory | undefined;
  /** What the traces are of. */
  #size = "";
  #found: Moment | undefined;
  #after: CycleTrace | undefined;

  constructor(atUtc: number) {
    this.#atUtc = atUtc;
  }

  /** False when nothing more is needed. */
  take(cycle: ReplayedCycle, { state, view }: Replayer): boolean {
    if (state === undefined || view === undefined) return true;
    const { record } = cycle;
    this.#remember(cycle);
    if (record.utc > this.#atUtc) {
      this.#after = traceOf(state, view);
      return this.#found !== undefined && !isShown(this.#found.trace, this.#after);
    }
    const traces = this.#tracesFor(state);
    traces.keep(state, view);
    this.#found = {
      plan: state.plan,
      status: statusOf(state),
      trace: traceOf(state, view),
      utcOffsetMs: record.utc - record.now,
    };
    return true;
  }

  answer(asked: string): readonly WhyAnswer[] {
    const found = this.#found;
    const traces = this.#traces;
    if (found === undefined || traces === undefined)
      return [{ kind: "nothing", reason: "the recording has no cycle at or before that time" }];
    return whyOf(asked, found.trace.now, {
      ...found,
      traceAt: (now) => traces.at(now),
      after: this.#after,
      memory: this.#memory,
    });
  }

  /** A restart may come with another site file; what was before it says nothing of its units. */
  #tracesFor(state: ControlState): TraceMemory {
    const size = `${state.units.length} ${state.parts.length}`;
    if (this.#traces === undefined || size !== this.#size) this.#traces = new TraceMemory(state);
    this.#size = size;
    return this.#traces;
  }

  #remember({ record, result, toldBetween }: ReplayedCycle): void {
    const memory = this.#memory;
    for (const command of [...record.inputs.commands, ...record.beside.direct])
      memory.command(command);
    memory.told([...toldBetween, ...result.steps, ...record.beside.told]);
    for (const { report } of record.reports) memory.report(report);
  }
}

/** True when what every unit was asked for is read back, or there was time enough for it. */
function isShown(asked: CycleTrace, after: CycleTrace): boolean {
  if (after.now - asked.now >= EFFECT_MS) return true;
  return asked.units.every(({ sentAt }, place) => itemAt(after.units, place).confirmedAt >= sentAt);
}
