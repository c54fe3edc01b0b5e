import assert from "node:assert/strict";
import { qualityCode, qualityName } from "../../../src/domain/quality.ts";
import { pointIndex } from "../../../src/domain/point.ts";
import type { Setpoint } from "../../../src/domain/write.ts";
import { until } from "../../support/until.ts";
import { StationBench, stationProfile } from "./station-bench.ts";

const NEVER = new AbortController().signal;
const GOOD = 0;

async function withBench(use: (bench: StationBench) => Promise<void>): Promise<void> {
  const bench = await StationBench.start();
  try {
    await until(() => bench.last("run-command") !== undefined, "the first reading");
    await until(() => bench.driver.counters.reports > 1, "the reports");
    await use(bench);
  } finally {
    await bench.stop();
  }
}

function setpoint(bench: StationBench, id: string, value: number): Setpoint {
  return { point: pointIndex(bench.place(id)), value, confirm: "read-back" };
}

describe("the driver of IEC 61850", () => {
  it("gives every point that the station has, good and in its canonical unit", async () => {
    await withBench(async (bench) => {
      bench.station.setPoint("active-power", -3_000_000);
      bench.station.setPoint("dc.current", -2_400);
      bench.station.setPoint("frequency", 50);
      for (const id of ["health", "storage-state"]) bench.station.setPoint(id, 1);
      bench.station.setState("operating-state", "running");
      bench.station.flush();
      await until(() => bench.last("active-power")?.value === -3_000_000, "the power");
      await until(() => bench.last("dc.current")?.value === -2_400, "the current");
      const running = bench.profile.points
        .find(({ id }) => id === "operating-state")
        ?.texts?.indexOf("running");
      await until(() => bench.last("operating-state")?.value === running, "the state");
      for (const { id } of bench.profile.points) assert.equal(bench.last(id)?.quality, GOOD, id);
    });
  });

  it("hears of a change by a report, sooner than any poll would tell it", async () => {
    await withBench(async (bench) => {
      const polls = bench.driver.counters.polls;
      const { reports } = bench.driver.counters;
      bench.station.setPoint("frequency", 49.5);
      bench.station.flush();
      await until(() => Math.abs((bench.last("frequency")?.value ?? 0) - 49.5) < 1e-3);
      assert.ok(bench.driver.counters.reports > reports);
      assert.ok(bench.driver.counters.polls - polls <= 1);
    });
  });

  it("believes quality and time of the device by the table", async () => {
    await withBench(async (bench) => {
      const power = "DCPIBESS1/MMXU1.TotW";
      // Invalid, with the bit of a failure.
      bench.device.update([
        { reference: `${power}.q[MX]`, value: 0b01_0000_1000_000 },
        { reference: `${power}.mag.f[MX]`, value: 7 },
      ]);
      await until(() => bench.last("active-power")?.quality === qualityCode("device-failure"));
      assert.ok(Number.isNaN(bench.last("active-power")?.value));
      const utc = bench.clock.utcNow() - 1_000;
      bench.device.update([
        { reference: `${power}.q[MX]`, value: 0 },
        { reference: `${power}.t[MX]`, value: utc },
        { reference: `${power}.mag.f[MX]`, value: 8 },
      ]);
      await until(() => bench.last("active-power")?.value === 8_000);
      assert.equal(bench.last("active-power")?.sourceUtc, utc);
    });
  });

  it("leaves no socket and no timer behind, however often it is started and stopped", async () => {
    const held = (): readonly string[] =>
      process
        .getActiveResourcesInfo()
        .filter((kind) => kind === "TCPSocketWrap" || kind === "Timeout");
    const bench = await StationBench.start();
    await until(() => bench.driver.counters.reports > 0, "the reports");
    const before = held().length;
    const cycles = 40;
    for (let cycle = 0; cycle < cycles; cycle += 1) {
      const driver = bench.another();
      const end = new AbortController();
      const running = driver.run(() => 1, end.signal);
      await until(() => driver.counters.polls > 0, "a poll");
      end.abort();
      await running;
    }
    // What is closed here the station has still to notice.
    await until(() => held().length <= before + 2, "the end of all");
    await bench.stop();
  }).timeout(30_000);

  it("tells that the station's clock is wrong, by what has just happened and nothing else", async () => {
    await withBench(async (bench) => {
      const hz = "DCPIBESS1/MMXU1.Hz";
      bench.device.update([{ reference: `${hz}.mag.f[MX]`, value: 50.1 }]);
      await new Promise((resolve) => setTimeout(resolve, 1_200));
      assert.equal(bench.events.length, 0);
      bench.device.update([
        { reference: `${hz}.t[MX]`, value: bench.clock.utcNow() - 60_000 },
        { reference: `${hz}.mag.f[MX]`, value: 50.2 },
      ]);
      await until(() => bench.events.some(({ id }) => id === "device-clock-off"), "the event");
      assert.equal(bench.last("frequency")?.quality, GOOD, "a value is not dropped for its time");
      await until(() => bench.events.some(({ phase }) => phase === "cleared"), "its end");
    });
  });

  it("sets a value that is no command, and reads it back", async () => {
    const profile = stationProfile("bess-station", (own) => ({
      ...own,
      points: [
        ...own.points,
        {
          point: "soc-reserve",
          at: "DSTO1.SocRsv.setMag.f",
          fc: "SP",
          group: "slow",
          unit: "%",
          write: { range: [0, 100], readBack: { withinMs: 500, tolerance: 0.1 }, danger: "none" },
        },
      ],
    }));
    const bench = await StationBench.start(profile);
    try {
      await until(() => bench.last("soc-reserve") !== undefined, "a value");
      const [outcome] = await bench.driver.write([setpoint(bench, "soc-reserve", 25)], NEVER);
      assert.deepEqual(outcome, { result: "accepted", readBack: { result: "applied", value: 25 } });
      const [refused] = await bench.driver.write([setpoint(bench, "soc-reserve", 101)], NEVER);
      assert.equal(refused?.result, "refused");
    } finally {
      await bench.stop();
    }
  });

  it("marks the values of a node that is off, and of none other", async () => {
    await withBench(async (bench) => {
      bench.device.update([{ reference: "DCPIBESS1/MMXU1.Beh.stVal[ST]", value: 5 }]);
      await until(() => bench.last("active-power")?.quality === qualityCode("input-bad"));
      assert.equal(bench.last("state-of-charge")?.quality, GOOD);
      bench.device.update([{ reference: "DCPIBESS1/MMXU1.Beh.stVal[ST]", value: 1 }]);
      await until(() => bench.last("active-power")?.quality === GOOD);
    });
  });

  it("ends with an error of the link when the station is gone", async () => {
    await withBench(async (bench) => {
      const at = performance.now();
      bench.device.inject({ kind: "cut-after-operate" });
      const outcome = await bench.driver.write(
        [setpoint(bench, "active-power-setpoint", 1_000_000)],
        NEVER,
      );
      assert.equal(outcome[0]?.result, "unknown");
      await until(() => bench.failure !== undefined, "the end");
      assert.ok(performance.now() - at < 2_000);
    });
  });

  it("polls a group whose report block another client has, and says so once", async () => {
    const bench = await StationBench.start(
      stationProfile("bess-station", (profile) => ({
        ...profile,
        groups: { ...profile.groups, fast: { everyMs: 100 } },
      })),
    );
    try {
      bench.device.inject({ kind: "occupied-block" });
      await until(() => bench.events.some(({ id }) => id === "report-block-occupied"));
      bench.station.setPoint("frequency", 50.25);
      bench.station.flush();
      await until(() => Math.abs((bench.last("frequency")?.value ?? 0) - 50.25) < 1e-3);
      const raised = bench.events.filter(({ text }) => text.includes("measurements"));
      assert.equal(raised.length, 1);
      bench.device.heal();
      await until(() => bench.events.some(({ phase }) => phase === "cleared"), "the block");
    } finally {
      await bench.stop();
    }
  });

  it("plans anew when the configuration revision changes, and doubts the values meanwhile", async () => {
    await withBench(async (bench) => {
      bench.device.inject({ kind: "configuration-changed" });
      bench.station.setPoint("frequency", 50.5);
      bench.station.flush();
      await until(() => bench.events.some(({ text }) => text.includes("revision")), "the event");
      await until(() =>
        bench.seen.some(({ quality }) => qualityName(quality) === "uncertain/mismatch"),
      );
      await until(() => bench.last("frequency")?.quality === GOOD, "a good value");
      bench.station.setPoint("frequency", 50.75);
      bench.station.flush();
      await until(() => Math.abs((bench.last("frequency")?.value ?? 0) - 50.75) < 1e-3);
    });
  });
});

describe("commands to a station", () => {
  it("are accepted and seen followed", async () => {
    await withBench(async (bench) => {
      const [outcome] = await bench.driver.write(
        [setpoint(bench, "active-power-setpoint", 5_000_000)],
        NEVER,
      );
      assert.deepEqual(outcome, {
        result: "accepted",
        readBack: { result: "applied", value: 5_000_000 },
      });
      assert.deepEqual(bench.commands, [{ id: "active-power-setpoint", value: 5_000_000 }]);
    });
  });

  it("are refused by the device with its cause in words", async () => {
    await withBench(async (bench) => {
      bench.device.inject({ kind: "refuse-control", stage: "operate", additionalCause: 10 });
      const [outcome] = await bench.driver.write(
        [setpoint(bench, "active-power-setpoint", 5_000_000)],
        NEVER,
      );
      assert.equal(outcome?.result, "refused");
      assert.equal(outcome.error.code, "DEVICE_EXCEPTION");
      assert.match(String(outcome.error.context["cause"]), /[a-z]+-[a-z-]+/);
      assert.deepEqual(bench.commands, []);
    });
  });

  it("are not even sent beyond the range, under local control, or to a node that is blocked", async () => {
    await withBench(async (bench) => {
      const write = async (value: number): Promise<unknown> => {
        const order = [setpoint(bench, "active-power-setpoint", value)];
        const [outcome] = await bench.driver.write(order, NEVER);
        assert.equal(outcome?.result, "refused");
        return outcome.error.context["reason"];
      };
      assert.equal(await write(25_000_000), "out-of-range");
      bench.device.update([{ reference: "DCPIBESS1/DWGC1.Beh.stVal[ST]", value: 2 }]);
      await new Promise((resolve) => setTimeout(resolve, 1_600));
      assert.equal(await write(1_000), "its behaviour is not on");
      bench.device.update([
        { reference: "DCPIBESS1/DWGC1.Beh.stVal[ST]", value: 1 },
        { reference: "DCPIBESS1/LLN0.Loc.stVal[ST]", value: true },
      ]);
      await until(() => bench.last("control-location")?.value === 1);
      assert.equal(await write(1_000), "interlock");
      assert.deepEqual(bench.commands, []);
    });
  });

  it("by a cyclic setpoint are refused where the object is selected first", async () => {
    await withBench(async (bench) => {
      const order = { ...setpoint(bench, "run-command", 1), confirm: "by-poll" } as const;
      const [outcome] = await bench.driver.write([order], NEVER);
      assert.equal(outcome?.result, "refused");
      assert.match(String(outcome.error.context["reason"]), /slow setpoints/);
    });
  });

  it("whose model is not the one of the profile are refused", async () => {
    const other = stationProfile("bess-station", (profile) => ({
      ...profile,
      points: profile.points.map((line) =>
        line.point === "active-power-setpoint" && line.write !== undefined
          ? { ...line, write: { ...line.write, control: "sbo" } }
          : line,
      ),
    }));
    const bench = await StationBench.start();
    try {
      await until(() => bench.last("run-command") !== undefined);
      const write = other.iec61850?.writes.get(bench.place("active-power-setpoint") - 100);
      assert.ok(write !== undefined);
      (bench.profile.iec61850?.writes as Map<number, typeof write>).set(
        bench.place("active-power-setpoint") - 100,
        write,
      );
      const [outcome] = await bench.driver.write(
        [setpoint(bench, "active-power-setpoint", 1_000)],
        NEVER,
      );
      assert.equal(outcome?.result, "refused");
      assert.equal(outcome.error.context["found"], "direct-enhanced");
    } finally {
      await bench.stop();
    }
  });
});
