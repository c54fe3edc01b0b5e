import { strict as assert } from "node:assert";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { DailyDesk, readDays } from "../../src/app/daily.ts";
import { BreachWatch } from "../../src/app/daily-breaches.ts";
import { BandBank, BANDS_HZ, gainDb } from "../../src/app/daily-bands.ts";
import type { ControlState } from "../../src/control/state.ts";
import type { PlantEvent } from "../../src/domain/event.ts";
import { utcMs } from "../../src/domain/time.ts";
import { VirtualSite } from "../support/virtual-site.ts";

const PERIOD_MS = 50;
const DAY_MS = 86_400_000;

/** A site that has run for some seconds, and the state that it has come to. */
async function stateAfter(seconds: number): Promise<{ site: VirtualSite; state: ControlState }> {
  let seen: ControlState | undefined;
  const observe: DailyDesk["observe"] = (state) => {
    seen = state;
  };
  const site = await VirtualSite.open({ load: "full", daily: () => ({ observe }) });
  await site.run(seconds);
  assert.ok(seen !== undefined);
  return { site, state: structuredClone(seen) };
}

/** The gains of a day in which load and grid swing as two functions of the time say. */
function gainsOf(loadAt: (s: number) => number, gridAt: (s: number) => number) {
  const bank = new BandBank(PERIOD_MS);
  const sums = bank.bandsHz.map(() => ({ load: 0, grid: 0, samples: 0 }));
  for (let at = 0; at < 120; at += PERIOD_MS / 1_000) bank.add(loadAt(at), gridAt(at), sums);
  return { gains: sums.map((sum) => gainDb(sum, 1_000)), sums, bank };
}

const swing = (hz: number, w: number) => (s: number) => 15e6 + w * Math.sin(2 * Math.PI * hz * s);

describe("bands of a day", () => {
  it("tells how much weaker the grid swings than the load, in the band where it does", () => {
    for (const [place, hz] of [
      [0, 0.25],
      [1, 1],
      [2, 2.5],
      [3, 6],
    ] as const) {
      const { gains } = gainsOf(swing(hz, 2e6), swing(hz, 0.5e6));
      assert.ok(Math.abs((gains[place] ?? 0) + 12.04) < 0.1, `${hz} Hz: ${gains.join(", ")}`);
    }
  });

  it("sees a swing in its own band far more than in the others", () => {
    const { sums } = gainsOf(swing(1, 2e6), swing(1, 2e6));
    const strongest = Math.max(...sums.map(({ load }) => load));
    assert.equal(sums[1]?.load, strongest);
    assert.ok((sums[3]?.load ?? 0) < strongest / 100);
    const amplitude = Math.sqrt((2 * strongest) / sums[1].samples);
    assert.ok(Math.abs(amplitude / 2e6 - 1) < 0.25, `${amplitude} W`);
  });

  it("has no figure for a load that is still, and none above what the cycles see", () => {
    assert.deepEqual(gainsOf(swing(1, 100), swing(1, 1e6)).gains, [
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
    assert.equal(new BandBank(250).bandsHz.length, 2);
    assert.equal(new BandBank(20).bandsHz.length, BANDS_HZ.length);
    assert.deepEqual(new BandBank(50).bandsHz.at(-1), [4, 9]);
  });

  it("does not take what follows a gap for a swing", () => {
    const { bank, sums } = gainsOf(swing(1, 2e6), swing(1, 1e6));
    const before = sums.map((sum) => ({ ...sum }));
    bank.add(Number.NaN, 0, sums);
    for (let at = 0; at < 0.5; at += 0.05) bank.add(40e6, 40e6, sums);
    assert.deepEqual(sums, before, "it settles first");
  });
});

describe("daily report", function () {
  this.timeout(60_000);
  let folder = "";
  let file = "";
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), "dcpi-daily-"));
    file = path.join(folder, "daily.json");
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it("is told once when the day is over, with the figures of that day", async () => {
    const events: PlantEvent[] = [];
    let desk: DailyDesk | undefined;
    let laterMs = 0;
    const site = await VirtualSite.open({
      control: "smoothing",
      load: "training-1hz",
      daily: ({ clock }) => {
        desk = new DailyDesk({
          file,
          saved: { days: [] },
          clock,
          device: "gateway-control",
          onEvent: (event) => events.push(event),
        });
        const told = desk;
        return {
          observe: (state, inputs, result) => {
            told.observe(state, { ...inputs, utc: utcMs(inputs.utc + laterMs) }, result);
          },
        };
      },
    });
    await site.run(60);
    const { date } = desk!.report()!;
    laterMs = DAY_MS;
    await site.run(5);
    await desk!.save();
    await site.close();
    assert.deepEqual(
      events.map(({ id, phase, severity }) => [id, phase, severity]),
      [["daily-report", "once", "info"]],
    );
    const report = desk!.report(date)!;
    assert.equal(events[0]?.text, report.line);
    assert.ok(Math.abs(report.hours * 3_600 - 60) < 1, `${report.hours} h`);
    const iterations = report.bands[1]!;
    assert.ok(iterations.gainDb !== null && iterations.gainDb < -3, `${iterations.gainDb} dB`);
    assert.ok(report.units.every(({ cycles }) => cycles > 0 && cycles < 0.1));
    assert.match(report.line, /0\.5–1\.5 Hz -\d+\.\d dB/);
    assert.ok(desk!.report()!.hours < 0.01, "the new day begins at nothing");
    assert.deepEqual((await readDays(file)).days, [report]);
    assert.equal(desk!.report("1999-01-01"), undefined);
  });

  it("counts a breach that control declared, and one that it did not", async () => {
    const { site, state } = await stateAfter(3);
    const watch = new BreachWatch();
    const counts = { declared: 0, undeclared: 0 };
    const look = (seconds: number, gridW: number, events: PlantEvent[] = []): void => {
      for (let at = 0; at < seconds * 20; at += 1) {
        state.cycledAt = (state.cycledAt + 50) as typeof state.cycledAt;
        state.grid.gridW = gridW;
        state.grid.source = "meter";
        watch.observe(state, { events: at === 0 ? events : [] }, counts);
      }
    };
    const limitW = state.plan.grid.importLimitW;
    look(10, limitW - 1e6);
    assert.deepEqual(counts, { declared: 0, undeclared: 0 });
    look(10, limitW + 1e6);
    assert.deepEqual(counts, { declared: 0, undeclared: 1 }, "nobody said so: one incident");
    look(20, limitW - 1e6);
    const event: PlantEvent = {
      id: "import-limit-exceeded",
      severity: "warning",
      phase: "raised",
      device: "pcc-meter",
      point: undefined,
      text: "",
      at: site.clock.utcNow(),
    };
    look(3, limitW + 1e6, [event]);
    look(20, limitW - 1e6);
    assert.deepEqual(counts, { declared: 1, undeclared: 1 });
    await site.close();
  });

  it("goes on with a day that was saved, and with none that cannot be read", async () => {
    assert.deepEqual(await readDays(file), { days: [] });
    writeFileSync(file, "{ no JSON");
    assert.deepEqual(await readDays(file), { days: [] });
    const { site, state } = await stateAfter(4);
    const desk = (saved: Awaited<ReturnType<typeof readDays>>): DailyDesk =>
      new DailyDesk({
        file,
        saved,
        clock: site.clock,
        device: "gateway-control",
        onEvent: () => undefined,
      });
    const first = desk({ days: [] });
    const inputs = (now: number) =>
      ({ now, utc: site.clock.utcNow() }) as Parameters<DailyDesk["observe"]>[1];
    const result = { events: [] } as unknown as Parameters<DailyDesk["observe"]>[2];
    first.observe(state, inputs(0), result);
    first.observe(state, inputs(1_000), result);
    await first.save();
    const second = desk(await readDays(file));
    second.observe(state, inputs(5_000), result);
    assert.equal(second.report()?.hours, 1 / 3_600);
    assert.ok((second.report()?.units[0]?.cycles ?? 0) > 0);
    await site.close();
  });
});
