import { strict as assert } from "node:assert";
import { MW, STATE_FAULT, STATE_RUNNING, testPlan, unitPoints } from "../support/plant-plan.ts";
import { seeded } from "../support/plant-random.ts";
import { PlantSite, pressEmergencyStop, type SeenCycle } from "../support/plant-site.ts";

const RAMP_W_PER_S = 0.5 * MW;
const CAP_W = 20 * MW;
const RATING_W = 12 * MW;

const pinned = process.env["SIM_SEED"];
const seeds =
  pinned === undefined
    ? Array.from({ length: Number(process.env["SIM_SEEDS"] ?? 16) }, (_, seed) => seed + 1)
    : [Number(pinned)];

/** Decides from a seed what goes wrong, and looks at every cycle. */
class World {
  readonly site: PlantSite;
  readonly #random: () => number;
  readonly #isFirstWrite: boolean[] = [];
  #heals: { at: number; heal: () => void }[] = [];
  #before: SeenCycle | undefined;
  #wasReturning = false;
  cycles = 0;

  constructor(seed: number) {
    this.#random = seeded(seed);
    this.site = new PlantSite({
      plan: testPlan({ peakCapW: CAP_W, rampWPerS: RAMP_W_PER_S }),
      seed,
      lossRate: this.#random() * 0.05,
      latenessMs: 30,
      batteriesW: this.#random() < 0.5 ? 0 : 20 * MW,
      meterFrozenAfterMs: 2_500,
    });
    this.#restarted();
    this.site.training = (ms) => this.#training(ms);
    this.site.onCycle.push((result) => {
      this.#check(result);
    });
  }

  #training(ms: number): number {
    const noiseW = 40_000 * Math.sin(ms * 1.3) * Math.sin(ms * 0.37);
    const job = Math.floor(ms / 20_000) % 3;
    if (job === 0) return (ms % 1_000 < 500 ? 20 : 10) * MW + noiseW;
    return (job === 1 ? 20 : 4) * MW + noiseW;
  }

  run(ms: number): void {
    for (const end = this.site.nowMs + ms; this.site.nowMs < end;) {
      this.#maybeFault();
      this.site.run(100);
      const due = this.#heals.filter(({ at }) => at <= this.site.nowMs);
      this.#heals = this.#heals.filter(({ at }) => at > this.site.nowMs);
      for (const { heal } of due) heal();
    }
  }

  healAll(): void {
    for (const { heal } of this.#heals) heal();
    this.#heals = [];
    for (const unit of this.site.units) {
      pressEmergencyStop(unit, false);
      unit.state = STATE_RUNNING;
    }
  }

  #maybeFault(): void {
    if (this.#random() > 0.03) return;
    const { site } = this;
    const unit = site.units[Math.floor(this.#random() * site.units.length)]!;
    const lastsMs = this.#random() * 8_000;
    const faults: readonly (() => () => void)[] = [
      () => ((site.isMeterFrozen = true), () => (site.isMeterFrozen = false)),
      () => ((site.isMeterCut = true), () => (site.isMeterCut = false)),
      () => ((site.areFeedersCut = true), () => (site.areFeedersCut = false)),
      () => ((site.isTrainFrozen = true), () => (site.isTrainFrozen = false)),
      () => ((unit.isCut = true), () => (unit.isCut = false)),
      () => ((unit.ignores = true), () => (unit.ignores = false)),
      () => ((unit.refuses = true), () => (unit.refuses = false)),
      () => ((unit.state = STATE_FAULT), () => (unit.state = STATE_RUNNING)),
      () => this.#press(unit),
      () => this.#kill(),
      () => this.#command(),
      () => this.#command(),
    ];
    const heal = faults[Math.floor(this.#random() * faults.length)]!();
    this.#heals.push({ at: site.nowMs + lastsMs, heal });
  }

  #press(unit: PlantSite["units"][number]): () => void {
    pressEmergencyStop(unit, true);
    return () => {
      pressEmergencyStop(unit, false);
      this.site.run(500);
      this.site.order({ kind: "reset", trip: "all", by: "seed" });
    };
  }

  #kill(): () => void {
    this.site.isControlDead = true;
    return () => {
      if (!this.site.isControlDead) return;
      this.site.restartControl();
      this.#restarted();
    };
  }

  #command(): () => void {
    const assets = ["battery", "bess-1", "bess-2"];
    const powerW = (this.#random() * 2 - 1) * 30 * MW;
    const action =
      this.#random() < 0.2
        ? ({ kind: "release" } as const)
        : ({ kind: "set-power", powerW, rampWPerS: undefined } as const);
    this.site.command({
      id: `c-${this.site.nowMs}`,
      asset: assets[Math.floor(this.#random() * assets.length)]!,
      priority: 4 + Math.floor(this.#random() * 4),
      leaseMs: 1 + this.#random() * 10_000,
      action,
    });
    return () => undefined;
  }

  #restarted(): void {
    this.site.units.forEach((_unit, place) => (this.#isFirstWrite[place] = true));
    this.#before = undefined;
  }

  #check(result: SeenCycle): void {
    this.cycles += 1;
    const where = `at ${this.site.nowMs} ms`;
    for (const [place, unit] of result.status.units.entries()) {
      const points = unitPoints(place);
      const [write] = result.writes.filter((found) => found.point === points.setpoint);
      if (write === undefined) continue;
      assert.ok(Math.abs(write.value) <= RATING_W, `beyond the rating ${where}`);
      assert.ok(
        unit.mode !== "silent" && unit.mode !== "unknown",
        `a setpoint to a unit that is not heard ${where}`,
      );
      if (unit.mode === "tripped" || unit.mode === "faulted")
        assert.equal(write.value, 0, `power from a stopped unit ${where}`);
      if (this.#isFirstWrite[place] === true && !write.isProtective && unit.mode === "starting")
        assert.equal(write.value, unit.powerW, `the first write is not what is measured ${where}`);
      this.#isFirstWrite[place] = false;
    }
    this.#checkStep(result, where);
    this.#before = result;
    this.#wasReturning = this.site.control.total.returning !== undefined;
  }

  /** What control moves by itself, without cap, limits, starts and faults, goes at the ramp. */
  #checkStep(result: SeenCycle, where: string): void {
    const before = this.#before;
    const isReturning = this.site.control.total.returning !== undefined;
    if (before === undefined) return;
    const isFree = (one: SeenCycle) =>
      (one.status.bindingLevel === "schedule" || one.status.bindingLevel === "blind") &&
      one.status.units.every((unit) => unit.mode === "ready");
    if (!isFree(result) || !isFree(before)) return;
    if (result.status.bindingLevel !== before.status.bindingLevel) return;
    if (isReturning || this.#wasReturning) return;
    const stepW = Math.abs(result.status.totalW - before.status.totalW);
    assert.ok(stepW <= RAMP_W_PER_S * 0.05 + 1, `a step of ${stepW} W ${where}`);
  }
}

describe("simulation: control among faults", function () {
  this.timeout(60_000);
  for (const seed of seeds) {
    it(`is safe in every cycle and recovers when the faults end (SIM_SEED=${seed})`, () => {
      const world = new World(seed);
      const { site } = world;
      world.run(40_000);
      world.healAll();
      site.run(500);
      site.order({ kind: "reset", trip: "all", by: "seed" });
      site.training = (ms) => 20 * MW + 40_000 * Math.sin(ms * 1.3);
      site.run(20_000);
      assert.ok(world.cycles > 800);
      assert.equal(site.last?.status.source, "meter");
      assert.deepEqual(
        site.last.status.units.map((unit) => unit.mode),
        ["ready", "ready"],
      );
      assert.deepEqual(site.last.distrusted, []);
      assert.ok(site.gridW <= CAP_W + 0.1 * MW, `import settled at ${site.gridW} W`);
      const ends = new Map<string, number>();
      for (const step of site.steps)
        ends.set(step.commandId, (ends.get(step.commandId) ?? 0) + (step.final ? 1 : 0));
      for (const [id, count] of ends) assert.ok(count <= 1, `${id} ended ${count} times`);
    });
  }
});
