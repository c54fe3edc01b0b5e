import assert from "node:assert/strict";
import { pointIndex } from "../../../src/domain/point.ts";
import type { WriteOutcome } from "../../../src/domain/write.ts";
import type { Profile } from "../../../src/profiles/schema.ts";
import { until } from "../../support/until.ts";
import { StationBench, stationProfile } from "./station-bench.ts";

const NEVER = new AbortController().signal;
const MODELS = ["direct", "sbo", "direct-enhanced", "sbo-enhanced"] as const;
type Model = (typeof MODELS)[number];

/** The station with its power setpoint behind another control model, and short waits. */
function withModel(model: Model): (profile: Profile) => Profile {
  return (profile) => ({
    ...profile,
    iec61850: {
      root: "DCPIBESS1",
      ...profile.iec61850,
      requestTimeoutMs: 400,
      terminationTimeoutMs: 300,
    },
    capabilities: [],
    points: profile.points.map((line) =>
      line.point === "active-power-setpoint" && line.write !== undefined
        ? {
            ...line,
            write: {
              ...line.write,
              control: model,
              readBack: { withinMs: 200, tolerance: 1_000 },
            },
          }
        : line,
    ),
  });
}

async function withModelBench(
  model: Model,
  use: (bench: StationBench, write: (value: number) => Promise<WriteOutcome>) => Promise<void>,
): Promise<void> {
  const bench = await StationBench.start(stationProfile("bess-station", withModel(model)));
  try {
    await until(() => bench.driver.counters.reports > 0, "the reports");
    await use(bench, async (value) => {
      const point = pointIndex(bench.place("active-power-setpoint"));
      const [outcome] = await bench.driver.write([{ point, value, confirm: "read-back" }], NEVER);
      assert.ok(outcome !== undefined);
      return outcome;
    });
  } finally {
    await bench.stop();
  }
}

function refusedAt(outcome: WriteOutcome): unknown {
  assert.equal(outcome.result, "refused");
  return outcome.error.context["stage"];
}

for (const model of MODELS) {
  const isSelected = model.startsWith("sbo");
  const isEnhanced = model.endsWith("enhanced");

  describe(`a setpoint behind ${model} control`, () => {
    it("is accepted, once", async () => {
      await withModelBench(model, async (bench, write) => {
        const outcome = await write(1_000_000);
        assert.equal(outcome.result, "accepted");
        assert.equal(outcome.readBack?.result, "applied");
        assert.equal(bench.commands.length, 1);
      });
    });

    if (isSelected) {
      it("is refused at its selection, and nothing is operated", async () => {
        await withModelBench(model, async (bench, write) => {
          bench.device.inject({ kind: "refuse-control", stage: "select", additionalCause: 3 });
          assert.equal(refusedAt(await write(1_000_000)), "select");
          assert.equal(bench.commands.length, 0);
        });
      });
    }

    it("is refused when it is operated", async () => {
      await withModelBench(model, async (bench, write) => {
        bench.device.inject({ kind: "refuse-control", stage: "operate", additionalCause: 10 });
        assert.equal(refusedAt(await write(1_000_000)), "operate");
        assert.equal(bench.commands.length, 0);
      });
    });

    it("is unknown when the link is cut after it was sent, and is never sent again", async () => {
      await withModelBench(model, async (bench, write) => {
        bench.device.inject({ kind: "cut-after-operate" });
        const outcome = await write(1_000_000);
        assert.equal(outcome.result, "unknown");
        assert.equal(outcome.error.context["sent"], true);
        await until(() => bench.failure !== undefined, "the end of the link");
        bench.device.heal();
        bench.connect();
        await until(() => bench.driver.isAssociated, "the next link");
        await new Promise((resolve) => setTimeout(resolve, 1_300));
        assert.equal(bench.commands.length, 1);
      });
    });

    if (isEnhanced) {
      it("is refused by a negative end, with its cause", async () => {
        await withModelBench(model, async (bench, write) => {
          bench.device.inject({ kind: "fail-control", additionalCause: 16 });
          const outcome = await write(1_000_000);
          assert.equal(refusedAt(outcome), "termination");
          assert.equal(bench.commands.length, 0);
        });
      });

      it("is unknown when its end is missing; what is seen is told", async () => {
        await withModelBench(model, async (bench, write) => {
          bench.device.inject({ kind: "missing-termination" });
          const outcome = await write(1_000_000);
          assert.equal(outcome.result, "unknown");
          assert.equal(outcome.error.context["stage"], "termination");
          assert.equal(outcome.readBack?.result, "applied");
          assert.equal(bench.commands.length, 1);
        });
      });

      it("is unknown when its end is late, and the late end disturbs no other", async () => {
        await withModelBench(model, async (bench, write) => {
          bench.device.inject({ kind: "late-termination", ms: 700 });
          assert.equal((await write(1_000_000)).result, "unknown");
          bench.device.heal();
          await new Promise((resolve) => setTimeout(resolve, isSelected ? 1_100 : 600));
          assert.equal((await write(2_000_000)).result, "accepted");
          assert.equal(bench.commands.length, 2);
        });
      });
    }
  });
}

describe("a command that makes the station safe", () => {
  it("is given again after an unknown outcome until it is seen, over a broken link too", async () => {
    const profile = stationProfile("bess-station", (own) => ({
      ...own,
      iec61850: {
        root: "DCPIBESS1",
        ...own.iec61850,
        requestTimeoutMs: 400,
        terminationTimeoutMs: 300,
      },
    }));
    const bench = await StationBench.start(profile);
    try {
      bench.station.setState("run-command", "start");
      bench.station.flush();
      await until(() => bench.last("run-command")?.value === 1, "that it runs");
      // The stop is carried out and the answer is lost; then somebody at the station starts it.
      bench.device.inject({ kind: "cut-after-operate" });
      const point = pointIndex(bench.place("run-command"));
      const [outcome] = await bench.driver.write(
        [{ point, value: 0, confirm: "read-back" }],
        NEVER,
      );
      assert.equal(outcome?.result, "unknown");
      bench.device.heal();
      bench.device.update([{ reference: "DCPIBESS1/DSTO1.StoCtl.stVal[ST]", value: true }]);
      await until(() => bench.failure !== undefined, "the end of the link");
      const before = bench.commands.length;
      bench.connect();
      await until(() => bench.commands.length > before, "the stop");
      assert.deepEqual(bench.commands.at(-1), { id: "run-command", value: 0 });
      const after = bench.commands.length;
      await new Promise((resolve) => setTimeout(resolve, 2_200));
      assert.equal(bench.commands.length, after);
    } finally {
      await bench.stop();
    }
  }).timeout(12_000);
});
