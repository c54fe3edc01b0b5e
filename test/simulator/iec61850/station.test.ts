import { strict as assert } from "node:assert";
import { TsEngine } from "../../../src/drivers/iec61850/association.ts";
import { TimerWheel } from "../../../src/drivers/wheel.ts";
import { SystemClock } from "../../../src/platform/clock.ts";
import { SimulatedStation } from "../../../src/simulator/iec61850/station.ts";
import { parseStationFault } from "../../../src/simulator/iec61850/fault-order.ts";
import { DEMO_PLANT } from "../../../src/simulator/plant.ts";
import { Simulation } from "../../../src/simulator/simulation.ts";
import { stationProfile } from "../../drivers/iec61850/station-bench.ts";
import { until } from "../../support/until.ts";
import { demoSite } from "../support/shipped-profiles.ts";

const CLOCK = new SystemClock();

function numberAt(station: SimulatedStation, reference: string): number {
  const value = station.device?.find(reference)?.value;
  assert.ok(value !== undefined && "value" in value, reference);
  return Number(value.value);
}

async function withStation(
  name: "bess-station" | "switchgear-relay",
  use: (station: SimulatedStation) => void,
): Promise<void> {
  const profile = stationProfile(name);
  const facts = profile.iec61850;
  assert.ok(facts !== undefined);
  const station = new SimulatedStation({ id: "one", profile, facts });
  const end = new AbortController();
  const server = await station.open({ host: "127.0.0.1", port: 0, clock: CLOCK }, end.signal);
  try {
    use(station);
  } finally {
    end.abort();
    await server.closed;
  }
}

describe("a station made of its profile", () => {
  it("has every point of the profile, in the unit that it says itself", async () => {
    await withStation("bess-station", (station) => {
      station.setPoint("active-power", -3_000_000);
      station.flush();
      assert.equal(numberAt(station, "DCPIBESS1/MMXU1.TotW.mag.f[MX]"), -3_000);
      const units = station.device?.find("DCPIBESS1/MMXU1.TotW.units[CF]")?.value;
      assert.ok(units?.kind === "structure");
      assert.deepEqual(
        units.members.map((member) => ("value" in member ? member.value : undefined)),
        [62, 3],
      );
      station.setPoint("dc.current", 100);
      station.flush();
      assert.equal(numberAt(station, "DCPIBESS1/DBAT1.Amp.mag.f[MX]"), -100);
    });
  });

  it("shows a position as the two bits of a switch", async () => {
    await withStation("switchgear-relay", (station) => {
      for (const [text, bits] of [
        ["closed", 0b1000_0000],
        ["open", 0b0100_0000],
        ["bad-state", 0b1100_0000],
      ] as const) {
        station.setState("position", text);
        station.flush();
        const value = station.device?.find("DCPIRLY1/XCBR1.Pos.stVal[ST]")?.value;
        assert.ok(value?.kind === "bits");
        assert.deepEqual([value.bitCount, value.bytes[0]], [2, bits]);
      }
    });
  });

  it("has the data sets and report blocks that the profile expects", async () => {
    await withStation("switchgear-relay", (station) => {
      const names = station.device?.reports.map(({ block }) => block.reference);
      assert.deepEqual(names, [
        "DCPIRLY1/LLN0$BR$brcbPos01",
        "DCPIRLY1/LLN0$BR$brcbPos02",
        "DCPIRLY1/LLN0$RP$urcbMeas01",
        "DCPIRLY1/LLN0$RP$urcbMeas02",
      ]);
    });
  });

  it("tells nothing that has not changed", async () => {
    await withStation("bess-station", (station) => {
      const stamp = "DCPIBESS1/MMXU1.Hz.t[MX]";
      station.setPoint("frequency", 50);
      station.flush();
      const first = station.device?.find(stamp)?.value;
      station.setPoint("frequency", 50);
      station.flush();
      assert.deepEqual(station.device?.find(stamp)?.value, first);
    });
  });

  it("stands still while it is frozen, and shows what was set when it is not", async () => {
    await withStation("bess-station", (station) => {
      station.setFault({ kind: "frozen" });
      station.setPoint("frequency", 49);
      station.flush();
      assert.equal(numberAt(station, "DCPIBESS1/MMXU1.Hz.mag.f[MX]"), 0);
      station.setFault(undefined);
      station.flush();
      assert.equal(numberAt(station, "DCPIBESS1/MMXU1.Hz.mag.f[MX]"), 49);
    });
  });
});

describe("faults of a station, as they are ordered", () => {
  it("are read with their parts", () => {
    assert.deepEqual(parseStationFault({ fault: "blackhole" }), { kind: "blackhole" });
    assert.deepEqual(parseStationFault({ fault: "refuse-control", stage: "select", code: 3 }), {
      kind: "refuse-control",
      stage: "select",
      additionalCause: 3,
    });
    assert.deepEqual(parseStationFault({ fault: "late-termination", ms: 100 }), {
      kind: "late-termination",
      ms: 100,
    });
  });

  it("that are none are told with what there is", () => {
    for (const message of [
      { fault: "silent" },
      { fault: "refuse-control", stage: "before" },
      { fault: "fail-control", code: 99 },
      { fault: "late-termination", ms: 0 },
    ])
      assert.ok("problem" in parseStationFault(message), JSON.stringify(message));
  });
});

describe("stations on the plant of the demo site", function () {
  this.timeout(30_000);

  it("show what the batteries and the grid do, and drive the batteries when commanded", async () => {
    const { signal } = new AbortController();
    const simulation = new Simulation({
      devices: demoSite(),
      stations: [
        { id: "bess-station", profile: stationProfile(), host: "127.0.0.1", port: 0 },
        { id: "relay", profile: stationProfile("switchgear-relay"), host: "127.0.0.1", port: 0 },
      ],
      plant: DEMO_PLANT,
      clock: CLOCK,
      seed: 1,
      preset: "d95",
    });
    simulation.begin("mean");
    simulation.settle(1);
    const end = new AbortController();
    const { finished, ports } = await simulation.start(end.signal);
    try {
      const station = simulation.station("bess-station");
      const relay = simulation.station("relay");
      const plant = simulation.snapshot();
      assert.ok(plant !== undefined);
      const soc = plant.bess.reduce((sum, each) => sum + each.soc, 0) / plant.bess.length;
      const shownSoc = numberAt(station, "DCPIBESS1/DSTO1.SocUsePct.mag.f[MX]");
      assert.ok(Math.abs(shownSoc - 100 * soc) < 0.5, `${shownSoc}`);
      const shownW = numberAt(relay, "DCPIRLY1/MMXU1.TotW.mag.f[MX]");
      assert.ok(Math.abs(shownW - plant.gridW) < 1e6, `${shownW}`);
      const engine = new TsEngine({ clock: CLOCK, wheel: new TimerWheel(CLOCK) });
      const port = ports.get("bess-station") ?? 0;
      const association = await engine.associate({ host: "127.0.0.1", port }, signal);
      const outcome = await association.control(
        { ld: "DCPIBESS1", ln: "DWGC1", path: ["WSpt"] },
        {
          value: 2e6,
          origin: { category: 3, identification: "test" },
          isTest: false,
          isInterlockChecked: false,
          isSynchronismChecked: false,
        },
        { signal },
      );
      assert.equal(outcome.outcome, "accepted");
      await until(() => Math.abs((simulation.snapshot()?.bessW ?? 0) - 2e6) < 1e4, "the power");
      await association.release({ signal });
      assert.equal(await simulation.order({ device: "relay", fault: "blackhole" }), undefined);
      const { device } = relay;
      assert.ok(device?.hasFault("blackhole") === true);
      assert.equal(await simulation.order({ device: "relay", fault: "none" }), undefined);
      assert.equal(device.hasFault("blackhole"), false);
      assert.match((await simulation.order({ device: "relay", fault: "silent" })) ?? "", /unknown/);
      assert.match(
        (await simulation.order({ device: "ups-1", fault: "occupied-block" })) ?? "",
        /unknown/,
      );
    } finally {
      end.abort();
      await finished;
    }
  });
});
