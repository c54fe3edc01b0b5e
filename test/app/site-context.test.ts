import { strict as assert } from "node:assert";
import path from "node:path";
import { controlPlan } from "../../src/app/control-settings.ts";
import { demoSiteText } from "../../src/app/demo/site.ts";
import { contextOf, type SiteContext } from "../../src/app/site-context.ts";
import { brokerAddresses } from "../../src/app/broker-addresses.ts";
import { parseSite } from "../../src/config/load.ts";
import { SAMPLE_SITE } from "../../src/config/sample.ts";
import type { SiteConfig } from "../../src/config/schema.ts";
import { GatewayError } from "../../src/domain/errors.ts";
import type { WriteBinding } from "../../src/profiles/binding.ts";

function siteOf(text: string): SiteConfig {
  const result = parseSite(text);
  assert.ok("site" in result, JSON.stringify(result));
  return result.site;
}

/** The same site with other write bindings of bess-1. */
function withWrites(
  context: SiteContext,
  change: (write: WriteBinding) => WriteBinding,
): SiteContext {
  const device = context.deviceById.get("bess-1")!;
  const points = device.profile.points.map((point) =>
    point.write === undefined ? point : { ...point, write: change(point.write) },
  );
  const changed = { ...device, profile: { ...device.profile, points } };
  return { ...context, deviceById: new Map(context.deviceById).set("bess-1", changed) };
}

const READ_ONLY =
  "  - { device: bess-1, point: state-of-charge, minimum: 0, maximum: 1, unit: '%' }\n";

const DEMO = demoSiteText({
  basePort: 15_020,
  mqttPort: 18_830,
  directory: "data",
  runtimeDirectory: "run",
});

describe("site context", () => {
  it("makes one table of the demo site's 28 devices and the gateway's own", () => {
    const { table, devices } = contextOf(siteOf(DEMO), "/etc/site.yaml");
    assert.equal(devices.length, 28);
    assert.equal(table.devices.length, 31);
    table.points.forEach((point, index) => {
      assert.equal(point.index, index);
    });
    assert.deepEqual(
      table.devices.slice(28).map(({ id, producer }) => [id, producer]),
      [
        ["gateway-control", "control"],
        ["gateway-field", "field"],
        ["gateway-services", "services"],
      ],
    );
    for (const { firstPoint, pointCount, id } of table.devices)
      for (const point of table.points.slice(firstPoint, firstPoint + pointCount))
        assert.equal(point.device, id);
    assert.equal(table.points[table.indexById.get("ups-1/link-up") ?? -1]?.type, "bool");
  });

  it("names the table by everything that decides its order", () => {
    const hash = (text: string): string => contextOf(siteOf(text), "/etc/site.yaml").table.hash;
    assert.equal(hash(DEMO), hash(DEMO));
    assert.notEqual(hash(DEMO), hash(DEMO.replace("gateway: gw-1", "gateway: gw-2")));
    assert.equal(hash(DEMO), hash(DEMO.replace("default: 1000", "default: 2000")));
  });

  it("gives telemetry fields that are unique in their device", () => {
    const { table } = contextOf(siteOf(DEMO), "/etc/site.yaml");
    for (const { firstPoint, pointCount, id } of table.devices) {
      const fields = table.points
        .slice(firstPoint, firstPoint + pointCount)
        .map(({ field }) => field);
      assert.equal(new Set(fields).size, fields.length, id);
    }
  });

  it("keeps socket paths short however deep the data lie", () => {
    const deep = DEMO.replace('runtimeDirectory: "run"\n', "");
    const file = path.join("/", ...Array.from({ length: 12 }, () => "a-long-folder"), "site.yaml");
    const { runtimeDirectory } = contextOf(siteOf(deep), file);
    assert.ok(`${runtimeDirectory}/services/queries/socket`.length <= 107, runtimeDirectory);
  });

  it("says which profile is missing", () => {
    const text = SAMPLE_SITE.replace("janitza/umg604", "janitza/umg999");
    assert.throws(
      () => contextOf(siteOf(text), "/etc/site.yaml"),
      (error) => error instanceof GatewayError && error.code === "PROFILE_MISSING",
    );
  });
});

describe("control settings", () => {
  it("turns the site file into SI and points", () => {
    const plan = controlPlan(contextOf(siteOf(DEMO), "/etc/site.yaml"));
    assert.ok(plan !== undefined);
    assert.equal(plan.grid.importLimitW, 28_000_000);
    assert.equal(plan.grid.peakCapW, 26_500_000);
    assert.equal(plan.smoothing?.highW, 28_000_000);
    assert.equal(plan.grid.rampUpWPerS, 50_000);
    assert.deepEqual(
      plan.units.map(({ asset, dischargeRatingW, chargeRatingW }) => [
        asset,
        dischargeRatingW,
        chargeRatingW,
      ]),
      [
        ["bess-1", 12_000_000, 12_000_000],
        ["bess-2", 12_000_000, 12_000_000],
      ],
    );
    assert.deepEqual(plan.groups, [{ asset: "battery", units: [0, 1] }]);
    assert.deepEqual(
      plan.grid.feeders.map(({ device, setsPace }) => [device, setsPace]),
      [
        ["m-train", true],
        ["m-ups", false],
        ["m-mech", false],
      ],
    );
    assert.ok(plan.trips.some(({ id }) => id === "emergency-stop"));
  });

  it("watches the counter of a unit for as long as its profile says", () => {
    const context = contextOf(siteOf(DEMO), "/etc/site.yaml");
    const beats = controlPlan(context)?.units.map(({ points }) => points.heartbeat);
    const point = (unit: string) => context.table.indexById.get(`${unit}/heartbeat`);
    assert.deepEqual(beats, [
      { point: point("bess-1"), maxAgeMs: 3_500 },
      { point: point("bess-2"), maxAgeMs: 3_500 },
    ]);
  });

  it("has a smallest step where neither profile nor site gives one", () => {
    const context = contextOf(siteOf(SAMPLE_SITE), "/etc/site.yaml");
    assert.equal(controlPlan(context)?.units[0]?.stepW, 1_000);
    const batteries = context.site.control?.batteries.map((all) => ({ ...all, differsKw: 0 }));
    const control = { ...context.site.control!, batteries: batteries! };
    const stepless = withWrites(context, (write) => ({ ...write, step: undefined }));
    const bare = { ...stepless, site: { ...context.site, control } };
    assert.equal(controlPlan(bare)?.units[0]?.stepW, 1);
  });

  it("refuses a unit that a trip could not stop", () => {
    const run = /  - \{ device: bess-1, point: run-command.*\n/;
    assert.match(SAMPLE_SITE, run);
    const half = SAMPLE_SITE.replace("run-command, minimum: 0", "run-command, minimum: 1");
    for (const text of [SAMPLE_SITE.replace(run, ""), half])
      assert.throws(
        () => controlPlan(contextOf(siteOf(text), "/etc/site.yaml")),
        /bess-1 needs an envelope for its run-command from 0 \(stop\) to 1 \(start\)/,
      );
  });

  it("binds the reset of a unit's alarms only where the envelope has it", () => {
    const resets = (text: string) =>
      controlPlan(contextOf(siteOf(text), "/etc/site.yaml"))?.units[0]?.points.run?.alarmReset;
    assert.notEqual(resets(SAMPLE_SITE), undefined);
    const entry = /  - \{ device: bess-1, point: alarm-reset.*\n/;
    assert.match(SAMPLE_SITE, entry);
    assert.equal(resets(SAMPLE_SITE.replace(entry, "")), undefined);
  });

  it("refuses a read-back that takes longer than setpoints are remembered", () => {
    const context = contextOf(siteOf(SAMPLE_SITE), "/etc/site.yaml");
    const readBack = { withinMs: 60_000, tolerance: 0, place: undefined };
    const slow = withWrites(context, (write) => ({ ...write, readBack }));
    assert.throws(() => controlPlan(slow), /up to 60000 ms later/);
  });

  it("has none without a control section", () => {
    const text = SAMPLE_SITE.replace(/control:[\s\S]*?\n\n# A setpoint/, "# A setpoint");
    assert.equal(controlPlan(contextOf(siteOf(text), "/etc/site.yaml")), undefined);
  });

  it("refuses an envelope for a point that nobody can write, and one in a wrong unit", () => {
    for (const [from, to, expected] of [
      ["point: active-power-setpoint", "point: state-of-charge", /needs an envelope/],
      ["envelope:\n", `envelope:\n${READ_ONLY}`, /cannot be written/],
      ["unit: kW,", "unit: Cel,", /no unit of/],
    ] as const)
      assert.throws(
        () => controlPlan(contextOf(siteOf(SAMPLE_SITE.replace(from, to)), "/etc/site.yaml")),
        expected,
      );
  });
});

describe("broker addresses", () => {
  it("are taken in their order, with the usual port", () => {
    const site = siteOf(
      SAMPLE_SITE.replace(
        "    - url: mqtt://127.0.0.1:1883\n",
        "    - url: mqtt://user:pa%20ss@a.example:1884\n    - url: mqtt://b.example\n",
      ),
    );
    assert.deepEqual(brokerAddresses(site), [
      { host: "a.example", port: 1_884, username: "user", password: "pa ss" },
      { host: "b.example", port: 1_883, username: undefined, password: undefined },
    ]);
  });
});
