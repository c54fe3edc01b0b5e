import { strict as assert } from "node:assert";
import {
  createRideThrough,
  isMeterVoid,
  observeGridLoss,
  rideThroughRule,
} from "../../src/control/ride-through.ts";
import { qualityCode } from "../../src/domain/quality.ts";
import { monotonicMs } from "../../src/domain/time.ts";
import { PointImage } from "../../src/points/image.ts";
import {
  BREAKER_OPEN,
  NOMINAL_V,
  pointCountOf,
  testPlan,
  testRideThrough,
  VOLTAGE,
} from "../support/plant-plan.ts";
import { readingOf } from "../support/plant-reading.ts";

const CYCLE_MS = 50;
const NO_COMMUNICATION = qualityCode("no-communication");

/** A grid whose voltage and breaker a test says, read in every cycle. */
class Grid {
  voltagePu = 1;
  breaker: 0 | 1 | "lost" = 0;
  now = 1_000;
  readonly #image = new PointImage(pointCountOf(2));
  readonly #state;

  constructor(carries = false) {
    const plan = testPlan({ rideThrough: testRideThrough({ carries }) });
    const state = createRideThrough(plan);
    assert.ok(state !== undefined);
    this.#state = state;
  }

  /** @returns what is believed after so much time: presence, rule, and whether the meter is void */
  run(ms: number): readonly [string, string, boolean] {
    for (const endMs = this.now + ms; this.now < endMs;) {
      this.now += CYCLE_MS;
      const at = { at: this.now };
      this.#image.post(readingOf({ [VOLTAGE]: this.voltagePu * NOMINAL_V }, at));
      const { breaker } = this;
      if (breaker === "lost") {
        const lost = { ...at, quality: NO_COMMUNICATION };
        this.#image.post(readingOf({ [BREAKER_OPEN]: Number.NaN }, lost));
      } else this.#image.post(readingOf({ [BREAKER_OPEN]: breaker }, at));
      this.#image.take();
      observeGridLoss(this.#state, { view: this.#image.view, now: monotonicMs(this.now) });
    }
    return [this.#state.presence, rideThroughRule(this.#state), isMeterVoid(this.#state)];
  }
}

describe("loss of the grid", () => {
  it("is doubted in a dip, and then everything is held", () => {
    const grid = new Grid();
    assert.deepEqual(grid.run(200), ["present", "none", false]);
    grid.voltagePu = 0.1;
    assert.deepEqual(grid.run(450), ["doubtful", "held", true]);
    grid.voltagePu = 1;
    assert.deepEqual(grid.run(CYCLE_MS), ["present", "none", false]);
  });

  it("is one when the dip lasts, or when the breaker says so", () => {
    for (const [carries, rule] of [
      [false, "stop"],
      [true, "carry"],
    ] as const) {
      const dark = new Grid(carries);
      dark.run(200);
      dark.voltagePu = 0.1;
      assert.deepEqual(dark.run(600), ["lost", rule, true]);
      const open = new Grid(carries);
      open.run(200);
      open.breaker = 1;
      assert.deepEqual(open.run(CYCLE_MS), ["lost", rule, true]);
    }
  });

  it("is not begun by a breaker that cannot be read, and not ended by it", () => {
    const grid = new Grid();
    grid.run(200);
    grid.breaker = "lost";
    assert.equal(grid.run(5_000)[0], "present");
    grid.breaker = 1;
    grid.run(200);
    grid.breaker = "lost";
    assert.deepEqual(grid.run(60_000), ["lost", "stop", true]);
    grid.breaker = 0;
    assert.deepEqual(grid.run(5_000), ["returning", "stop", false]);
    grid.breaker = "lost";
    assert.equal(grid.run(CYCLE_MS)[0], "lost");
    grid.breaker = 0;
    assert.equal(grid.run(9_900)[0], "returning", "its time begins anew");
    assert.deepEqual(grid.run(300), ["present", "none", false]);
  });
});
