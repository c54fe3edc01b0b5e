import { strict as assert } from "node:assert";
import * as fc from "fast-check";
import {
  createReactive,
  REACTIVE_DEFAULTS,
  reactiveOut,
  type ReactiveInputs,
  type ReactiveState,
  restOfCircle,
  stepReactive,
} from "../../src/control/reactive.ts";

const M = 1e6;

class Converters {
  readonly out = reactiveOut();
  readonly #state: ReactiveState = createReactive(REACTIVE_DEFAULTS);
  #now = 0;

  step(voltagePu: number, changes: Partial<ReactiveInputs> = {}, ms = 50): typeof this.out {
    this.#now += ms;
    const asked = { activeW: 200 * M, reactiveVar: 100 * M, apparentVa: 220 * M };
    stepReactive(this.#state, { now: this.#now, voltagePu, ...asked, ...changes }, this.out);
    return this.out;
  }
}

const mega = (value: number): number => Math.round(value / 1e5) / 10;

describe("active and reactive power", () => {
  it("leaves the rest of the circle to reactive power while the voltage is normal", () => {
    const { activeW, reactiveVar, priority, ...limited } = new Converters().step(1);
    assert.deepEqual([mega(activeW), mega(reactiveVar), priority], [200, 91.7, "active"]);
    assert.deepEqual([limited.isActiveLimited, limited.isReactiveLimited], [false, true]);
  });

  for (const voltagePu of [0.85, 0.899, 1.101, 0])
    it(`gives reactive power the priority at ${voltagePu} pu, at once`, () => {
      const converters = new Converters();
      converters.step(1);
      const { activeW, reactiveVar, priority, isNews, ...limited } = converters.step(voltagePu);
      assert.deepEqual([mega(activeW), mega(reactiveVar), priority], [196, 100, "reactive"]);
      assert.equal(isNews, true);
      assert.deepEqual([limited.isActiveLimited, limited.isReactiveLimited], [true, false]);
    });

  it("keeps the signs of what is asked for", () => {
    const converters = new Converters();
    converters.step(1, { activeW: -200 * M, reactiveVar: -100 * M });
    assert.deepEqual(
      [mega(converters.out.activeW), mega(converters.out.reactiveVar)],
      [-200, -91.7],
    );
    converters.step(0.8, { activeW: -200 * M, reactiveVar: -100 * M });
    assert.deepEqual(
      [mega(converters.out.activeW), mega(converters.out.reactiveVar)],
      [-196, -100],
    );
  });

  it("limits nothing that fits", () => {
    const asked = { activeW: 100 * M, reactiveVar: -100 * M };
    const { isActiveLimited, isReactiveLimited, activeW, reactiveVar } = new Converters().step(
      1,
      asked,
    );
    assert.deepEqual({ activeW, reactiveVar }, asked);
    assert.deepEqual([isActiveLimited, isReactiveLimited], [false, false]);
  });

  it("ends an event only well inside the band, and after its hold time", () => {
    const converters = new Converters();
    converters.step(0.85);
    for (let cycle = 0; cycle < 100; cycle += 1) converters.step(0.91);
    assert.equal(converters.out.priority, "reactive", "between the edge and the hysteresis");
    for (let cycle = 0; cycle < 9; cycle += 1) converters.step(0.93);
    assert.equal(converters.out.priority, "reactive", "before the hold time");
    converters.step(0.93);
    assert.deepEqual([converters.out.priority, converters.out.isNews], ["active", true]);
    converters.step(0.91);
    assert.deepEqual([converters.out.priority, converters.out.isNews], ["active", false]);
  });

  it("takes the upper edge as the lower one", () => {
    const converters = new Converters();
    converters.step(1.15);
    for (let cycle = 0; cycle < 100; cycle += 1) converters.step(1.09);
    assert.equal(converters.out.priority, "reactive");
    for (let cycle = 0; cycle < 10; cycle += 1) converters.step(1.07);
    assert.equal(converters.out.priority, "active");
  });

  it("leaves nothing of the circle beside more than all of it", () => {
    assert.deepEqual([restOfCircle(3, 4), restOfCircle(5, -4)], [0, 3]);
  });

  it("begins the hold time anew when the voltage leaves again", () => {
    const converters = new Converters();
    converters.step(1.2);
    for (let cycle = 0; cycle < 50; cycle += 1) converters.step(cycle % 9 === 8 ? 1.2 : 1);
    assert.equal(converters.out.priority, "reactive");
  });

  it("neither begins an event without a voltage nor keeps one for ever", () => {
    const converters = new Converters();
    assert.equal(converters.step(Number.NaN).priority, "active");
    converters.step(0.85);
    assert.equal(converters.step(Number.NaN).priority, "reactive");
    assert.equal(converters.step(Number.NaN, {}, 500).priority, "active");
  });

  it("stops at what the grid code asks for in an event", () => {
    const state = createReactive({ ...REACTIVE_DEFAULTS, eventShare: 0.3 });
    const out = reactiveOut();
    const asked = { activeW: 220 * M, reactiveVar: 100 * M, apparentVa: 220 * M };
    stepReactive(state, { now: 0, voltagePu: 0.85, ...asked }, out);
    assert.equal(mega(out.reactiveVar), 66);
    assert.equal(mega(out.activeW), 209.9);
    assert.equal(out.isReactiveLimited, true);
  });

  it("stays in the circle and never exceeds what is asked for", () => {
    const power = fc.integer({ min: -400, max: 400 });
    fc.assert(
      fc.property(
        power,
        power,
        fc.integer({ min: 0, max: 300 }),
        fc.double({ min: 0.5, max: 1.5, noNaN: true }),
        (active, reactive, apparent, voltagePu) => {
          const asked = { activeW: active * M, reactiveVar: reactive * M };
          const apparentVa = apparent * M;
          const out = new Converters().step(voltagePu, { ...asked, apparentVa });
          assert.ok(Math.hypot(out.activeW, out.reactiveVar) <= apparentVa * (1 + 1e-9) + 1);
          assert.ok(Math.abs(out.activeW) <= Math.abs(asked.activeW));
          assert.ok(Math.abs(out.reactiveVar) <= Math.abs(asked.reactiveVar));
          assert.ok(out.activeW * asked.activeW >= 0 && out.reactiveVar * asked.reactiveVar >= 0);
        },
      ),
    );
  });

  it("asserts that its settings have a band and its powers are numbers", () => {
    const wrong = { name: "AssertionError" };
    assert.throws(() => createReactive({ ...REACTIVE_DEFAULTS, hysteresisPu: 0.1 }), wrong);
    assert.throws(() => createReactive({ ...REACTIVE_DEFAULTS, eventShare: 1.1 }), wrong);
    assert.throws(() => new Converters().step(1, { activeW: Number.NaN }), wrong);
    assert.throws(() => new Converters().step(1, { apparentVa: -1 }), wrong);
  });
});
