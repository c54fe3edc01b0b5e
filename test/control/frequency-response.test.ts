import { strict as assert } from "node:assert";
import { openBox, resetBox } from "../../src/control/arbitration.ts";
import {
  createFrequencyResponse,
  frequencyInputs,
  frequencyOut,
  type FrequencySettings,
  keepFrequencyReserve,
  stepFrequencyResponse,
} from "../../src/control/frequency-response.ts";
import { droopShape } from "../../src/control/frequency-shape.ts";
import { monotonicMs } from "../../src/domain/time.ts";
import { SimClock } from "../support/sim-clock.ts";

const MW = 1e6;
const CYCLE_MS = 50;

const FCR: FrequencySettings = {
  reading: {
    nominalHz: 50,
    lowHz: 45,
    highHz: 55,
    maxRateHzPerS: 4,
    noiseHz: 0.02,
    confirmMs: 200,
    filterMs: 50,
  },
  shape: droopShape({ deadBandHz: 0.01, fullAtHz: 0.2, direction: "both" }),
  dischargeW: 2 * MW,
  chargeW: 2 * MW,
  fullInMs: 500,
  holdMs: 1_000,
  releaseWPerS: 0.5 * MW,
  sustainS: 900,
  restoreS: 7_200,
  dischargeEfficiency: 0.95,
  chargeEfficiency: 0.95,
};

/** The grid's frequency over time, Hz; NaN: no reading. */
type Grid = (seconds: number) => number;

/** A response behind a meter that shows a new value each cycle, in virtual time. */
class Site {
  readonly clock = new SimClock();
  readonly inputs = frequencyInputs(monotonicMs(0));
  readonly out = frequencyOut();
  readonly duties: number[] = [];
  readonly changes: string[] = [];
  readonly #state;
  readonly #grid: Grid;

  constructor(grid: Grid, changes: Partial<FrequencySettings> = {}) {
    this.#grid = grid;
    this.inputs.boxLowW = -24 * MW;
    this.inputs.boxHighW = 24 * MW;
    this.#state = createFrequencyResponse({ ...FCR, ...changes }, this.clock.now());
  }

  get seconds(): number {
    return this.clock.now() / 1_000;
  }

  async run(seconds: number, each: () => void = () => undefined): Promise<void> {
    for (let cycle = 0; cycle < (seconds * 1_000) / CYCLE_MS; cycle += 1) {
      await this.clock.advance(CYCLE_MS);
      const { inputs, out } = this;
      inputs.now = this.clock.now();
      inputs.frequencyHz = this.#grid(this.seconds);
      inputs.receivedAt = inputs.now;
      stepFrequencyResponse(this.#state, inputs, out);
      this.duties.push(out.dutyW);
      if (out.change !== "none") this.changes.push(`${out.change} ${this.seconds.toFixed(2)}`);
      each();
    }
  }
}

/** 50 Hz, then at `from` to 49.5 Hz at −0.25 Hz/s, 30 s there, and back in 20 s. */
function dip(fromS: number): Grid {
  return (seconds) => {
    const t = seconds - fromS;
    if (t < 0 || t > 52) return 50;
    if (t < 2) return 50 - 0.25 * t;
    return t < 32 ? 49.5 : 49.5 + 0.025 * (t - 32);
  };
}

function largestStep(values: readonly number[]): number {
  let most = 0;
  for (let place = 1; place < values.length; place += 1)
    most = Math.max(most, Math.abs(values[place]! - values[place - 1]!));
  return most;
}

const near = (value: number, wanted: number, within: number): void => {
  assert.ok(Math.abs(value - wanted) <= within, `${value}, not ${wanted} ± ${within}`);
};

describe("frequency response", () => {
  it("answers a fall to 49.5 Hz in time, and lets go when it is back", async () => {
    const site = new Site(dip(10));
    let startedS = Number.NaN;
    let fullS = Number.NaN;
    await site.run(80, () => {
      if (Number.isNaN(startedS) && site.out.dutyW > 0) startedS = site.seconds;
      if (Number.isNaN(fullS) && site.out.dutyW >= 1.95 * MW) fullS = site.seconds;
    });
    const deadBandLeftS = 10 + 0.01 / 0.25;
    const fullDeviationS = 10 + 0.2 / 0.25;
    assert.ok(startedS - deadBandLeftS <= 0.5, `started after ${startedS - deadBandLeftS} s`);
    assert.ok(fullS - fullDeviationS <= 1, `full after ${fullS - fullDeviationS} s`);
    // And it stays what was promised for as long as the deviation does.
    const held = site.duties.slice(12 * 20, 50 * 20);
    for (const dutyW of held) near(dutyW, 2 * MW, 0.05 * MW);
    near(site.out.dutyW, 0, 1e-6);
    near(site.out.givenJ / MW, 2 * (30 + 1.2 + 12) + 1 * (0.76 + 7.6), 3);
    assert.equal(site.changes.length, 2);
    const [activated = "", ended = ""] = site.changes;
    assert.match(activated, /^activated 10\./);
    assert.match(ended, /^ended 6[67]\./);
    near(site.out.activeS, 52 + 5, 1);
  });

  it("answers a sudden fall within half a second to begin and one to be full", async () => {
    for (const fallHz of [0.06, 0.2, 1]) {
      const site = new Site((seconds) => (seconds < 5 ? 50 : 50 - fallHz));
      await site.run(5);
      await site.run(0.5);
      assert.ok(site.out.dutyW > 0, `nothing yet at a fall of ${fallHz} Hz`);
      await site.run(0.5);
      const wantedW = 2 * MW * Math.min((fallHz - 0.01) / 0.19, 1);
      near(site.out.dutyW, wantedW, 0.05 * MW);
      // The slope is the promised one, not a blow to the converters.
      assert.ok(largestStep(site.duties) <= (2 * MW * CYCLE_MS) / FCR.fullInMs + 1e-6);
    }
  });

  it("charges at high frequency", async () => {
    const site = new Site(() => 50.105);
    await site.run(3);
    near(site.out.dutyW, -1 * MW, 1_000);
  });

  it("does nothing inside the dead band", async () => {
    const site = new Site((seconds) => 50 + 0.009 * Math.sin(seconds));
    await site.run(60);
    assert.ok(site.duties.every((dutyW) => dutyW === 0));
    assert.deepEqual(site.changes, []);
  });

  it("filters what is faster than a tenth of a second", async () => {
    let sign = 1;
    const site = new Site(() => 50.05 + 0.01 * (sign = -sign), { fullInMs: 100 });
    await site.run(10);
    const late = site.duties.slice(-100);
    const raw = (2 * MW * 0.02) / 0.19;
    const swing = Math.max(...late) - Math.min(...late);
    assert.ok(swing < 0.65 * raw && swing > 0, `${swing} of ${raw} W`);
  });

  for (const [wrongHz, verdict] of [
    [Number.NaN, "missing"],
    [40, "outside"],
    [44.99, "outside"],
    [Infinity, "outside"],
    [-50, "outside"],
    [49, "too-fast"],
  ] as const)
    it(`moves no power for a reading of ${wrongHz} Hz between good ones`, async () => {
      const grid: Grid = (seconds) => (Math.abs(seconds - 5) < 0.026 ? wrongHz : 49.9);
      const site = new Site(grid);
      const before = new Site(() => 49.9);
      let seen = "";
      await site.run(10, () => {
        if (site.out.verdict !== "good" && site.seconds > 1) seen = site.out.verdict;
      });
      await before.run(10);
      assert.equal(seen, verdict);
      for (const [cycle, dutyW] of site.duties.entries()) near(dutyW, before.duties[cycle]!, 1e-3);
    });

  it("moves no power for a wrong first reading", async () => {
    const site = new Site((seconds) => (seconds < 0.075 ? 48 : 50));
    await site.run(5);
    assert.ok(site.duties.every((dutyW) => dutyW === 0));
    const never = new Site(() => Number.NaN);
    await never.run(5);
    assert.ok(never.duties.every((dutyW) => dutyW === 0));
    assert.equal(never.out.mode, "inactive");
  });

  it("moves no power for a wrong first reading after a loss", async () => {
    const isLost = (seconds: number): boolean => seconds > 5 && seconds < 15;
    const site = new Site((seconds) => {
      if (isLost(seconds)) return Number.NaN;
      return seconds < 15.075 ? 50 - 0.5 * Number(seconds > 10) : 50;
    });
    await site.run(20);
    assert.ok(site.duties.every((dutyW) => dutyW === 0));
  });

  it("believes a sudden change when the readings agree on it, and no random ones", async () => {
    const site = new Site((seconds) => (seconds < 5 ? 50 : 49));
    await site.run(5.15);
    assert.equal(site.out.verdict, "too-fast");
    await site.run(0.2);
    assert.equal(site.out.verdict, "good");
    let turn = 0;
    const wild = new Site((seconds) => (seconds < 5 ? 50 : 47 + ((turn += 1) % 3)));
    await wild.run(20);
    assert.ok(wild.duties.every((dutyW) => dutyW === 0));
  });

  it("does not take a reading for a new one that it has seen before", () => {
    const state = createFrequencyResponse(FCR, monotonicMs(0));
    const inputs = { ...frequencyInputs(monotonicMs(0)), boxLowW: -MW, boxHighW: MW };
    const out = frequencyOut();
    for (let now = 0; now < 1_000; now += CYCLE_MS)
      stepFrequencyResponse(
        state,
        { ...inputs, now: monotonicMs(now), frequencyHz: 49, receivedAt: 0 },
        out,
      );
    assert.equal(out.verdict, "too-fast", "one reading confirms itself");
    assert.equal(state.reading.tooFastCount, 1);
  });

  it("holds the power for a second without a frequency, then lets it go by its ramp", async () => {
    const grid: Grid = (seconds) => (seconds > 5 && seconds < 15 ? Number.NaN : 49.8);
    const site = new Site(grid);
    await site.run(5);
    near(site.out.dutyW, 2 * MW, 1_000);
    await site.run(0.9);
    near(site.out.dutyW, 2 * MW, 1_000);
    assert.equal(site.out.mode, "holding");
    await site.run(2.1);
    assert.equal(site.out.mode, "releasing");
    near(site.out.dutyW, 1 * MW, 0.06 * MW);
    await site.run(3);
    assert.deepEqual([site.out.dutyW, site.out.mode], [0, "inactive"]);
    const released = site.duties.slice(100);
    assert.ok(largestStep(released) <= (0.5 * MW * CYCLE_MS) / 1_000 + 1e-6);
    await site.run(6);
    near(site.out.dutyW, 2 * MW, 1_000);
    assert.ok(largestStep(site.duties) <= (2 * MW * CYCLE_MS) / FCR.fullInMs + 1e-6);
  });

  it("gives what the levels above leave, and says what is short", async () => {
    const site = new Site(() => 49.8);
    site.inputs.boxHighW = 1.5 * MW;
    await site.run(5);
    near(site.out.dutyW, 1.5 * MW, 1);
    assert.ok(site.out.shortW > 0);
    site.inputs.boxHighW = -3 * MW;
    await site.run(CYCLE_MS / 1_000);
    assert.equal(site.out.dutyW, 0, "a ceiling below zero is none of its business");
  });

  it("tells an answer once, though the frequency swings about the dead band", async () => {
    const site = new Site((seconds) => 49.985 + 0.01 * Math.sin(2 * Math.PI * seconds));
    await site.run(60);
    assert.deepEqual(
      site.changes.map((change) => change.split(" ")[0]),
      ["activated"],
    );
  });

  it("keeps energy and room for its time, and asks what was used back slowly", async () => {
    const site = new Site((seconds) => (seconds < 100 ? 49.8 : 50));
    await site.run(0.05);
    near(site.out.reserveEnergyJ, (2 * MW * 900) / 0.95, 1);
    near(site.out.reserveRoomJ, 2 * MW * 900 * 0.95, 1);
    await site.run(110);
    near(site.out.reserveEnergyJ, (2 * MW * 800) / 0.95, (2 * MW * 5) / 0.95);
    near(site.out.reserveRoomJ, 2 * MW * 900 * 0.95, 1);
    const leftJ = site.out.reserveEnergyJ;
    await site.run(400);
    near(site.out.reserveEnergyJ, leftJ + (400 / 7_200) * ((2 * MW * 900) / 0.95), 1e3);
    await site.run(400);
    near(site.out.reserveEnergyJ, (2 * MW * 900) / 0.95, 1);
  });

  it("counts what one direction takes as there for the other", async () => {
    const site = new Site((seconds) => (seconds < 100 ? 50.2 : 49.8));
    await site.run(100);
    const fullJ = 2 * MW * 900 * 0.95;
    near(site.out.reserveRoomJ, fullJ - 2 * MW * 100 * 0.95, 2e6);
    await site.run(50);
    near(site.out.reserveRoomJ, fullJ - 2 * MW * (100 * 0.95 - 50 / 0.95), 5e6);
    near(site.out.reserveEnergyJ, (2 * MW * 850) / 0.95, 5e6);
  });

  it("leaves nothing free for a direction that was not promised", async () => {
    const shape = droopShape({ deadBandHz: 0.01, fullAtHz: 0.2, direction: "low" });
    const site = new Site(() => 50.4, { shape });
    await site.run(5);
    const { dutyW, reserveChargeW, reserveRoomJ, reserveDischargeW } = site.out;
    assert.deepEqual([dutyW, reserveChargeW, reserveRoomJ], [0, 0, 0]);
    assert.equal(reserveDischargeW, 2 * MW);
  });

  it("leaves the levels below what is not kept, with its own answer on top", async () => {
    const site = new Site((seconds) => (seconds < 10.01 ? 50 : 49.8));
    const box = openBox();
    await site.run(10);
    resetBox(box, -24 * MW, 24 * MW, "device-limits");
    keepFrequencyReserve(box, site.out);
    assert.deepEqual([box.lowW, box.highW], [-22 * MW, 22 * MW]);
    assert.equal(box.highBy, "frequency-duty");
    await site.run(10);
    resetBox(box, -24 * MW, 24 * MW, "device-limits");
    keepFrequencyReserve(box, site.out);
    near(box.lowW, -20 * MW, 1);
    near(box.highW, 24 * MW, 1);
    // Too little for both: power for low frequency comes first, and the box is not empty.
    resetBox(box, -1 * MW, 1 * MW, "device-limits");
    keepFrequencyReserve(box, site.out);
    assert.ok(box.lowW <= box.highW);
    near(box.highW, 1 * MW, 1);
  });

  it("works in a grid of 60 Hz", async () => {
    const reading = { ...FCR.reading, nominalHz: 60, lowHz: 55, highHz: 65 };
    const site = new Site(() => 59.8, { reading });
    await site.run(3);
    near(site.out.dutyW, 2 * MW, 1_000);
    const wrong = new Site(() => 50, { reading });
    await wrong.run(3);
    assert.deepEqual([wrong.out.dutyW, wrong.out.verdict], [0, "outside"]);
  });

  const wrongs: readonly (readonly [string, Partial<FrequencySettings>])[] = [
    ["a filter that delays", { reading: { ...FCR.reading, filterMs: 101 } }],
    ["a slow agreement", { reading: { ...FCR.reading, confirmMs: 301 } }],
    ["a window beside the nominal", { reading: { ...FCR.reading, nominalHz: 60 } }],
    ["a slow answer", { fullInMs: 1_001 }],
    ["a long hold", { holdMs: 1_001 }],
    ["no way back", { releaseWPerS: 0 }],
    ["a wrong shape", { shape: [] }],
    ["no power", { dischargeW: 0, chargeW: 0 }],
    ["an efficiency beyond 1", { dischargeEfficiency: 1.1 }],
  ];
  for (const [name, changes] of wrongs)
    it(`asserts against ${name}`, () => {
      assert.throws(() => createFrequencyResponse({ ...FCR, ...changes }, monotonicMs(0)), {
        name: "AssertionError",
      });
    });
});
