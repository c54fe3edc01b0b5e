import { strict as assert } from "node:assert";
import * as fc from "fast-check";
import type { Shares } from "../../src/control/share.ts";
import {
  createEnergyShare,
  ENERGY_SHARE_DEFAULTS,
  type EnergyShareSettings,
  selectUnits,
  shareByEnergy,
  unitsIn,
} from "../../src/control/share-energy.ts";

const MW = 1e6;
const CYCLE_S = 0.05;
const SOC = { minPercent: 10, maxPercent: 95, reservePercent: 30, resolutionPercent: 0.1 };

const sum = (column: Iterable<number>): number => [...column].reduce((a, b) => a + b, 0);

const near = (value: number, wanted: number, within: number): void => {
  assert.ok(Math.abs(value - wanted) <= within, `${value}, not ${wanted} ± ${within}`);
};

/** Batteries of 12 MW, cycle by cycle, as control asks them. */
class Site {
  readonly state;
  readonly shares: Shares;
  readonly switches: number[];
  leftW = 0;
  now = 0;
  readonly #members: readonly number[];

  constructor(socPercents: readonly number[], settings: Partial<EnergyShareSettings> = {}) {
    const count = socPercents.length;
    const units = socPercents.map(() => ({ soc: SOC }));
    this.state = createEnergyShare(units, { ...ENERGY_SHARE_DEFAULTS, ...settings });
    this.state.socPercents.set(socPercents);
    this.shares = {
      powersW: new Float64Array(count),
      lowsW: new Float64Array(count).fill(-12 * MW),
      highsW: new Float64Array(count).fill(12 * MW),
    };
    this.switches = socPercents.map(() => 0);
    this.#members = socPercents.map((_soc, place) => place);
  }

  limit(unit: number, lowW: number, highW: number): void {
    this.shares.lowsW[unit] = lowW;
    this.shares.highsW[unit] = highW;
  }

  /** Units that cannot move give what they count at; the others share the rest. */
  step(totalW: number): readonly number[] {
    const { shares, state } = this;
    this.now += CYCLE_S * 1_000;
    const { lowsW, highsW } = shares;
    for (let unit = 0; unit < this.#members.length; unit += 1)
      shares.powersW[unit] = Math.min(Math.max(0, lowsW[unit]!), highsW[unit]!);
    const amountW = totalW - sum(shares.powersW);
    const before = [...state.isIn];
    const sight = { now: this.now, elapsedS: CYCLE_S, amountW };
    selectUnits(state, shares, this.#members, sight);
    for (const [unit, was] of before.entries())
      if (state.isIn[unit] !== was) this.switches[unit]! += 1;
    this.leftW = shareByEnergy(state, shares, this.#members, amountW);
    return [...shares.powersW];
  }

  run(seconds: number, totalW: number | ((seconds: number) => number)): readonly number[] {
    let powersW: readonly number[] = [];
    for (let cycle = 0; cycle < seconds / CYCLE_S; cycle += 1)
      powersW = this.step(typeof totalW === "number" ? totalW : totalW(this.now / 1_000));
    return powersW;
  }

  get inCount(): number {
    return unitsIn(this.state, this.shares, this.#members);
  }
}

describe("share by energy", () => {
  it("takes most from the fullest", () => {
    // 50 and 10 points above the reserve.
    const [first = 0, second = 0] = new Site([80, 40]).step(12 * MW);
    near(first, 10 * MW, 1);
    near(second, 2 * MW, 1);
  });

  it("gives most to the emptiest", () => {
    const [first = 0, second = 0] = new Site([80, 35]).step(-7.5 * MW);
    near(first, -1.5 * MW, 1);
    near(second, -6 * MW, 1);
  });

  it("prefers the fuller one more with an exponent of 2", () => {
    const [first = 0, second = 0] = new Site([80, 40], { exponent: 2 }).step(10.4 * MW);
    near(first, 10 * MW, 1);
    near(second, 0.4 * MW, 1);
  });

  it("weighs by the limit of each unit as well", () => {
    const site = new Site([60, 60]);
    site.limit(1, -6 * MW, 6 * MW);
    const [first = 0, second = 0] = site.step(9 * MW);
    near(first, 6 * MW, 1);
    near(second, 3 * MW, 1);
  });

  it("gives what one cannot take to the others, and says what nobody can", () => {
    const site = new Site([90, 40]);
    assert.deepEqual(site.step(20 * MW), [12 * MW, 8 * MW]);
    assert.equal(site.leftW, 0);
    site.step(30 * MW);
    near(site.leftW, 6 * MW, 1);
    site.step(-30 * MW);
    near(site.leftW, -6 * MW, 1);
  });

  it("shares what one cannot take as the others are weighed", () => {
    const [first = 0, second = 0, third = 0] = new Site([90, 60, 40]).step(22 * MW);
    near(first, 12 * MW, 1);
    near(second, 7.5 * MW, 1);
    near(third, 2.5 * MW, 1);
  });

  it("asks an empty unit when there is no other, as far as its limits allow", () => {
    const site = new Site([30, 80]);
    assert.deepEqual(site.step(12 * MW), [0, 12 * MW]);
    assert.deepEqual(site.step(14 * MW), [2 * MW, 12 * MW]);
  });

  it("goes on with the last state of charge that was known", () => {
    const site = new Site([80, 40]);
    site.step(12 * MW);
    site.state.socPercents.fill(Number.NaN);
    near(site.step(12 * MW)[0]!, 10 * MW, 1);
    const never = new Site([Number.NaN, Number.NaN]);
    assert.deepEqual(never.step(12 * MW), [6 * MW, 6 * MW]);
  });

  it("brings states of charge together", () => {
    const site = new Site([80, 50]);
    const percentPerJ = 100 / (6 * 3.6e9);
    for (let minute = 0; minute < 20; minute += 1) {
      const powersW = site.run(1, 10 * MW);
      for (const [unit, powerW] of powersW.entries())
        site.state.socPercents[unit]! -= powerW * 60 * percentPerJ;
    }
    const [first = 0, second = 0] = site.state.socPercents;
    assert.ok(first - second < 8, `${first} and ${second} %`);
    assert.ok(second > 30);
  });
});

describe("units for a small power", () => {
  it("are few, after a while, and the fullest ones", () => {
    const site = new Site([60, 90, 70, 50]);
    const powersW = site.run(300, 3 * MW);
    near(powersW[1]!, 3 * MW, 1);
    assert.equal(site.inCount, 1);
    const taking = new Site([60, 90, 70, 50]);
    near(taking.run(300, -3 * MW)[3]!, -3 * MW, 1);
  });

  it("are all of them at once when the power grows", () => {
    const site = new Site([60, 60, 60, 60]);
    site.run(300, 3 * MW);
    assert.equal(site.inCount, 1);
    const powersW = site.step(40 * MW);
    near(sum(powersW), 40 * MW, 0.01);
    assert.equal(site.leftW, 0);
    site.run(70, 30 * MW);
    assert.equal(site.inCount, 4);
  });

  it("are in where those that are in would have too much to do", () => {
    const site = new Site([60, 60, 60, 60]);
    site.run(300, 3 * MW);
    for (const powerW of site.run(70, 30 * MW)) near(powerW, 7.5 * MW, 1);
  });

  it("are at least one, also for no power", () => {
    const site = new Site([60, 60]);
    site.run(10, 0);
    assert.equal(site.inCount, 1);
  });

  it("remember the largest power of the last while, in both directions", () => {
    for (const sign of [1, -1]) {
      const site = new Site([60, 60], { minimumMs: 200 });
      site.run(60, (seconds) => (seconds % 1 < 0.5 ? sign * 20 * MW : 0));
      assert.deepEqual(site.switches, [0, 0]);
    }
  });

  it("do not come and go with iterations of the load", () => {
    const site = new Site([60, 60, 60, 60]);
    site.run(600, (seconds) => (seconds % 1 < 0.5 ? 9 * MW : -9 * MW));
    assert.ok(sum(site.switches) <= 4, `${sum(site.switches)} switches`);
  });

  it("do not hunt where the power is just what brings one in", () => {
    const site = new Site([60, 60]);
    const edgeW = ENERGY_SHARE_DEFAULTS.inShare * 12 * MW;
    site.run(1_800, (seconds) => edgeW * (1 + 0.1 * Math.sin(seconds)));
    assert.ok(sum(site.switches) <= 2, `${sum(site.switches)} switches`);
  });

  it("change hands slowly", () => {
    const site = new Site([60, 60]);
    let before = site.step(4 * MW);
    let most = 0;
    for (let cycle = 0; cycle < 6_000; cycle += 1) {
      const powersW = site.step(4 * MW);
      most = Math.max(most, Math.abs(powersW[0]! - before[0]!));
      before = powersW;
    }
    assert.equal(site.inCount, 1);
    // Two seconds for its half of the power; the last part of the way is the steepest.
    assert.ok(most > 0 && most <= (4 * MW * CYCLE_S) / ENERGY_SHARE_DEFAULTS.fadeS, `${most} W`);
  });

  it("do not change when one must stay for its time", () => {
    const site = new Site([60, 60], { memoryS: 0.1 });
    site.run(30, 20 * MW);
    site.run(600, (seconds) => (seconds % 40 < 20 ? 20 * MW : 0.1 * MW));
    const most = 630_000 / ENERGY_SHARE_DEFAULTS.minimumMs + 1;
    for (const count of site.switches) assert.ok(count <= most);
  });
});

describe("a unit that is lost", () => {
  it("is made up for in the same cycle when it reports a trip", () => {
    const site = new Site([60, 60, 60, 60]);
    for (let unit = 0; unit < 4; unit += 1) site.limit(unit, -55 * MW, 55 * MW);
    for (const powerW of site.step(150 * MW)) near(powerW, 37.5 * MW, 1);
    site.limit(0, 0, 0);
    assert.deepEqual(site.step(150 * MW), [0, 50 * MW, 50 * MW, 50 * MW]);
    near(site.step(170 * MW)[1]!, 55 * MW, 1);
    near(site.leftW, 5 * MW, 1);
  });

  it("counts at its power while it is silent, and the others do not double it", () => {
    const site = new Site([60, 60, 60, 60]);
    for (let unit = 0; unit < 4; unit += 1) site.limit(unit, -55 * MW, 55 * MW);
    site.step(150 * MW);
    site.limit(0, 37.5 * MW, 37.5 * MW);
    for (const powerW of site.step(150 * MW)) near(powerW, 37.5 * MW, 1);
    // It reverts: the others follow what it gives up, no faster.
    site.limit(0, 7.5 * MW, 7.5 * MW);
    near(site.step(150 * MW)[1]!, 47.5 * MW, 1);
  });

  it("is made up for by one that stands by", () => {
    const site = new Site([90, 60]);
    site.run(300, 4 * MW);
    assert.deepEqual([...site.state.isIn], [1, 0]);
    site.limit(0, 0, 0);
    const powersW = site.step(4 * MW);
    near(powersW[1]!, 4 * MW, 1);
    assert.equal(site.leftW, 0);
  });

  it("neither comes nor goes while it is lost", () => {
    const site = new Site([60, 50, 40]);
    site.limit(2, 0, 0);
    site.run(10, 10 * MW);
    assert.deepEqual([...site.state.isIn], [1, 1, 1]);
  });

  it("comes back without a step", () => {
    const site = new Site([60, 60]);
    site.step(20 * MW);
    site.limit(0, 0, 0);
    site.run(5, 10 * MW);
    site.limit(0, -12 * MW, 12 * MW);
    assert.ok(site.step(10 * MW)[0]! < 0.6 * MW);
    near(site.run(3, 10 * MW)[0]!, 5 * MW, 1);
  });
});

describe("any share by energy", () => {
  const unit = fc.record({
    soc: fc.double({ min: 0, max: 100, noNaN: true }),
    high: fc.integer({ min: 0, max: 12_000_000 }),
    low: fc.integer({ min: -12_000_000, max: 0 }),
    start: fc.double({ min: 0, max: 1, noNaN: true }),
    isIn: fc.boolean(),
    engaged: fc.double({ min: 0, max: 1, noNaN: true }),
  });

  it("is exact, keeps the limits and moves no unit against the sign", () => {
    fc.assert(
      fc.property(
        fc.array(unit, { minLength: 1, maxLength: 8 }),
        fc.integer({ min: -60_000_000, max: 60_000_000 }),
        fc.double({ min: 1, max: 2, noNaN: true }),
        (units, amountW, exponent) => {
          const site = new Site(
            units.map(({ soc }) => soc),
            { exponent },
          );
          const { state, shares } = site;
          for (const [place, { low, high, start, isIn, engaged }] of units.entries()) {
            site.limit(place, low, high);
            shares.powersW[place] = low + (high - low) * start;
            state.isIn[place] = isIn ? 1 : 0;
            state.engaged[place] = engaged;
          }
          const members = units.map((_unit, place) => place);
          const starts = [...shares.powersW];
          selectUnits(state, shares, members, { now: 0, elapsedS: CYCLE_S, amountW });
          const leftW = shareByEnergy(state, shares, members, amountW);
          near(sum(shares.powersW) - sum(starts), amountW - leftW, 0.01);
          let roomW = 0;
          for (const [place, powerW] of shares.powersW.entries()) {
            const { low, high } = units[place]!;
            assert.ok(powerW >= low - 1e-6 && powerW <= high + 1e-6);
            assert.ok((powerW - starts[place]!) * amountW >= 0);
            roomW += amountW > 0 ? high - starts[place]! : starts[place]! - low;
          }
          near(Math.abs(leftW), Math.max(Math.abs(amountW) - roomW, 0), 0.01);
        },
      ),
    );
  });

  it("keeps the total through every switch, and the pace of switches", () => {
    const act = fc.record({
      totalW: fc.integer({ min: -48_000_000, max: 48_000_000 }),
      seconds: fc.integer({ min: 1, max: 90 }),
      lost: fc.integer({ min: -4, max: 3 }),
    });
    let switched = 0;
    fc.assert(
      fc.property(fc.array(act, { minLength: 3, maxLength: 12 }), (acts) => {
        const settings = { minimumMs: 5_000, memoryS: 5 };
        const site = new Site([50, 60, 70, 80], settings);
        let seconds = 0;
        for (const { totalW, seconds: lasts, lost } of acts) {
          for (let place = 0; place < 4; place += 1) {
            const ratingW = place === lost ? 0 : 12 * MW;
            site.limit(place, -ratingW, ratingW);
          }
          const mostW = sum(site.shares.highsW);
          for (let cycle = 0; cycle < lasts / CYCLE_S; cycle += 1) {
            const powersW = site.step(totalW);
            near(sum(powersW), Math.min(Math.max(totalW, -mostW), mostW), 0.01);
          }
          seconds += lasts;
        }
        for (const count of site.switches)
          assert.ok(count <= (seconds * 1_000) / settings.minimumMs + 1);
        switched += sum(site.switches);
      }),
      { numRuns: 12 },
    );
    assert.ok(switched > 0);
  });

  it("asserts that its settings leave a dead band and its amount is a number", () => {
    const wrong = { name: "AssertionError" };
    assert.throws(() => new Site([50], { outShare: 0.8 }), wrong);
    assert.throws(() => new Site([50], { exponent: 3 }), wrong);
    assert.throws(() => new Site([50], { minimumMs: 0 }), wrong);
    const { state, shares } = new Site([50]);
    assert.throws(() => shareByEnergy(state, shares, [0], Number.NaN), wrong);
  });
});
