import { strict as assert } from "node:assert";
import { rideThroughPlan } from "../../src/app/ride-through-settings.ts";
import { contextOf } from "../../src/app/site-context.ts";
import { parseSite } from "../../src/config/load.ts";
import { SAMPLE_SITE } from "../../src/config/sample.ts";

const METERS = "meters: { nominalVoltageV: 20000 }\n";

function planOf(rideThrough: string | undefined, meters = METERS) {
  const section = rideThrough === undefined ? "" : `  rideThrough: ${rideThrough}\n`;
  const parsed = parseSite(
    SAMPLE_SITE.replace("  batteries:", `${section}  batteries:`).concat(meters),
  );
  assert.ok("site" in parsed, JSON.stringify(parsed));
  const context = contextOf(parsed.site, "/etc/site.yaml");
  const { control } = context.site;
  assert.ok(control !== undefined);
  const plan = rideThroughPlan(context, control);
  const pointOf = (index: number | undefined): string | undefined => {
    const point = index === undefined ? undefined : context.table.points[index];
    return point && `${point.device}/${point.name}`;
  };
  return { plan, pointOf };
}

describe("loss of the grid in the site file", () => {
  it("is none where the site says nothing of it", () => {
    assert.equal(planOf(undefined).plan, undefined);
  });

  it("is read by the voltage of the grid meter, with five minutes to come back", () => {
    const { plan, pointOf } = planOf("{}");
    assert.deepEqual(plan?.flags, []);
    const { voltage } = plan;
    assert.match(pointOf(voltage?.input.point) ?? "", /\/voltage-ll$/);
    assert.deepEqual(
      [voltage?.lostBelowV, voltage?.backAboveV, voltage?.confirmMs],
      [4_000, 18_000, 500],
    );
    assert.deepEqual([plan.returnMs, plan.carries], [300_000, false]);
  });

  it("is read by a word of a point, which alone is enough", () => {
    const flag = "{ device: bess-1, point: operating-state, lostIf: fault }";
    const { plan, pointOf } = planOf(
      `{ lostBy: [${flag}], batteries: carry, returnMs: 20000 }`,
      "",
    );
    assert.equal(plan?.voltage, undefined);
    const [only] = plan?.flags ?? [];
    assert.equal(only?.name, "bess-1/operating-state");
    assert.equal(pointOf(only.condition.point), "bess-1/operating-state");
    assert.deepEqual(only.condition.when, { equals: 6 });
    assert.deepEqual([plan?.returnMs, plan?.carries], [20_000, true]);
  });

  for (const [name, rideThrough, meters, sentence] of [
    ["nothing could say it", "{}", "", /needs meters\/nominalVoltageV/],
    [
      "a word is none of its point's",
      "{ lostBy: [{ device: bess-1, point: operating-state, lostIf: gone }] }",
      METERS,
      /operating-state never says gone: /,
    ],
    [
      "a point has no words",
      "{ lostBy: [{ device: bess-1, point: active-power, lostIf: 'true' }] }",
      METERS,
      /active-power never says true/,
    ],
    [
      "there is no such point",
      "{ lostBy: [{ device: bess-1, point: nothing, lostIf: 'true' }] }",
      METERS,
      /has no point nothing/,
    ],
    [
      "it would be back before it is lost",
      "{ lostBelowPercent: 50, backAbovePercent: 40 }",
      METERS,
      /back above where it is lost/,
    ],
  ] as const)
    it(`is refused with a sentence where ${name}`, () => {
      assert.throws(() => planOf(rideThrough, meters), sentence);
    });
});
