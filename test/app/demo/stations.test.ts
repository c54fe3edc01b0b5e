import { strict as assert } from "node:assert";
import { demoSiteText } from "../../../src/app/demo/site.ts";
import { controlPlan } from "../../../src/app/control-settings.ts";
import { contextOf } from "../../../src/app/site-context.ts";
import { inspectSite } from "../../../src/app/site-check.ts";
import { parseSite } from "../../../src/config/load.ts";

const TEXT = demoSiteText({
  basePort: 15_020,
  mqttPort: 18_830,
  directory: "data",
  runtimeDirectory: "run",
  hasStations: true,
});

describe("stations of the demo site", () => {
  it("are two more devices, without a finding", () => {
    const { problems, warnings } = inspectSite(TEXT, "/etc/site.yaml");
    assert.deepEqual([problems, warnings], [[], []]);
    const parsed = parseSite(TEXT);
    assert.ok("site" in parsed);
    assert.equal(parsed.site.devices.length, 30);
  });

  it("show the batteries a second time and write nothing", () => {
    const parsed = parseSite(TEXT);
    assert.ok("site" in parsed);
    const context = contextOf(parsed.site, "/etc/site.yaml");
    const station = context.deviceById.get("bess-station");
    assert.equal(station?.definition.isSecondSight, true);
    assert.equal(station.definition.producer, "control");
    const plan = controlPlan(context);
    assert.deepEqual(
      plan?.units.map(({ asset }) => asset),
      ["bess-1", "bess-2"],
    );
    assert.ok(plan.envelope.every(({ asset }) => asset !== "bess-station"));
  });
});
