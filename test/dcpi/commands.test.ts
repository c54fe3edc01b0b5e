import { strict as assert } from "node:assert";
import fc from "fast-check";
import { type CommandSetting, parseCommands } from "../../src/dcpi/commands.ts";

const T = "2026-01-01T00:00:00.000Z";
const BATTERY: CommandSetting = {
  topic: "cmd/battery/control",
  transportId: undefined,
  facility: "hall-1",
  lease: { defaultMs: 45_000, maximumMs: 7_200_000 },
};
const POWER: CommandSetting = { ...BATTERY, topic: "cmd/power/control" };

const parse = (message: unknown, setting = BATTERY) =>
  parseCommands(new TextEncoder().encode(JSON.stringify(message)), setting);

function request(message: unknown, setting = BATTERY) {
  const parsed = parse(message, setting);
  assert.ok("commands" in parsed, JSON.stringify(parsed));
  return parsed;
}

const pswd = (members: object) => ({
  PSWD_version: "1.0",
  timestamp: T,
  command_id: "c-1",
  ...members,
});
const dcpi = (...commands: object[]) => ({
  dcpi_version: "1.0",
  message_type: "power_control",
  timestamp: T,
  command_id: "c-1",
  commands,
});
const discharge = (members: object) => pswd({ command_type: "discharge", ...members });

describe("battery command of PSWD", () => {
  it("discharges and charges with the sign of the plant", () => {
    const given = { target_power_mw: 5.75, duration_sec: 60, ramp_rate_mw_per_sec: 0.05 };
    assert.deepEqual(request(discharge(given)), {
      id: "c-1",
      dialect: "pswd",
      timestamp: Date.UTC(2026, 0, 1),
      correlation: undefined,
      ignored: [],
      commands: [
        {
          id: "c-1",
          target: undefined,
          intent: { kind: "set-power", powerW: 5_750_000, rampWPerS: 50_000 },
          leaseMs: 60_000,
          at: "",
        },
      ],
    });
    const charge = request(pswd({ command_type: "charge", target_power_mw: -0.1 }));
    assert.deepEqual(charge.commands[0]?.intent, {
      kind: "set-power",
      powerW: -100_000,
      rampWPerS: undefined,
    });
    const nothing = request(pswd({ command_type: "charge", target_power_mw: 0 }));
    assert.ok(nothing.commands[0]?.intent.kind === "set-power");
    assert.ok(Object.is(nothing.commands[0].intent.powerW, 0));
  });

  it("gives the site's lease where no duration is named, and as much as the site lends", () => {
    const leaseMsOf = (members: object) =>
      request(discharge({ target_power_mw: 1, ...members })).commands[0]?.leaseMs;
    assert.equal(leaseMsOf({}), 45_000);
    assert.equal(leaseMsOf({ duration_sec: 7_200 }), 7_200_000);
  });

  it("lets go at standby, and rests at zero for a time that is named", () => {
    const free = request(pswd({ command_type: "standby" }));
    assert.deepEqual(free.commands[0]?.intent, { kind: "release" });
    const rest = request(pswd({ command_type: "standby", duration_sec: 10 }));
    assert.deepEqual(rest.commands[0]?.intent, {
      kind: "set-power",
      powerW: 0,
      rampWPerS: undefined,
    });
    assert.equal(rest.commands[0].leaseMs, 10_000);
  });

  it("answers load_smooth honestly", () => {
    const { commands } = request(pswd({ command_type: "load_smooth" }));
    assert.deepEqual(commands[0]?.intent, { kind: "not-supported", action: "load_smooth" });
  });
});

describe("power control of DCPI", () => {
  it("reads the flat form and answers what it cannot do, command by command", () => {
    const message = dcpi(
      {
        target: "battery_system_1",
        action: "prepare_discharge",
        capacity_mwh: 50,
        rate_mw: 75,
        duration_sec: 2_400,
      },
      {
        target: "grid_interface",
        action: "signal_load_increase",
        increment_mw: 75,
        ramp_rate_mw_per_sec: 25,
      },
      { target: "bess-1", action: "charge", rate_mw: 2, duration_sec: 30 },
    );
    const { commands } = request(message, POWER);
    assert.deepEqual(
      commands.map(({ id, target, intent, at }) => ({ id, target, kind: intent.kind, at })),
      [
        { id: "c-1.0", target: "battery_system_1", kind: "not-supported", at: "/commands/0" },
        { id: "c-1.1", target: "grid_interface", kind: "not-supported", at: "/commands/1" },
        { id: "c-1.2", target: "bess-1", kind: "set-power", at: "/commands/2" },
      ],
    );
    const last = commands[2]?.intent;
    assert.ok(last?.kind === "set-power" && last.powerW === -2_000_000);
  });

  it("reads the REST form with parameters, on either topic", () => {
    const parameters = { power_mw: 7.5, duration_sec: 1_800, ramp_rate_mw_per_sec: 25 };
    const message = dcpi({ target: "bess-1", action: "discharge", parameters });
    for (const setting of [POWER, BATTERY]) {
      const [command] = request(message, setting).commands;
      assert.equal(command?.id, "c-1", "a single command has the message's id");
      assert.equal(command.leaseMs, 1_800_000);
      assert.deepEqual(command.intent, {
        kind: "set-power",
        powerW: 7_500_000,
        rampWPerS: 25_000_000,
      });
    }
    const signal = { target: "grid", action: "signal_load_change" };
    const change = dcpi({
      ...signal,
      parameters: { delta_power_mw: -5, notification_time_sec: 9 },
    });
    assert.equal(request(change, POWER).commands[0]?.intent.kind, "not-supported");
  });

  it("takes an amount of energy as the limit that it is", () => {
    const flat = { target: "b", action: "discharge", rate_mw: 10, capacity_mwh: 1 };
    const [short] = request(dcpi({ ...flat, duration_sec: 600 }), POWER).commands;
    assert.equal(short?.leaseMs, 360_000, "1 MWh at 10 MW lasts six minutes");
    const [long] = request(dcpi({ ...flat, duration_sec: 60 }), POWER).commands;
    assert.equal(long?.leaseMs, 60_000);
    const none = parse(dcpi({ ...flat, capacity_mwh: 1e-7 }), POWER);
    assert.ok("refused" in none, "less than a millisecond of power is no command");
    assert.deepEqual([none.refused, none.at], ["duration-zero", "/commands/0/capacity_mwh"]);
  });
});

describe("refused command message", () => {
  // JSON leaves out what is undefined.
  const anonymous = discharge({ target_power_mw: 1, command_id: undefined });
  const many = Array.from({ length: 17 }, () => ({ target: "b", action: "charge", rate_mw: 1 }));
  const cases: readonly (readonly [
    what: string,
    message: unknown,
    reason: string,
    at: string,
    setting?: CommandSetting,
  ])[] = [
    ["no dialect", { timestamp: T }, "no-dialect", ""],
    ["a list", [1], "no-dialect", ""],
    ["two dialects", { ...discharge({}), dcpi_version: "1.0" }, "two-dialects", ""],
    [
      "a version of tomorrow",
      discharge({ PSWD_version: "2.0" }),
      "unsupported-version",
      "/PSWD_version",
    ],
    ["a version that is a number", { dcpi_version: 1 }, "unsupported-version", "/dcpi_version"],
    [
      "PSWD on the power topic",
      discharge({ target_power_mw: 1 }),
      "wrong-dialect",
      "/PSWD_version",
      POWER,
    ],
    ["no power", discharge({}), "no-power", "/target_power_mw"],
    [
      "a sign that disagrees",
      discharge({ target_power_mw: -1 }),
      "sign-disagrees",
      "/target_power_mw",
    ],
    [
      "a charge with the sign of a discharge",
      pswd({ command_type: "charge", target_power_mw: 1 }),
      "sign-disagrees",
      "/target_power_mw",
    ],
    [
      "a standby that moves power",
      pswd({ command_type: "standby", target_power_mw: 1 }),
      "sign-disagrees",
      "/target_power_mw",
    ],
    ["an unknown verb", pswd({ command_type: "explode" }), "schema", "/command_type"],
    ["no verb", pswd({}), "schema", "/command_type"],
    [
      "a limit that we do not know",
      discharge({ target_power_mw: 1, max_soc: 5 }),
      "schema",
      "/max_soc",
    ],
    ["a power as text", discharge({ target_power_mw: "5" }), "schema", "/target_power_mw"],
    [
      "more power than any plant has",
      discharge({ target_power_mw: 1_001 }),
      "schema",
      "/target_power_mw",
    ],
    [
      "half a second",
      discharge({ target_power_mw: 1, duration_sec: 0.5 }),
      "schema",
      "/duration_sec",
    ],
    [
      "a ramp of nothing",
      discharge({ target_power_mw: 1, ramp_rate_mw_per_sec: 0 }),
      "schema",
      "/ramp_rate_mw_per_sec",
    ],
    [
      "no time",
      discharge({ target_power_mw: 1, duration_sec: 0 }),
      "duration-zero",
      "/duration_sec",
    ],
    [
      "more time than is lent",
      discharge({ target_power_mw: 1, duration_sec: 7_201 }),
      "duration-too-long",
      "/duration_sec",
    ],
    [
      "a local time",
      discharge({ target_power_mw: 1, timestamp: "2026-01-01T01:00:00+01:00" }),
      "timestamp-malformed",
      "/timestamp",
    ],
    [
      "another facility",
      discharge({ target_power_mw: 1, facility_id: "hall-2" }),
      "wrong-facility",
      "/facility_id",
    ],
    ["no id", anonymous, "no-id", "/command_id"],
    [
      "an id with a slash",
      discharge({ target_power_mw: 1, command_id: "a/b" }),
      "schema",
      "/command_id",
    ],
    ["no commands", dcpi(), "schema", "/commands", POWER],
    ["seventeen commands", dcpi(...many), "schema", "/commands", POWER],
    [
      "a discharge of nothing",
      dcpi({ target: "b", action: "discharge" }),
      "no-power",
      "/commands/0",
      POWER,
    ],
    [
      "two powers",
      dcpi({ target: "b", action: "discharge", rate_mw: 1, power_mw: 2 }),
      "two-values",
      "/commands/0/rate_mw",
      POWER,
    ],
    [
      "a limit beside the parameters",
      dcpi({ target: "b", action: "discharge", rate_mw: 1, parameters: { power_mw: 2 } }),
      "two-values",
      "/commands/0/rate_mw",
      POWER,
    ],
    [
      "a negative rate",
      dcpi({ target: "b", action: "charge", rate_mw: -1 }),
      "schema",
      "/commands/0/rate_mw",
      POWER,
    ],
  ];
  for (const [what, message, reason, at, setting] of cases) {
    it(`says that it has ${what}, and where`, () => {
      const parsed = parse(message, setting);
      assert.ok("refused" in parsed, JSON.stringify(parsed));
      assert.deepEqual([parsed.refused, parsed.at], [reason, at]);
      assert.ok(parsed.text.length > 0);
    });
  }

  it("names itself as far as it could be read, for the answer", () => {
    const parsed = parse(discharge({ target_power_mw: -1 }));
    assert.ok("refused" in parsed);
    assert.deepEqual([parsed.id, parsed.dialect], ["c-1", "pswd"]);
    const broken = parseCommands(new TextEncoder().encode("{"), { ...BATTERY, transportId: "t-1" });
    assert.ok("refused" in broken);
    assert.deepEqual([broken.refused, broken.id, broken.dialect], ["not-json", "t-1", undefined]);
  });

  it("takes the transport's id where the body has none, and members of one's own", () => {
    const setting = { ...BATTERY, transportId: "mqtt-9" };
    assert.equal(request(anonymous, setting).id, "mqtt-9");
    assert.equal(request(discharge({ target_power_mw: 1 }), setting).id, "c-1");
    const own = discharge({ target_power_mw: 1, x_note: { by: "me" }, correlation_id: "k-1" });
    assert.equal(request(own).correlation, "k-1");
    const odd = parse(anonymous, { ...BATTERY, transportId: "with/slash" });
    assert.ok("refused" in odd && odd.refused === "no-id");
  });

  it("is what any other JSON is, and nothing throws", () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const parsed = parseCommands(new TextEncoder().encode(text), BATTERY);
        assert.ok("refused" in parsed);
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        assert.ok("refused" in parseCommands(bytes, POWER));
      }),
    );
  });
});
