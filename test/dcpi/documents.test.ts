import { strict as assert } from "node:assert";
import { ackDocument, ackTopic, pswdStatus, refusalDocument } from "../../src/dcpi/ack.ts";
import { BatteryStatus } from "../../src/dcpi/battery-status.ts";
import { eventDocument, eventTopic } from "../../src/dcpi/events.ts";
import { modelDocument } from "../../src/dcpi/model.ts";
import { PowerRealtime } from "../../src/dcpi/power-realtime.ts";
import { statusDocument } from "../../src/dcpi/status.ts";
import { ThermalStatus } from "../../src/dcpi/thermal-status.ts";
import type { CommandStep } from "../../src/domain/command.ts";
import { qualityCode } from "../../src/domain/quality.ts";
import { utcMs } from "../../src/domain/time.ts";
import { asJson, plantColumns, plantTable } from "./plant.ts";

const T = utcMs(Date.UTC(2026, 0, 1, 12, 0, 0, 50));
const T_TEXT = "2026-01-01T12:00:00.050Z";
const speaker = { facility: "hall-1", gateway: "gw-1" };
const BESS = [
  "active-power",
  "state-of-charge",
  "charge-power-limit",
  "discharge-power-limit",
  "energy-capacity",
  "energy-available",
  "operating-state",
  "cell-temperature.maximum",
];
const table = plantTable([
  {
    id: "pcc-meter",
    deviceClass: "grid-connection",
    points: ["active-power", "reactive-power", "frequency", "voltage-ll", "thd.voltage"],
  },
  { id: "bess-1", deviceClass: "bess", points: BESS },
  { id: "bess-2", deviceClass: "bess", points: BESS },
  { id: "m-train", deviceClass: "meter", points: ["active-power"] },
  { id: "m-mech", deviceClass: "meter", points: ["active-power"] },
  {
    id: "cdu-1",
    deviceClass: "cdu",
    points: [
      "secondary.supply-temperature",
      "secondary.return-temperature",
      "secondary.flow",
      "secondary.supply-pressure",
      "heat-rate",
    ],
  },
  { id: "crah-1", deviceClass: "crah", points: ["operating-state", "supply-air-temperature"] },
  {
    id: "heat-meter-1",
    deviceClass: "heat-meter",
    points: ["heat-rate", "supply-temperature", "return-temperature"],
  },
]);

function bess(id: string, members: Readonly<Record<string, number>>): Record<string, number> {
  const all: Readonly<Record<string, number>> = {
    "active-power": 2_875_000,
    "state-of-charge": 62.4,
    "charge-power-limit": 12e6,
    "discharge-power-limit": 12e6,
    "energy-capacity": 6e6,
    "energy-available": 2_875_000,
    "operating-state": 3,
    "cell-temperature.maximum": 27,
    ...members,
  };
  return Object.fromEntries(Object.entries(all).map(([point, value]) => [`${id}/${point}`, value]));
}

const healthy = {
  "pcc-meter/active-power": 20_010_000,
  "pcc-meter/reactive-power": 0,
  "pcc-meter/frequency": Math.fround(49.98),
  "pcc-meter/voltage-ll": 19_800,
  "pcc-meter/thd.voltage": 2.1,
  ...bess("bess-1", {}),
  ...bess("bess-2", { "state-of-charge": 62.6, "cell-temperature.maximum": 31 }),
  "m-train/active-power": 20_000_000,
  "m-mech/active-power": 1_110_000,
  "cdu-1/secondary.supply-temperature": 32,
  "cdu-1/secondary.return-temperature": 42.1,
  "cdu-1/secondary.flow": 3_614,
  "cdu-1/secondary.supply-pressure": 320,
  "cdu-1/heat-rate": 2_525_000,
  "crah-1/operating-state": 4,
  "crah-1/supply-air-temperature": 18,
  "heat-meter-1/heat-rate": 3_000_000,
  "heat-meter-1/supply-temperature": 75,
  "heat-meter-1/return-temperature": 50,
};

const head = {
  dcpi_version: "1.0",
  timestamp: T_TEXT,
  facility_id: "hall-1",
  gateway_id: "gw-1",
};

function broken(id: string, reason: "no-communication" | "stale") {
  const plant = plantColumns(table, healthy);
  const index = table.indexById.get(id)!;
  plant.quality[index] = qualityCode(reason);
  if (reason === "no-communication") plant.values[index] = Number.NaN;
  return plant;
}

describe("power/realtime", () => {
  const meters = {
    compute: ["m-train"],
    cooling: ["m-mech"],
    infrastructure: [],
    nominalVoltageV: 20_000,
  };
  it("tells consumption, import, battery and the site's feeders", () => {
    const realtime = new PowerRealtime(table, speaker, meters);
    assert.deepEqual(asJson(realtime.encode(plantColumns(table, healthy), T)), {
      ...head,
      message_type: "power_realtime",
      correlation_id: "power-1",
      measurement_timestamp: T_TEXT,
      total_power_mw: 25.76,
      grid_import_mw: 20.01,
      battery_power_mw: 5.75,
      power_quality: {
        frequency_hz: 49.98,
        power_factor: 1,
        voltage_v: 19_800,
        thd_percent: 2.1,
        voltage_stability: "normal",
      },
      power_breakdown: { compute_load_mw: 20, cooling_systems_mw: 1.11 },
    });
    assert.equal(
      asJson(realtime.encode(plantColumns(table, healthy), T))["correlation_id"],
      "power-2",
    );
  });

  it("has null with the reason for every sum of which a part is not good", () => {
    const realtime = new PowerRealtime(table, speaker, meters);
    const document = asJson(realtime.encode(broken("bess-2/active-power", "no-communication"), T));
    assert.equal(document["total_power_mw"], null);
    assert.equal(document["battery_power_mw"], null);
    assert.equal(document["grid_import_mw"], 20.01);
    assert.deepEqual(document["quality"], {
      total_power_mw: "bad/no-communication",
      battery_power_mw: "bad/no-communication",
    });
    const stale = asJson(realtime.encode(broken("m-train/active-power", "stale"), T));
    assert.deepEqual(stale["power_breakdown"], {
      compute_load_mw: null,
      cooling_systems_mw: 1.11,
      quality: { compute_load_mw: "uncertain/stale" },
    });
  });

  it("says words for voltage only by the thresholds, and nothing that it cannot know", () => {
    const bare = { compute: [], cooling: [], infrastructure: [], nominalVoltageV: undefined };
    const plain = asJson(
      new PowerRealtime(table, speaker, bare).encode(plantColumns(table, healthy), T),
    );
    assert.equal("power_breakdown" in plain, false);
    assert.equal("voltage_stability" in (plain["power_quality"] as object), false);
    for (const [volts, word] of [
      [18_999, "warning"],
      [17_999, "critical"],
      [21_001, "warning"],
    ] as const) {
      const plant = plantColumns(table, { ...healthy, "pcc-meter/voltage-ll": volts });
      const document = asJson(new PowerRealtime(table, speaker, meters).encode(plant, T));
      assert.equal(
        (document["power_quality"] as Record<string, unknown>)["voltage_stability"],
        word,
      );
    }
  });
});

describe("battery/status", () => {
  it("tells the group as a sum and worst case, and each battery", () => {
    const document = asJson(
      new BatteryStatus(table, speaker, "battery").encode(plantColumns(table, healthy), T),
    );
    const { batteries, ...group } = document;
    assert.deepEqual(group, {
      ...head,
      message_type: "battery_status",
      correlation_id: "battery-1",
      battery_id: "battery",
      current_charge_level_percent: 62.5,
      current_power_mw: 5.75,
      max_charge_rate_mw: 24,
      max_discharge_rate_mw: 24,
      estimated_runtime_hours: 1,
      temperature_c: 31,
      operating_status: "discharging",
    });
    assert.deepEqual((batteries as unknown[])[0], {
      battery_id: "bess-1",
      current_charge_level_percent: 62.4,
      current_power_mw: 2.875,
      max_charge_rate_mw: 12,
      max_discharge_rate_mw: 12,
      estimated_runtime_hours: 1,
      temperature_c: 27,
      operating_status: "discharging",
    });
  });

  it("counts no battery twice that a second device shows as well", () => {
    const bess1 = table.devices.find(({ id }) => id === "bess-1");
    const devices = table.devices.map((device) =>
      device === bess1 ? { ...device, isSecondSight: true as const } : device,
    );
    const document = asJson(
      new BatteryStatus({ ...table, devices }, speaker, "battery").encode(
        plantColumns(table, healthy),
        T,
      ),
    );
    assert.equal((document["batteries"] as unknown[]).length, 1);
    assert.equal(document["current_power_mw"], 2.875);
  });

  const states: readonly (readonly [string, Readonly<Record<string, number>>, unknown])[] = [
    ["charging", { "active-power": -2e6 }, "charging"],
    ["resting", { "active-power": 59_000 }, "standby"],
    ["in fault, although power flows", { "operating-state": 6 }, "fault"],
    ["in maintenance", { "operating-state": 7, "active-power": 0 }, "maintenance"],
  ];
  for (const [what, members, status] of states) {
    it(`says ${String(status)} of a battery that is ${what}`, () => {
      const plant = plantColumns(table, { ...healthy, ...bess("bess-1", members) });
      const document = asJson(new BatteryStatus(table, speaker, "battery").encode(plant, T));
      const [first] = document["batteries"] as Record<string, unknown>[];
      assert.equal(first?.["operating_status"], status);
      if (status !== "discharging") {
        assert.equal(first?.["estimated_runtime_hours"], null);
      }
      const isWorst = status === "fault" || status === "maintenance";
      if (isWorst) assert.equal(document["operating_status"], status);
    });
  }

  it("has no status, no power and no runtime of a battery that it cannot see", () => {
    const plant = broken("bess-1/active-power", "no-communication");
    const document = asJson(new BatteryStatus(table, speaker, "battery").encode(plant, T));
    const [first] = document["batteries"] as Record<string, unknown>[];
    for (const facts of [document, first!]) {
      assert.equal(facts["operating_status"], null);
      assert.equal(facts["current_power_mw"], null);
      const quality = facts["quality"] as Record<string, string>;
      assert.equal(quality["operating_status"], "bad/no-communication");
      assert.equal(quality["current_power_mw"], "bad/no-communication");
      assert.equal(quality["estimated_runtime_hours"], "bad/no-communication");
    }
  });
});

describe("thermal/status", () => {
  it("tells each cooling system and the heat that goes to the city", () => {
    const document = asJson(
      new ThermalStatus(table, speaker).encode(plantColumns(table, healthy), T),
    );
    assert.deepEqual(document, {
      ...head,
      message_type: "thermal_status",
      correlation_id: "thermal-1",
      measurement_timestamp: T_TEXT,
      cooling_systems: [
        {
          system_id: "cdu-1",
          equipment_class: "cdu",
          type: "single_phase",
          status: "operational",
          inlet_temp_c: 32,
          outlet_temp_c: 42.1,
          flow_rate_lpm: 3_614,
          pressure_bar: 3.2,
          heat_load_mw: 2.525,
        },
        {
          system_id: "crah-1",
          equipment_class: "crah",
          type: "air",
          status: "standby",
          inlet_temp_c: 18,
        },
      ],
      heat_recovery: {
        municipal_interface_active: true,
        heat_delivered_mw: 3,
        supply_temp_c: 75,
        return_temp_c: 50,
      },
    });
  });

  it("has null with the reason where a sensor is gone", () => {
    const plant = broken("cdu-1/secondary.flow", "no-communication");
    const document = asJson(new ThermalStatus(table, speaker).encode(plant, T));
    const [cdu] = document["cooling_systems"] as Record<string, unknown>[];
    assert.equal(cdu?.["flow_rate_lpm"], null);
    assert.equal(cdu["status"], null);
    assert.deepEqual(cdu["quality"], {
      flow_rate_lpm: "bad/no-communication",
      status: "bad/no-communication",
    });
    const heat = asJson(
      new ThermalStatus(table, speaker).encode(broken("heat-meter-1/heat-rate", "stale"), T),
    );
    const recovery = heat["heat_recovery"] as Record<string, unknown>;
    assert.equal(recovery["municipal_interface_active"], null);
    assert.equal(recovery["heat_delivered_mw"], null);
  });
});

describe("model", () => {
  const facts = {
    speaker,
    version: "0.1.0",
    telemetry: "by-name",
    features: ["telemetry", "battery-control"],
  } as const;
  const hashOf = (text: string) => `${text.length}`.padStart(64, "0");

  it("says everything that a reader of the telemetry needs, under a short name", () => {
    const { hash, bytes } = modelDocument(table, facts, () => "0123456789abcdef".repeat(4));
    const document = asJson(bytes);
    assert.equal(hash, "0123456789abcdef");
    assert.equal(document["model_hash"], hash);
    assert.deepEqual(document["dialects"], { dcpi_version: ["1.0"], PSWD_version: ["1.0"] });
    assert.deepEqual(document["features"], ["battery-control", "telemetry"]);
    const devices = document["devices"] as { id: string; points: Record<string, unknown>[] }[];
    assert.deepEqual(
      devices.map(({ id, points }) => [id, points.length]),
      table.devices.map(({ id, pointCount }) => [id, pointCount]),
    );
    assert.deepEqual(devices[1]?.points[0]?.["field"], "active_power_w");
    assert.ok(Array.isArray(devices[1].points[6]?.["texts"]));
  });

  it("has another name as soon as anything in it differs", () => {
    const hashed = new Set<string>();
    const spy = (text: string): string => {
      hashed.add(text);
      return hashOf(text);
    };
    modelDocument(table, facts, spy);
    modelDocument(table, facts, spy);
    modelDocument(table, { ...facts, telemetry: "columns" }, spy);
    assert.equal(hashed.size, 2, "the hash covers the form, and nothing that changes by itself");
  });
});

describe("status and events", () => {
  it("tells state, boot and clock", () => {
    const document = asJson(
      statusDocument(
        speaker,
        {
          state: "degraded",
          bootId: "b-1",
          version: "0.1.0",
          clock: { isSynchronized: true, offsetMs: undefined },
          reasons: ["control-gone"],
        },
        T,
      ),
    );
    assert.deepEqual(document, {
      ...head,
      message_type: "status",
      correlation_id: "status-b-1",
      status: "degraded",
      boot_id: "b-1",
      gateway_version: "0.1.0",
      dialects: { dcpi_version: ["1.0"], PSWD_version: ["1.0"] },
      clock: { synchronized: true, offset_ms: null },
      reasons: ["control-gone"],
    });
  });

  it("tells an event under its severity", () => {
    const event = {
      id: "no-communication",
      severity: "warning",
      phase: "raised",
      device: "cdu-3",
      point: undefined,
      text: "cdu-3 does not answer",
      at: T,
    } as const;
    assert.equal(eventTopic(event), "evt/warning");
    const document = asJson(eventDocument(speaker, event, 9));
    assert.deepEqual(document, {
      ...head,
      message_type: "event",
      correlation_id: `event-${T}-9`,
      event_id: "no-communication",
      severity: "warning",
      phase: "raised",
      device: "cdu-3",
      point: null,
      text: "cdu-3 does not answer",
    });
  });
});

describe("acknowledgement", () => {
  const step: CommandStep = {
    commandId: "c-1",
    stage: "effect",
    final: false,
    asset: "bess-1",
    reason: "clamped",
    requested: 13_000_000,
    applied: 12_000_000,
    measured: 11_987_654,
    readBack: "applied",
    at: T,
  };
  const context = { speaker, dialect: "pswd", correlation: undefined, unit: "W" } as const;

  it("speaks the dialect of the command, and both units", () => {
    assert.equal(ackTopic("c-1"), "ack/c-1");
    const document = asJson(ackDocument({ ...context, chargePercent: 62.5 }, step));
    assert.deepEqual(document, {
      PSWD_version: "1.0",
      message_type: "command_acknowledgement",
      timestamp: T_TEXT,
      facility_id: "hall-1",
      gateway_id: "gw-1",
      correlation_id: "c-1",
      command_id: "c-1",
      asset: "bess-1",
      stage: "effect",
      status: "executed",
      final: false,
      reason: "clamped",
      requested_w: 13_000_000,
      requested_mw: 13,
      applied_w: 12_000_000,
      applied_mw: 12,
      measured_w: 11_987_654,
      measured_mw: 11.987654,
      read_back: "applied",
      current_charge_level_percent: 62.5,
      power_output_mw: 11.987654,
    });
    const dcpi = asJson(ackDocument({ ...context, dialect: "dcpi", correlation: "k" }, step));
    assert.equal(dcpi["dcpi_version"], "1.0");
    assert.equal("PSWD_version" in dcpi || "power_output_mw" in dcpi, false);
    assert.equal(dcpi["correlation_id"], "k");
  });

  it("says how long the power is in force, whoever chose that", () => {
    const told = asJson(ackDocument({ ...context, leaseMs: 60_000 }, step));
    assert.equal(told["duration_sec"], 60);
    assert.equal("duration_sec" in asJson(ackDocument(context, step)), false);
  });

  it("names the unit of what is no power", () => {
    const other = { ...step, requested: 18.5, applied: 18, measured: undefined };
    const document = asJson(ackDocument({ ...context, unit: "Cel" }, other));
    assert.deepEqual(
      [document["requested"], document["applied"], document["unit"], "measured" in document],
      [18.5, 18, "Cel", false],
    );
  });

  it("says executed only when the device was seen to obey", () => {
    const cases: readonly (readonly [Partial<CommandStep>, string])[] = [
      [{ stage: "received" }, "pending"],
      [{ stage: "accepted" }, "pending"],
      [{ stage: "written" }, "pending"],
      [{ stage: "read-back", readBack: "differs" }, "pending"],
      [{ stage: "read-back", readBack: "applied" }, "executed"],
      [{ stage: "done" }, "executed"],
      [{ stage: "refused" }, "failed"],
      [{ stage: "unknown" }, "failed"],
      [{ stage: "expired", applied: undefined }, "failed"],
      [{ stage: "expired" }, "executed"],
      [{ stage: "superseded", applied: undefined }, "failed"],
    ];
    for (const [members, status] of cases) {
      assert.equal(pswdStatus({ ...step, ...members }), status, JSON.stringify(members));
    }
  });

  it("says why a message never became a command, and where", () => {
    const document = asJson(
      refusalDocument(context, {
        commandId: "c-2",
        reason: "schema",
        at: "/duration_sec",
        text: "must be integer",
        when: T,
      }),
    );
    assert.deepEqual(
      [document["stage"], document["final"], document["reason"], document["at"]],
      ["refused", true, "schema", "/duration_sec"],
    );
  });
});
