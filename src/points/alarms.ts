import { assert } from "../domain/assert.ts";
import { type Condition, conditionHolds } from "../domain/condition.ts";
import type { PlantEvent, Severity } from "../domain/event.ts";
import type { PointIndex } from "../domain/point.ts";
import { isBad, isGood } from "../domain/quality.ts";
import type { Reading } from "../domain/round.ts";
import type { UtcMs } from "../domain/time.ts";
import { byteAt, linkAt, numberAt, placeAt } from "./number-at.ts";

/** One alarm of a device: active while the bit or the value is there. */
export interface AlarmRule extends Condition {
  /** Stable kind: `battery-trip`. */
  readonly id: string;
  readonly severity: Severity;
  readonly text: string;
  readonly device: string;
  readonly point: PointIndex;
  readonly pointName: string;
}

const NONE = -1;

/**
 * Turns readings into alarms that are raised and cleared. A bad value does neither: what is not
 * known is told by its quality. An uncertain value may raise, but does not clear.
 *
 * An alarm is told as the device shows it. What has to stay until a person resets it is a trip:
 * control latches that, saves it, and has the way to reset it.
 */
export class AlarmWatch {
  readonly #rules: readonly AlarmRule[];
  /** First rule of each point, and the next rule of the same point. */
  readonly #firstOf: Int32Array;
  readonly #nextOf: Int32Array;
  readonly #isActive: Uint8Array;

  constructor(rules: readonly AlarmRule[], pointCount: number) {
    this.#rules = rules;
    this.#firstOf = new Int32Array(pointCount).fill(NONE);
    this.#nextOf = new Int32Array(rules.length).fill(NONE);
    this.#isActive = new Uint8Array(rules.length);
    for (const [at, rule] of rules.entries()) {
      assert(rule.point < pointCount, `alarm ${rule.id} names a point outside the table`);
      this.#nextOf[at] = linkAt(this.#firstOf, rule.point);
      this.#firstOf[rule.point] = at;
    }
  }

  /** Evaluates the rules of the reading's points; pushes an event for each change. */
  apply(reading: Reading, events: PlantEvent[]): void {
    for (let at = 0; at < reading.points.length; at += 1) {
      let rule = linkAt(this.#firstOf, placeAt(reading.points, at));
      if (rule === NONE) continue;
      const quality = byteAt(reading.quality, at);
      if (isBad(quality)) continue;
      for (; rule !== NONE; rule = linkAt(this.#nextOf, rule))
        this.#evaluate(rule, numberAt(reading.values, at), {
          isCertain: isGood(quality),
          utc: reading.receivedUtc,
          events,
        });
    }
  }

  #evaluate(
    at: number,
    value: number,
    context: { readonly isCertain: boolean; readonly utc: UtcMs; readonly events: PlantEvent[] },
  ): void {
    const rule = this.#rules[at];
    assert(rule !== undefined, "every place in the index has its rule");
    const isThere = conditionHolds(rule, value);
    if (!isThere && !context.isCertain) return;
    if (isThere === (this.#isActive[at] === 1)) return;
    this.#isActive[at] = isThere ? 1 : 0;
    context.events.push(eventOf(rule, isThere ? "raised" : "cleared", context.utc));
  }
}

function eventOf(rule: AlarmRule, phase: PlantEvent["phase"], at: UtcMs): PlantEvent {
  const { id, severity, device, pointName, text } = rule;
  return { id, severity, phase, device, point: pointName, text, at };
}
