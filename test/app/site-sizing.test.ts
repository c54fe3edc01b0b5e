import { strict as assert } from "node:assert";
import { controlPlan } from "../../src/app/control-settings.ts";
import { demoSiteText } from "../../src/app/demo/site.ts";
import { contextOf } from "../../src/app/site-context.ts";
import { sizingLines } from "../../src/app/site-sizing.ts";
import { requireSite } from "../../src/config/load.ts";

const PLACES = { basePort: 15_020, mqttPort: 18_830, directory: "data", runtimeDirectory: "run" };

function linesOf(text: string): string {
  const plan = controlPlan(contextOf(requireSite(text, "site.yaml"), "site.yaml"));
  assert.ok(plan !== undefined);
  return sizingLines(plan).join("\n");
}

describe("sizing of a site", () => {
  it("says what the battery of the demonstration guarantees, and what nothing can", () => {
    const said = linesOf(demoSiteText(PLACES));
    assert.match(said, /needs 1\.44 MWh/);
    assert.match(said, /has 7\.80 MWh between reserve and ceiling/);
    assert.match(said, /The ramp is guaranteed for every load in that range\./);
    assert.match(said, /NOT guaranteed, by any setting: a step that nobody announces/);
  });

  it("says that a battery is too small", () => {
    const small = demoSiteText(PLACES).replace("unitCapacityKwh: 6000", "unitCapacityKwh: 600");
    assert.match(linesOf(small), /NOT guaranteed/);
    assert.doesNotMatch(linesOf(small), /The ramp is guaranteed/);
  });

  it("has nothing to say where the load is not smoothed", () => {
    assert.equal(linesOf(demoSiteText({ ...PLACES, control: "peak-cap" })), "");
  });
});
