import { strict as assert } from "node:assert";
import { reactivePlan } from "../../src/app/reactive-settings.ts";
import { contextOf, type SiteContext } from "../../src/app/site-context.ts";
import { parseSite } from "../../src/config/load.ts";
import { SAMPLE_SITE } from "../../src/config/sample.ts";
import type { BatteryUnitPlan } from "../../src/control/plan.ts";
import { testUnit } from "../support/plant-plan.ts";

const UNIT: BatteryUnitPlan = { ...testUnit(0), asset: "bess-1" };
const METERS = "meters: { nominalVoltageV: 20000 }\n";

function contextOfSite({
  reactive = "{ powerKvar: 300 }",
  meters = METERS,
  battery = "",
  isWritable = true,
} = {}) {
  const text = SAMPLE_SITE.replace("  batteries:", `  reactive: ${reactive}\n  batteries:`)
    .replace("unitCapacityKwh: 10000", `unitCapacityKwh: 10000\n      ${battery}`)
    .concat(meters);
  const parsed = parseSite(text);
  assert.ok("site" in parsed, JSON.stringify(parsed));
  const envelope = {
    device: "bess-1",
    point: "reactive-power-setpoint",
    minimum: -900,
    maximum: 900,
    unit: "kvar",
    minimumIntervalMs: 0,
    beyond: "clamp",
  } as const;
  return contextOf(
    { ...parsed.site, envelope: [...parsed.site.envelope, ...(isWritable ? [envelope] : [])] },
    "/etc/site.yaml",
  );
}

const planOf = (context: SiteContext) => {
  const { control } = context.site;
  assert.ok(control !== undefined);
  return reactivePlan(context, control, [UNIT]);
};

describe("reactive power in the site file", () => {
  it("is read with the voltage band of the site and the apparent power of the unit", () => {
    const reactive = "{ powerKvar: -300, eventKvar: 500, lowPercent: 92 }";
    const plan = planOf(contextOfSite({ reactive, battery: "unitApparentKva: 13000" }));
    assert.deepEqual(
      [plan?.askedVar, plan?.eventVar, plan?.settings.lowPu, plan?.settings.highPu, plan?.nominalV],
      [-300_000, 500_000, 0.92, 1.1, 20_000],
    );
    assert.equal(plan?.units[0]?.apparentVa, 13_000_000);
    assert.equal(planOf(contextOfSite())?.units[0]?.apparentVa, 12_000_000);
  });

  it("is refused with a sentence where nothing could be done", () => {
    assert.throws(
      () => planOf(contextOfSite({ isWritable: false })),
      /no battery has a reactive-power-setpoint/,
    );
    assert.throws(() => planOf(contextOfSite({ meters: "" })), /needs meters\/nominalVoltageV/);
  });
});
