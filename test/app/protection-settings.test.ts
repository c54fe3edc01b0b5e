import { strict as assert } from "node:assert";
import { controlPlan } from "../../src/app/control-settings.ts";
import { demoSiteText } from "../../src/app/demo/site.ts";
import { contextOf } from "../../src/app/site-context.ts";
import { requireSite } from "../../src/config/load.ts";
import type { ControlPlan } from "../../src/control/plan.ts";

function demo(section = "", change: (text: string) => string = (text) => text) {
  const text = demoSiteText({
    basePort: 15_020,
    mqttPort: 18_830,
    directory: "data",
    runtimeDirectory: "run",
  });
  const own = section === "" ? "" : `  protection:\n${section}`;
  const full = change(text.replace("\nmeters:", `${own}\nmeters:`));
  const context = contextOf(requireSite(full, "/etc/site.yaml"), "/etc/site.yaml");
  const plan = controlPlan(context);
  assert.ok(plan !== undefined);
  const nameOf = (point: number | undefined): string =>
    (point === undefined ? undefined : context.table.points[point]?.id) ?? "";
  return { context, plan, nameOf };
}

const ruleOf = ({ trips }: ControlPlan, id: string, device?: string) => {
  const rule = trips.find((one) => one.id === id && (device ?? one.device) === one.device);
  assert.ok(rule !== undefined, id);
  return rule;
};

describe("protection in the site file", () => {
  it("that says nothing has the trips of cells and doors, blocks, a hold before a reset", () => {
    const { plan, nameOf } = demo();
    const ids = new Set(plan.trips.map(({ id }) => id));
    for (const id of [
      "emergency-stop",
      "insulation-fault",
      "battery-insulation-fault",
      "battery-trip",
      "battery-over-voltage",
      "battery-under-voltage",
      "temperature-imbalance-trip",
      "cabinet-open",
      "battery-door-open",
      "fault-repeated",
    ])
      assert.ok(ids.has(id), id);
    const { terms } = ruleOf(plan, "emergency-stop");
    assert.deepEqual([terms?.holdOffMs, terms?.role, terms?.rampMs], [1_000, "safety", 0]);
    assert.equal(ruleOf(plan, "battery-over-voltage").terms?.role, "operator");
    assert.equal(ruleOf(plan, "fault-repeated").terms?.passesPerHour, 3);
    assert.deepEqual(
      plan.protection?.blocks.map(({ name, device, direction, releaseMs }) => [
        name,
        device,
        direction,
        releaseMs,
      ]),
      [
        ["battery-under-temperature", "bess-1", "charge", 60_000],
        ["battery-voltage-high", "bess-1", "charge", 60_000],
        ["battery-under-temperature", "bess-2", "charge", 60_000],
        ["battery-voltage-high", "bess-2", "charge", 60_000],
        ["battery-voltage-low", "bess-1", "discharge", 60_000],
        ["battery-voltage-low", "bess-2", "discharge", 60_000],
      ],
    );
    assert.deepEqual([plan.protection.derates, plan.protection.people], [[], []]);
    assert.equal(plan.grid.voted, undefined);
    const [unit] = plan.units;
    assert.equal(nameOf(unit?.points.batteryHeartbeat?.point), "bess-1/x-bms-heartbeat");
    assert.equal(unit?.points.batteryHeartbeat?.maxAgeMs, 2_500, "2 s and a poll");
    assert.equal(unit.points.reactive, undefined, "no envelope, nothing to set to zero");
  });

  it("names inputs of the plant that stop batteries, with their sensors and their role", () => {
    const { plan, nameOf } = demo(`    stops:
      - cause: emergency-stop
        sensors:
          - { device: ups-1, point: ups-state, when: static-bypass }
          - { device: ups-2, point: ups-state, when: static-bypass }
          - { device: ups-3, point: ups-state, when: static-bypass }
        stops: [battery]
      - cause: gas-warning
        sensors: [{ device: ups-1, point: ups-state, when: static-bypass }]
        stops: [bess-2]
        lostAfterMs: 0
        rampMs: 4000
        reset: operator
`);
    const stop = ruleOf(plan, "emergency-stop", "ups-1");
    assert.deepEqual(stop.units, [0, 1]);
    assert.equal(nameOf(stop.condition.point), "ups-1/ups-state");
    assert.deepEqual(
      stop.terms?.channels.map(({ point }) => nameOf(point)),
      ["ups-2/ups-state", "ups-3/ups-state"],
    );
    assert.deepEqual(
      [stop.terms.blindMs, stop.terms.rampMs, stop.terms.role],
      [2_000, 0, "safety"],
    );
    const gas = ruleOf(plan, "gas-warning");
    assert.deepEqual(gas.units, [1]);
    assert.deepEqual(
      [gas.terms?.blindMs, gas.terms?.rampMs, gas.terms?.role],
      [undefined, 4_000, "operator"],
    );
  });

  it("names values that block and temperatures that derate, for all units or for some", () => {
    const { plan, nameOf } = demo(`    blocks:
      - { direction: charge, point: cell-voltage.maximum, above: 3.6, hysteresis: 0.05 }
      - direction: discharge
        point: cell-voltage.minimum
        below: 2.9
        hysteresis: 0.1
        units: [bess-2]
    derate:
      - { point: cabinet-temperature, fromCel: 45, toCel: 55 }
    blockReleaseMs: 90000
`);
    const own = plan.protection?.blocks.filter(({ cause }) => cause.kind === "limit") ?? [];
    assert.deepEqual(
      own.map(({ device, cause, units }) => [
        device,
        cause.kind === "limit" ? [cause.side, cause.limit, cause.hysteresis] : [],
        units,
      ]),
      [
        ["bess-1", ["above", 3.6, 0.05], [0]],
        ["bess-2", ["above", 3.6, 0.05], [1]],
        ["bess-2", ["below", 2.9, 0.1], [1]],
      ],
    );
    assert.ok(own.every(({ releaseMs }) => releaseMs === 90_000));
    assert.deepEqual(
      plan.protection?.derates.map(({ input, fromCel, toCel, hysteresisK, units }) => [
        nameOf(input.point),
        fromCel,
        toCel,
        hysteresisK,
        units,
      ]),
      [
        ["bess-1/cabinet-temperature", 45, 55, 4, [0]],
        ["bess-2/cabinet-temperature", 45, 55, 4, [1]],
      ],
    );
  });

  it("names meters that vote, people, and trips that may end by themselves", () => {
    const { plan, nameOf } = demo(`    gridMeters: { meters: [m-train, m-ups] }
    people: [{ name: anna, role: safety }]
    recovers: [battery-trip]
    recoverAfterMs: 120000
    resetHoldMs: 5000
`);
    const { voted } = plan.grid;
    assert.deepEqual(
      voted?.inputs.map(({ point }) => nameOf(point)),
      ["pcc-meter/active-power", "m-train/active-power", "m-ups/active-power"],
    );
    assert.deepEqual(
      [voted.deviationFraction, voted.floor, voted.samples, voted.worse],
      [0.02, 50_000, 3, "higher"],
    );
    assert.deepEqual(plan.protection?.people, [{ name: "anna", role: "safety" }]);
    const { terms } = ruleOf(plan, "battery-trip");
    assert.deepEqual([terms?.recoversAfterMs, terms?.holdOffMs], [120_000, 5_000]);
    assert.equal(ruleOf(plan, "emergency-stop").terms?.recoversAfterMs, undefined);
  });

  it("writes exclusions of the envelope both ways round", () => {
    const { plan } = demo("", (text) =>
      text.replace(
        "- { device: cdu-1, point: pump-speed-setpoint, minimum: 30",
        "- { device: cdu-1, point: pump-speed-setpoint, excludes: [cdu-2/pump-speed-setpoint], " +
          "minimum: 0",
      ),
    );
    const excludesOf = (asset: string): readonly string[] | undefined =>
      plan.envelope
        .find((entry) => entry.asset === asset && entry.pointName === "pump-speed-setpoint")
        ?.excludes?.map(({ name }) => name);
    assert.deepEqual(excludesOf("cdu-1"), ["cdu-2/pump-speed-setpoint"]);
    assert.deepEqual(excludesOf("cdu-2"), ["cdu-1/pump-speed-setpoint"]);
    assert.equal(excludesOf("cdu-3"), undefined);
  });

  const stop = (sensor: string, units = "[battery]"): string =>
    `    stops: [{ cause: fire-alarm, sensors: [${sensor}], stops: ${units} }]\n`;
  for (const [what, section, sentence] of [
    [
      "a word that is none of its point's",
      stop("{ device: ups-1, point: ups-state, when: gone }"),
      /ups-state never says gone: /,
    ],
    [
      "a sensor that has no words",
      stop("{ device: ups-1, point: active-power, when: 'true' }"),
      /active-power never says true/,
    ],
    [
      "a device that is not there",
      stop("{ device: panel, point: fire-alarm, when: 'true' }"),
      /panel has no point fire-alarm/,
    ],
    [
      "a UPS to be stopped: it carries load",
      stop("{ device: ups-1, point: ups-state, when: static-bypass }", "[ups-1]"),
      /there is no battery or unit ups-1/,
    ],
    [
      "a block without a limit",
      "    blocks: [{ direction: charge, point: cell-voltage.maximum, hysteresis: 0.1 }]\n",
      /needs above or below/,
    ],
    [
      "one temperature twice",
      "    derate: [{ point: cabinet-temperature, fromCel: 45, toCel: 45 }]\n",
      /needs two temperatures/,
    ],
    [
      "a temperature that no battery has",
      "    derate: [{ point: cell-temperature.maximum, fromCel: 45, toCel: 55 }]\n",
      /no battery has a point cell-temperature.maximum/,
    ],
  ] as const)
    it(`refuses ${what}`, () => {
      assert.throws(
        () => demo(section),
        (error: unknown) => {
          assert.match(
            String((error as { context?: { problem?: string } }).context?.problem),
            sentence,
          );
          return true;
        },
      );
    });

  it("refuses an exclusion of a point that the envelope does not have", () => {
    assert.throws(() =>
      demo("", (text) =>
        text.replace(
          "- { device: cdu-1, point: pump-speed-setpoint,",
          "- { device: cdu-1, point: pump-speed-setpoint, " +
            "excludes: [cdu-1/valve-position-setpoint],",
        ),
      ),
    );
  });
});
