import { strict as assert } from "node:assert";
import { demoSiteText } from "../../src/app/demo/site.ts";
import { fieldStreamsForControl } from "../../src/app/control-streams.ts";
import { contextOf, type SiteContext } from "../../src/app/site-context.ts";
import { thermalPlan, thermalPoints } from "../../src/app/thermal-settings.ts";
import { parseSite } from "../../src/config/load.ts";
import { GatewayError } from "../../src/domain/errors.ts";
import { deviceId, pointId, pointIndex, streamId } from "../../src/domain/point.ts";

/** Every test compiles the profiles of a whole site. */
const TIMEOUT_MS = 30_000;
const MINIMUM = /(device: cdu-3, point: pump-speed-setpoint, minimum: )30/;

function contextOfSite(thermal: string, change = (text: string) => text): SiteContext {
  const text = demoSiteText({
    basePort: 15_020,
    mqttPort: 18_830,
    directory: "data",
    runtimeDirectory: "run",
  });
  const parsed = parseSite(change(text).concat(thermal));
  assert.ok("site" in parsed, JSON.stringify(parsed));
  return contextOf(parsed.site, "/etc/site.yaml");
}

function problemsOf(thermal: string): readonly string[] {
  const text = demoSiteText({
    basePort: 15_020,
    mqttPort: 18_830,
    directory: "data",
    runtimeDirectory: "run",
  });
  const parsed = parseSite(text.concat(thermal));
  return "problems" in parsed ? parsed.problems.map(({ message }) => message) : [];
}

function failureOf(context: SiteContext): string {
  try {
    thermalPlan(context);
  } catch (error) {
    assert.ok(error instanceof GatewayError && error.code === "CONFIG_INVALID");
    return error.message;
  }
  return "none";
}

/** A heat exchanger and a two-phase unit, for which no profile comes with the gateway. */
function withExchanger(context: SiteContext): SiteContext {
  const names = {
    "hx-1": [
      "network.flow",
      "network.supply-temperature",
      "heat-rate-setpoint",
      "coolant-conductivity",
      "valve-position-setpoint",
    ],
    "cdu-8": ["vapor-quality", "secondary.supply-pressure", "phase-change-detected"],
  };
  const { table } = context;
  const points = [...table.points];
  const indexById = new Map(table.indexById);
  for (const [device, list] of Object.entries(names))
    for (const name of list) {
      const [model] = table.points;
      assert.ok(model !== undefined);
      const index = pointIndex(points.length);
      const id = pointId(`${device}/${name}`);
      points.push({ ...model, id, index, device: deviceId(device), name });
      indexById.set(id, index);
    }
  const [first] = table.devices;
  const cdu = context.deviceById.get("cdu-3");
  assert.ok(first !== undefined && cdu !== undefined);
  const exchanger = {
    ...first,
    id: deviceId("hx-1"),
    deviceClass: "heat-exchanger",
    stream: streamId(99),
  };
  const writable = cdu.profile.points
    .filter(({ id }) => id === "pump-speed-setpoint")
    .map((point) => ({ ...point, id: "valve-position-setpoint" }));
  const profile = { ...cdu.profile, points: writable };
  const envelope = {
    device: "hx-1",
    point: "valve-position-setpoint",
    minimum: 0,
    maximum: 100,
    unit: "%",
    minimumIntervalMs: 0,
    beyond: "refuse",
  } as const;
  return {
    ...context,
    site: { ...context.site, envelope: [...context.site.envelope, envelope] },
    table: { ...table, points, indexById, devices: [...table.devices, exchanger] },
    deviceById: new Map(context.deviceById).set("hx-1", { ...cdu, profile }),
    maxAgesMs: new Float64Array(points.length).fill(2_500),
  };
}

describe("plan of the thermal controllers", function () {
  this.timeout(TIMEOUT_MS);

  it("is none without a section, and then control is told no more of field than before", () => {
    const context = contextOfSite("");
    assert.equal(thermalPlan(context), undefined);
    const more = contextOfSite("\nthermal: { ratedHeatKw: 3000 }\n");
    assert.ok(fieldStreamsForControl(more).size >= fieldStreamsForControl(context).size + 6);
  });

  it("has a zone for every coolant unit by its canonical points, and only observes it", () => {
    const plan = thermalPlan(contextOfSite("\nthermal: { ratedHeatKw: 3000 }\n"));
    assert.ok(plan !== undefined);
    assert.deepEqual(
      plan.zones.map(({ asset, mode }) => `${asset} ${mode}`),
      Array.from({ length: 8 }, (_, place) => `cdu-${place + 1} observe`),
    );
    assert.equal(plan.rooms.length, 6);
    const [zone] = plan.zones;
    assert.ok(zone?.points.flow !== undefined && zone.points.rope !== undefined);
    assert.equal(zone.points.secondRope, undefined, "only the site knows of it");
    assert.equal(zone.actuators.speed?.pointName, "pump-speed-setpoint");
    assert.deepEqual([zone.settings.ratedHeatW, zone.settings.leak.idleW], [3e6, 90e3]);
    assert.ok(zone.settings.flow.lossUncontrolledMs >= 6_000, "its speed is read each 5 s");
    assert.ok(thermalPoints(plan).length > 50);
  });

  it("drives a unit only where the envelope lets a leak stop its pumps", () => {
    const thermal = "\nthermal: { ratedHeatKw: 3000, zones: [{ device: cdu-3, mode: control }] }\n";
    assert.match(failureOf(contextOfSite(thermal)), /a leak could not stop its pumps/);
    const able = contextOfSite(thermal, (text) => text.replace(MINIMUM, "$10"));
    const zone = thermalPlan(able)?.zones.find(({ asset }) => asset === "cdu-3");
    assert.equal(zone?.mode, "control");
    const bare = { ...able, site: { ...able.site, envelope: [] } };
    assert.match(failureOf(bare), /the envelope has no setpoint of it/);
  });

  for (const [what, zones, sentence] of [
    ["a unit that is none", "[{ device: ups-1 }]", /ups-1 is no coolant unit/],
    ["a point that is none", "[{ device: cdu-3, secondRope: x-none }]", /no point x-none/],
    ["a valve without envelope", "[{ device: cdu-3, zoneValve: x-flow.1 }]", /has no envelope/],
  ] as const)
    it(`says what is wrong with ${what}`, () => {
      const context = contextOfSite(`\nthermal: { ratedHeatKw: 3000, zones: ${zones} }\n`);
      assert.match(failureOf(context), sentence);
    });

  it("is refused by the site file's own check where a name is wrong or stands twice", () => {
    const zones = "[{ device: cdu-3 }, { device: cdu-3 }, { device: cdu-33 }]";
    assert.deepEqual(problemsOf(`\nthermal: { ratedHeatKw: 3000, zones: ${zones} }\n`), [
      '"cdu-3" stands here twice',
      'there is no device "cdu-33"',
    ]);
  });

  it("has the sensors vote that the site names beside a unit's own, and reads them", () => {
    const sensors =
      "supplySensors: { points: [x-loop-2-outlet-temperature, " +
      "cdu-4/x-loop-2-outlet-temperature], deviationPercent: 3 }, " +
      "flowSensors: { points: [cdu-4/x-flow.1], deviationLPerMin: 8, samples: 5 }";
    const zones = `[{ device: cdu-3, ${sensors} }]`;
    const context = contextOfSite(`\nthermal: { ratedHeatKw: 3000, zones: ${zones} }\n`);
    const plan = thermalPlan(context);
    const zone = plan?.zones.find(({ asset }) => asset === "cdu-3");
    const { supply, return_, flow } = zone?.sensors ?? {};
    assert.ok(plan !== undefined && supply !== undefined && flow !== undefined);
    assert.deepEqual(
      supply.sensors.map(({ name }) => name),
      [
        "cdu-3/secondary.supply-temperature",
        "cdu-3/x-loop-2-outlet-temperature",
        "cdu-4/x-loop-2-outlet-temperature",
      ],
    );
    assert.deepEqual([supply.worse, supply.deviationFraction, supply.floor], ["higher", 0.03, 0.5]);
    assert.equal(return_, undefined);
    assert.deepEqual([flow.worse, flow.floor, flow.samples], ["lower", 8, 5]);
    const read = new Set(thermalPoints(plan));
    for (const { point } of [...supply.inputs, ...flow.inputs])
      assert.ok(read.has(point), `${context.table.points[point]?.id} comes from field`);
    assert.equal(plan.zones.filter((each) => each.sensors !== undefined).length, 1);
  });

  it("makes no plan with a sensor that cannot be one", () => {
    const zones = "[{ device: cdu-3, returnSensors: { points: [x-none] } }]";
    const context = contextOfSite(`\nthermal: { ratedHeatKw: 3000, zones: ${zones} }\n`);
    assert.match(failureOf(context), /"cdu-3" has no point x-none/);
  });

  it("makes a two-phase zone and a delivery of heat where the site has them", () => {
    const zones = "[{ device: cdu-8, twoPhase: { deratePressureKpa: 200, tripPressureKpa: 300 } }]";
    const context = withExchanger(
      contextOfSite(`\nthermal: { ratedHeatKw: 3000, zones: ${zones} }\n`),
    );
    const plan = thermalPlan(delivering(context, "hx-1"));
    const zone = plan?.zones.find(({ asset }) => asset === "cdu-8");
    assert.equal(zone?.settings.twoPhase?.tripPressureKpa, 300);
    assert.ok(zone.points.vapour !== undefined && zone.points.phaseDetected !== undefined);
    const [delivery] = plan?.deliveries ?? [];
    assert.deepEqual(
      [delivery?.asset, delivery?.settings.ratingW, delivery?.settings.supplyCel],
      ["hx-1", 2e6, 80],
    );
    assert.ok(delivery?.points.demand !== undefined && delivery.points.conductivity !== undefined);
    assert.equal(delivery.actuators.valve?.stream, 99);
    assert.match(failureOf(delivering(context, "cdu-1")), /cdu-1 is no heat exchanger/);
  });
});

/** A delivery as the schema gives it, beside what the context has already. */
function delivering(context: SiteContext, device: string): SiteContext {
  const { thermal } = context.site;
  assert.ok(thermal !== undefined);
  const delivery = {
    device,
    source: "heat-pump",
    supplyCel: 80,
    ratedHeatKw: 2_000,
    valve: "valve-position-setpoint",
  } as const;
  return { ...context, site: { ...context.site, thermal: { ...thermal, deliveries: [delivery] } } };
}
