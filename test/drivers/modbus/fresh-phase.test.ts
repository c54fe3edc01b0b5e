import { strict as assert } from "node:assert";
import { FreshPhase } from "../../../src/drivers/modbus/fresh-phase.ts";
import { seeded } from "../../support/plant-random.ts";

interface MeterTerms {
  readonly cycleMs: number;
  readonly meterMs: number;
  /** Parts by which the meter's clock is fast. */
  readonly drift?: number;
  /** Renewals are early or late by up to this. */
  readonly jitterMs?: number;
  /** Reads begin late by up to this. */
  readonly readJitterMs?: number;
  readonly phaseMs?: number;
  /** From this read on the meter shows one value. */
  readonly frozenFrom?: number;
  readonly isLocking?: boolean;
  /** Probability that a new value equals the one before. */
  readonly equal?: number;
}

const SLEW_MS = 1;

/** Reads a meter once in each cycle, and moves the reads as the phase says, at most 1 ms each. */
function follow(terms: MeterTerms, reads: number) {
  const { cycleMs, meterMs, drift = 0, jitterMs = 0, readJitterMs = 0, phaseMs = 20 } = terms;
  const random = seeded(5);
  const phase = new FreshPhase(cycleMs);
  const periodMs = meterMs * (1 - drift);
  const jitters: number[] = [];
  const renewedAt = (index: number): number => {
    jitters[index] ??= jitterMs * (2 * random() - 1);
    return phaseMs + index * periodMs + (jitters[index] ?? 0);
  };
  let shownBefore = -1;
  let movedMs = 0;
  const ages: number[] = [];
  let repeats = 0;
  for (let read = 1; read <= reads; read += 1) {
    const at = 1_000 + read * cycleMs + movedMs + readJitterMs * random();
    const nominal = Math.floor((at - phaseMs) / periodMs) + 1;
    const isFrozen = read >= (terms.frozenFrom ?? Infinity);
    let shown = nominal;
    while (renewedAt(shown) > at) shown -= 1;
    if (isFrozen) shown = shownBefore;
    const isFresh = shown !== shownBefore && !(random() < (terms.equal ?? 0));
    const wantedMs = phase.note(isFresh);
    if (shown === shownBefore) repeats += 1;
    else ages.push(at - renewedAt(shown));
    shownBefore = shown;
    if (terms.isLocking === false) continue;
    const stepMs = Math.min(Math.max(wantedMs - movedMs, -SLEW_MS), SLEW_MS);
    movedMs += stepMs;
  }
  return { phase, ages, repeats, movedMs };
}

function worst(ages: readonly number[], from: number): number {
  return Math.max(...ages.slice(from));
}

function mean(ages: readonly number[], from: number): number {
  const late = ages.slice(from);
  return late.reduce((sum, age) => sum + age, 0) / late.length;
}

const SETTLED = 1_000;

describe("phase of a device's new values", () => {
  for (const drift of [0, 50e-6, -50e-6, 250e-6, -250e-6])
    it(`keeps reads just behind them when the clocks differ by ${drift * 1e6} ppm`, () => {
      const { phase, ages, repeats } = follow({ cycleMs: 50, meterMs: 50, drift }, 20_000);
      assert.equal(phase.state, "locked");
      assert.ok(worst(ages, SETTLED) < 6, `${worst(ages, SETTLED)} ms old at worst`);
      assert.ok(mean(ages, SETTLED) < 2, `${mean(ages, SETTLED)} ms old on average`);
      assert.ok(repeats < 40, `${repeats} of 20,000 reads were for nothing`);
    });

  it("the same reads left where they are get values that are half a period old", () => {
    const terms = { cycleMs: 50, meterMs: 50, drift: 250e-6, isLocking: false };
    const { ages } = follow(terms, 20_000);
    assert.ok(mean(ages, SETTLED) > 20, `${mean(ages, SETTLED)} ms`);
  });

  it("follows a meter that renews once in several cycles", () => {
    for (const cycleMs of [20, 50]) {
      const { phase, ages } = follow({ cycleMs, meterMs: 100, drift: 100e-6 }, 20_000);
      assert.equal(phase.state, "locked");
      assert.ok(mean(ages, SETTLED) < 3, `${mean(ages, SETTLED)} ms old at ${cycleMs} ms`);
    }
  });

  it("keeps a wider margin behind a meter, and from reads, that are not punctual", () => {
    const terms = { cycleMs: 50, meterMs: 50, drift: 50e-6, jitterMs: 1.5, readJitterMs: 1 };
    const { phase, ages, repeats } = follow(terms, 20_000);
    assert.equal(phase.state, "locked");
    assert.ok(mean(ages, SETTLED) < 6, `${mean(ages, SETTLED)} ms old on average`);
    assert.ok(repeats < 400, `${repeats} of 20,000 reads were for nothing`);
  });

  it("is not led astray by a new value that equals the one before", () => {
    for (const drift of [0, 250e-6]) {
      const terms = { cycleMs: 50, meterMs: 50, drift, readJitterMs: 1, equal: 0.001 };
      const { phase, ages, repeats } = follow(terms, 20_000);
      assert.equal(phase.state, "locked");
      assert.ok(mean(ages, SETTLED) < 6, `${mean(ages, SETTLED)} ms old on average`);
      assert.ok(repeats < 400, `${repeats} of 20,000 reads were for nothing`);
    }
  });

  it("leaves reads where they are when the device renews faster than it is read", () => {
    for (const meterMs of [1, 10, 20, 25]) {
      const { phase, movedMs } = follow({ cycleMs: 50, meterMs }, 5_000);
      assert.notEqual(phase.state, "locked", `${meterMs} ms`);
      assert.ok(Math.abs(movedMs) <= 61, "one search, no more");
    }
  });

  it("looks for no rhythm where there is none", () => {
    const phase = new FreshPhase(50);
    const random = seeded(9);
    for (let read = 0; read < 5_000; read += 1) {
      assert.equal(phase.note(random() < 0.5), 0);
      assert.equal(phase.state, "observing");
    }
  });

  it("lets go of a device that shows nothing new any more, and stays where it is", () => {
    const terms = { cycleMs: 50, meterMs: 50 };
    const before = follow(terms, 2_000);
    const { phase, movedMs } = follow({ ...terms, frozenFrom: 2_000 }, 4_000);
    assert.equal(phase.state, "observing");
    assert.ok(Math.abs(movedMs - before.movedMs) < 5, `${movedMs - before.movedMs} ms`);
  });

  it("goes on searching when what it had found does not happen a second time", () => {
    const phase = new FreshPhase(50);
    for (let read = 0; read < 80; read += 1) phase.note(true);
    phase.note(false);
    assert.equal(phase.state, "locked");
    const foundMs = phase.note(true);
    for (let read = 0; read < 110; read += 1) phase.note(true);
    assert.equal(phase.state, "searching");
    assert.ok(phase.note(true) < foundMs, "from where it is");
  });

  it("learns anew after an interruption while it did not know the place yet", () => {
    const phase = new FreshPhase(50);
    for (let read = 0; read < 70; read += 1) phase.note(true);
    assert.equal(phase.state, "searching");
    phase.interrupt();
    assert.equal(phase.state, "observing");
    assert.equal(phase.marginMs, undefined);
  });
});
