import { strict as assert } from "node:assert";
import { replay, type ReplayOutcome } from "../../src/app/replay.ts";
import type { RecordingItem } from "../../src/app/replay-files.ts";
import { type WhyAnswer, whyOf } from "../../src/app/why.ts";
import { WhyMemory } from "../../src/app/why-memory.ts";
import { statusOf } from "../../src/control/cycle.ts";
import type { Level } from "../../src/control/exchange.ts";
import type { ControlPlan } from "../../src/control/plan.ts";
import { type BoxTrace, type CycleTrace, traceOf } from "../../src/control/trace.ts";
import { judgeBox } from "../../src/control/trace-binding.ts";
import { LEVEL_WORDS } from "../../src/control/trace-words.ts";
import type { ReplayedCycle, Replayer } from "../../src/recorder/replayer.ts";

export interface Word {
  readonly powerW: number;
  readonly by: Level | "nobody";
}

/**
 * A second reading of a box, from the weakest level up: each has its way with what the weaker ones
 * have left of the wish, and whoever changes it last has the last word.
 */
export function lastWord({ asks }: Pick<BoxTrace, "asks">, wantedW: number): Word {
  let word: Word = { powerW: wantedW, by: "nobody" };
  let direction = 0;
  const names: { low?: Level; high?: Level } = {};
  const push = (up: boolean, boundW: number, by: Level): void => {
    const isBeyond = up ? word.powerW < boundW : word.powerW > boundW;
    const isShared = word.powerW === boundW && direction === (up ? 1 : -1);
    if (!isBeyond && !isShared) return;
    word = { powerW: boundW, by };
    direction = up ? 1 : -1;
  };
  for (const { kind, by, lowW, highW } of asks.toReversed()) {
    if (kind === "name-low") names.low ??= by;
    else if (kind === "name-high") names.high ??= by;
    else if (kind === "floor") push(true, lowW, by);
    else if (kind === "ceiling") push(false, highW, by);
    else {
      push(true, lowW, names.low ?? by);
      push(false, Math.max(lowW, highW), names.high ?? by);
    }
  }
  return word;
}

/** Whose word a setpoint is, by that reading and by nothing but the numbers of the trace. */
export function readingOf(
  trace: CycleTrace,
  place: number,
  plan: ControlPlan,
): Level | "envelope" | "nobody" {
  const unit = trace.units[place]!;
  const { stepW } = plan.units[place]!;
  if (unit.mode !== "ready") return lastWord(unit.box, Infinity).by;
  if (Math.trunc(unit.shareW / stepW) * stepW !== unit.setpointW) return "envelope";
  const all = lastWord(trace.total.box, trace.total.partsW);
  const ofAll = all.by === "nobody" ? "schedule" : all.by;
  if (unit.shareW !== 0) {
    const own = lastWord(unit.box, unit.shareW > 0 ? Infinity : -Infinity);
    const isAtIt = Math.abs(own.powerW - unit.shareW) <= 1;
    const othersGiveMore = trace.units.some(
      ({ shareW }) => Math.abs(shareW) - Math.abs(unit.shareW) > 1 && shareW * unit.shareW > 0,
    );
    if (isAtIt && (othersGiveMore || own.by === ofAll)) return own.by;
  }
  return unit.binding === "grid-instruction" ? "grid-instruction" : ofAll;
}

/** A setpoint that was written, as the second reading has it. */
export interface ReadSetpoint {
  readonly utc: number;
  readonly asset: string;
  readonly setpointW: number;
  readonly binding: string;
}

export interface Reading {
  readonly outcome: ReplayOutcome;
  readonly segments: number;
  /** Every one that control wrote, in their order. */
  readonly setpoints: readonly ReadSetpoint[];
  /** Those for which `why` says anything else than the reading, in words. */
  readonly other: readonly string[];
  /** How often each level had the last word. */
  readonly seen: ReadonlyMap<string, number>;
  /** Events that the cycles told. */
  readonly events: ReadonlySet<string>;
}

/** Plays a recording and reads every setpoint in it a second time, beside `why`. */
export function readRecordedSetpoints(items: Iterable<RecordingItem>): Reading {
  const reader = new SetpointReader();
  let segments = 0;
  const counted = function* (): Generator<RecordingItem> {
    for (const item of items) {
      if (item.kind === "segment") segments += 1;
      yield item;
    }
  };
  const outcome = replay(counted(), {
    onCycle: (cycle, replayer) => {
      reader.take(cycle, replayer);
      return true;
    },
  });
  const { setpoints, other, seen, events } = reader;
  return { outcome, segments, setpoints, other, seen, events };
}

class SetpointReader {
  readonly setpoints: ReadSetpoint[] = [];
  readonly other: string[] = [];
  readonly seen = new Map<string, number>();
  readonly events = new Set<string>();
  readonly #memory = new WhyMemory();

  take({ result, record }: ReplayedCycle, { state, view }: Replayer): void {
    assert(state !== undefined && view !== undefined, "a cycle was played");
    const { plan } = state;
    const trace = traceOf(state, view);
    for (const { id } of result.events) this.events.add(id);
    for (const [place, { points, asset }] of plan.units.entries()) {
      const write = result.writes.findLast(({ point }) => point === points.setpoint);
      if (write === undefined) continue;
      const [answer] = whyOf(asset, trace.now, {
        plan,
        status: statusOf(state),
        traceAt: () => trace,
        memory: this.#memory,
        utcOffsetMs: record.utc - record.now,
      });
      const binding = readingOf(trace, place, plan);
      const { utc } = record;
      this.setpoints.push({ utc, asset, setpointW: write.value, binding });
      this.seen.set(binding, (this.seen.get(binding) ?? 0) + 1);
      const at = `${asset} at ${new Date(utc).toISOString()}`;
      for (const wrong of differences(answer, binding, write.value))
        this.other.push(`${at}: ${wrong}`);
      const { box } = trace.units[place]!;
      assert.equal(lastWord(box, Infinity).powerW, box.highW);
      assert.equal(lastWord(box, -Infinity).powerW, box.lowW);
    }
    const { box, partsW, targetW } = trace.total;
    assert.equal(lastWord(box, partsW).powerW, targetW, `total at ${record.now}`);
    assert.equal(judgeBox(box, partsW).powerW, targetW);
  }
}

/** What `why` answers that is not what was read. */
export function differences(
  answer: WhyAnswer | undefined,
  binding: string,
  setpointW: number,
): readonly string[] {
  if (answer?.kind !== "unit") return ["no chain"];
  const { why } = answer;
  const text = why.links[0]?.text ?? "";
  const words = LEVEL_WORDS[binding as Level];
  const isSaid = binding === "schedule" ? /holder|nobody asks/.test(text) : text.includes(words);
  return [
    ...(why.binding === binding ? [] : [`${why.binding}, read as ${binding}`]),
    ...(why.setpointW === setpointW ? [] : [`${why.setpointW} W, ${setpointW} W were written`]),
    ...(isSaid ? [] : [`it does not say "${words}": ${text}`]),
  ];
}
