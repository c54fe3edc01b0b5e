import { strict as assert } from "node:assert";
import { controlPlan } from "../../src/app/control-settings.ts";
import { fieldStreamsForControl, streamsOf } from "../../src/app/control-streams.ts";
import { demoSiteText } from "../../src/app/demo/site.ts";
import { contextOf, type SiteContext } from "../../src/app/site-context.ts";
import { parseSite } from "../../src/config/load.ts";
import { SAMPLE_SITE } from "../../src/config/sample.ts";
import type { ControlPlan } from "../../src/control/plan.ts";
import { GatewayError } from "../../src/domain/errors.ts";
import type { StreamId } from "../../src/domain/point.ts";

const DEMO = demoSiteText({
  basePort: 15_020,
  mqttPort: 18_830,
  directory: "data",
  runtimeDirectory: "run",
});

function contextFor(text: string): SiteContext {
  const result = parseSite(text);
  assert.ok("site" in result, JSON.stringify(result));
  return contextOf(result.site, "/etc/site.yaml");
}

const namesOf = ({ table }: Pick<SiteContext, "table">, streams: ReadonlySet<StreamId>) =>
  table.devices.filter(({ stream }) => streams.has(stream)).map(({ id }) => id);

/** Every `point` and every bare place that stands anywhere in a plan. */
function placesIn(value: unknown, key = ""): readonly number[] {
  if (typeof value === "number") return PLACE_KEYS.has(key) ? [value] : [];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, member]) => placesIn(member, name));
}
const PLACE_KEYS = new Set(["point", "power", "setpoint", "alarmReset"]);

describe("streams of field for control", () => {
  it("are the devices that its controllers and envelopes name, and no others", () => {
    const context = contextFor(DEMO);
    assert.deepEqual(namesOf(context, fieldStreamsForControl(context)), [
      "m-ups",
      "m-mech",
      "chiller-1",
      "chiller-2",
      "chiller-3",
      "chiller-4",
      "cdu-1",
      "cdu-2",
      "cdu-3",
      "cdu-4",
      "cdu-5",
      "cdu-6",
      "cdu-7",
      "cdu-8",
    ]);
  });

  it("leave out no point of a plan, wherever it stands", () => {
    const context = contextFor(DEMO);
    const plan = controlPlan(context);
    assert.ok(plan !== undefined);
    const devices = context.table.devices.map(
      (device) => ({ ...device, producer: "field" }) as const,
    );
    const table = { ...context.table, devices };
    const parts: readonly Partial<ControlPlan>[] = [
      {},
      { envelope: [] },
      { envelope: [], trips: [] },
      { envelope: [], units: [] },
    ];
    for (const change of parts) {
      const part: ControlPlan = { ...plan, ...change };
      const named = new Set(
        placesIn(part).map((place): string => table.points[place]?.device ?? ""),
      );
      assert.ok(named.size > 3);
      assert.deepEqual(new Set<string>(namesOf({ table }, streamsOf(part, { table }))), named);
    }
  });

  it("are none without a controller", () => {
    const bare = contextFor(DEMO.replace(/^control:\n(?: .*\n)+/m, ""));
    assert.equal(bare.site.control, undefined);
    assert.equal(fieldStreamsForControl(bare).size, 0);
  });

  it("are none where control cannot run with its site: field goes on", () => {
    const stopOnly = contextFor(
      SAMPLE_SITE.replace("minimum: 0, maximum: 1,", "minimum: 0, maximum: 0,"),
    );
    assert.throws(() => controlPlan(stopOnly), GatewayError);
    assert.equal(fieldStreamsForControl(stopOnly).size, 0);
  });
});
