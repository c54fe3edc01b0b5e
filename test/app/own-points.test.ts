import { strict as assert } from "node:assert";
import { OwnPoints } from "../../src/app/own-points.ts";
import { contextOf } from "../../src/app/site-context.ts";
import { parseSite } from "../../src/config/load.ts";
import { SAMPLE_SITE } from "../../src/config/sample.ts";
import { GOOD, qualityCode } from "../../src/domain/quality.ts";
import { SimClock } from "../support/sim-clock.ts";

describe("the gateway's own points", () => {
  it("are bad where they are not known, and never a good zero", () => {
    const parsed = parseSite(SAMPLE_SITE);
    assert.ok("site" in parsed);
    const { table } = contextOf(parsed.site, "/etc/site.yaml");
    const own = new OwnPoints({ table }, "services", new SimClock());
    const round = own.round({
      "upstream-connected": 1,
      "x-outbox-waiting": 0,
      "x-outbox-oldest": undefined,
      "x-outbox-lost": 0,
      "x-store-bytes": 0,
      "x-store-written-per-day": 0,
      "x-store-commit.p99": 0,
      "x-cpu": 1,
    });
    const at = round.points.indexOf(table.indexById.get(`${own.device.id}/x-outbox-oldest`) ?? -1);
    assert.ok(at >= 0);
    assert.ok(Number.isNaN(round.values[at]));
    assert.equal(round.quality[at], qualityCode("input-bad"));
    assert.equal(round.quality.filter((code) => code === GOOD).length, round.quality.length - 1);
  });

  it("tell the delay of the loop and of each battery where the load is smoothed", () => {
    const smoothed = SAMPLE_SITE.replace(
      "  batteries:",
      "  smoothing: { loadMinKw: 1000, loadMaxKw: 9000 }\n  batteries:",
    );
    const namesOf = (text: string): readonly string[] => {
      const parsed = parseSite(text);
      assert.ok("site" in parsed);
      const { table } = contextOf(parsed.site, "/etc/site.yaml");
      const own = new OwnPoints({ table }, "control", new SimClock());
      return [...own.round({}).points].map((index) => table.points[index]?.name ?? "");
    };
    const added = namesOf(smoothed).slice(namesOf(SAMPLE_SITE).length);
    assert.deepEqual(added, [
      "x-loop-delay",
      "x-workload-steps",
      "x-desk-restarts",
      "x-unit-delay.bess-1",
    ]);
  });
});
