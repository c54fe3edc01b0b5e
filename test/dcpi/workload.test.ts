import { strict as assert } from "node:assert";
import { parseWorkload } from "../../src/dcpi/workload.ts";
import { type WorkloadResponse, workloadResponse } from "../../src/dcpi/workload-response.ts";
import { utcMs } from "../../src/domain/time.ts";

const MW = 1e6;
const T = "2026-01-01T00:00:00.000Z";
const NOW = Date.UTC(2026, 0, 1);
const atS = (seconds: number): string => new Date(NOW + 1_000 * seconds).toISOString();

const parse = (message: unknown) =>
  parseWorkload(new TextEncoder().encode(JSON.stringify(message)), { facility: "hall-1" });

function request(message: unknown) {
  const parsed = parse(message);
  assert.ok("workload" in parsed, JSON.stringify(parsed));
  return parsed;
}

const dcpi = (profile: object, members: object = {}) => ({
  dcpi_version: "1.0",
  message_type: "workload_announcement",
  timestamp: T,
  workload_id: "job-7",
  power_profile: { peak_power_mw: 20, baseline_power_mw: 10, ...profile },
  ...members,
});

const stepsOf = (message: unknown) =>
  request(message).steps.map(({ at, powerW }) => [(at - NOW) / 1_000, powerW / MW]);

describe("how a workload can give way", () => {
  const read = (profile: object, members: object = {}) => {
    const { flexibility, rampWPerS, ignored } = request(dcpi(profile, members));
    const { priority, throttleToW, canPause, pauseMaxMs } = flexibility;
    return { ways: [priority, throttleToW, canPause, pauseMaxMs], rampWPerS, ignored };
  };

  it("is read in the form of the REST interface, with its ramp", () => {
    const { ways, rampWPerS, ignored } = read(
      { ramp_rate_mw_per_sec: 2 },
      {
        flexibility: {
          can_throttle: true,
          min_power_mw: 4,
          can_pause: true,
          max_pause_duration_sec: 900,
        },
        timing_constraints: { priority: "low" },
      },
    );
    assert.deepEqual(ways, ["low", 4 * MW, true, 900_000]);
    assert.deepEqual([rampWPerS, ignored], [2 * MW, []]);
  });

  it("is read in the form of PSWD, with the baseline as the least power", () => {
    const flexibility_parameters = { throttling_capability: true, priority_level: "critical" };
    assert.deepEqual(read({}, { flexibility_parameters }).ways, [
      ...["critical", 10 * MW, false, undefined],
    ]);
  });

  it("is nothing where nothing is said", () => {
    assert.deepEqual(read({}).ways, ["normal", undefined, false, undefined]);
    assert.equal(read({ ramp_rate_mw_per_sec: 0 }).rampWPerS, undefined);
  });

  it("is what spares the workload, where two places say different things", () => {
    const { ways } = read(
      {
        priority: "low",
        flexibility: { can_throttle: true, min_power_mw: 2, can_pause: true },
      },
      {
        flexibility: { min_power_mw: 6, can_pause: false, max_pause_duration_sec: 60 },
        timing_constraints: { priority: "high" },
      },
    );
    assert.deepEqual(ways, ["high", 6 * MW, false, 60_000]);
  });

  it("passes over what is malformed, and names it", () => {
    const flexibility = { can_throttle: "yes", min_power_mw: -1, can_pause: 1 };
    const { ways, ignored } = read({ priority: 3 }, { flexibility });
    assert.deepEqual(ways, ["normal", undefined, false, undefined]);
    assert.deepEqual(ignored, [
      "/flexibility/can_throttle",
      "/flexibility/min_power_mw",
      "/flexibility/can_pause",
      "/power_profile/priority",
    ]);
  });
});

describe("a workload announcement", () => {
  it("is understood in the form of the standard, with its mean between baseline and peak", () => {
    const message = dcpi({
      start_time_estimate: atS(300),
      duration_estimate_sec: 3_600,
      priority: "high",
      flexibility: { can_delay: true, max_delay_sec: 120, min_power_mw: 9 },
    });
    assert.deepEqual(request(message), {
      workload: "job-7",
      dialect: "dcpi",
      timestamp: NOW,
      correlation: undefined,
      powerW: undefined,
      peakW: 20 * MW,
      steps: [
        { at: NOW + 300_000, powerW: 15 * MW },
        { at: NOW + 3_900_000, powerW: 0 },
      ],
      slackMs: 120_000,
      flexibility: {
        priority: "high",
        throttleToW: undefined,
        canPause: false,
        pauseMaxMs: undefined,
      },
      rampWPerS: undefined,
      ignored: [],
    });
  });

  it("is understood in the form of the REST interface, with its own schedule", () => {
    const message = dcpi(
      {
        average_power_mw: 18,
        power_schedule: [
          { timestamp: atS(-60), power_mw: 12, phase: "data_loading" },
          { timestamp: atS(60), power_mw: 20, phase: "forward_pass" },
          { timestamp: atS(120), power_mw: 15 },
        ],
        duration_estimate_sec: 600,
      },
      { workload_type: "ai_training", dependencies: ["x"], flexibility: { max_delay_sec: 9 } },
    );
    const read = request(message);
    assert.deepEqual(stepsOf(message), [
      [60, 20],
      [120, 15],
      [540, 0],
    ]);
    assert.deepEqual([read.powerW, read.slackMs], [12 * MW, 0], "a schedule is not put off");
    assert.deepEqual(read.ignored, ["/dependencies"]);
  });

  it("is understood in the form of PSWD, which asks for type and ramp", () => {
    const message = {
      PSWD_version: "1.0",
      message_type: "workload_announcement",
      timestamp: T,
      workload_id: "wl_ai_training_001",
      workload_type: "ai_training",
      power_profile: { peak_power_mw: 20, baseline_power_mw: 5, ramp_rate_mw_per_sec: 25 },
      flexibility_parameters: { throttling_capability: true, delay_tolerance_sec: 300 },
      timing_constraints: { earliest_start_time: atS(900), deadline: atS(9_000) },
    };
    const read = request(message);
    assert.deepEqual([read.dialect, read.slackMs], ["pswd", 300_000]);
    assert.deepEqual(stepsOf(message), [[900, 12.5]]);
    const profile = { peak_power_mw: 20, baseline_power_mw: 5 };
    const without = parse({ ...message, power_profile: profile });
    assert.ok("refused" in without);
    assert.deepEqual([without.refused, without.id], ["schema", "wl_ai_training_001"]);
  });

  it("leaves its start to the gateway when it names none", () => {
    const read = request(dcpi({}));
    assert.deepEqual([read.steps[0]?.at, read.slackMs], [NOW + 1, 900_000]);
  });

  it("tells the end of what has begun, and does not put it off", () => {
    const message = dcpi(
      { duration_estimate_sec: 700 },
      { timing_constraints: { earliest_start: atS(-600), latest_start: atS(0) } },
    );
    assert.deepEqual(stepsOf(message), [[100, 0]]);
    assert.deepEqual([request(message).powerW, request(message).slackMs], [15 * MW, 0]);
  });

  it("may start later as long as its latest start allows, unless it cannot wait", () => {
    const window = { earliest_start: atS(60), latest_start: atS(100) };
    assert.equal(request(dcpi({}, { timing_constraints: window })).slackMs, 40_000);
    const fixed = { start_time_estimate: atS(60), flexibility: { can_delay: false } };
    assert.equal(request(dcpi(fixed)).slackMs, 0);
  });

  it("is refused with its place when it is inconsistent, out of order or too far ahead", () => {
    const row = (seconds: number, power_mw: number) => ({ timestamp: atS(seconds), power_mw });
    const timing = (earliest_start: string, latest_start: string) => ({
      timing_constraints: { earliest_start, latest_start },
    });
    const cases: readonly (readonly [unknown, string, string])[] = [
      [dcpi({ baseline_power_mw: 21 }), "profile-inconsistent", "/power_profile/baseline_power_mw"],
      [dcpi({ average_power_mw: 9 }), "profile-inconsistent", "/power_profile/average_power_mw"],
      [
        dcpi({ power_schedule: [row(10, 20.5)] }),
        "profile-inconsistent",
        "/power_profile/power_schedule/0/power_mw",
      ],
      [
        dcpi({ power_schedule: [row(10, 1), row(10, 2)] }),
        "not-in-order",
        "/power_profile/power_schedule/1/timestamp",
      ],
      [
        dcpi({}, timing(atS(9), atS(8))),
        "profile-inconsistent",
        "/timing_constraints/latest_start",
      ],
      [dcpi({ start_time_estimate: atS(86_401) }), "too-far-ahead", "/power_profile"],
      [
        dcpi({ start_time_estimate: "2026-01-01T01:00:00+01:00" }),
        "timestamp-malformed",
        "/power_profile/start_time_estimate",
      ],
      [dcpi({}, { facility_id: "hall-2" }), "wrong-facility", "/facility_id"],
      [dcpi({ peak_power_mw: -1 }), "schema", "/power_profile/peak_power_mw"],
      [dcpi({}, { PSWD_version: "1.0" }), "two-dialects", ""],
      [{ workload_id: "job-7" }, "no-dialect", ""],
    ];
    for (const [message, reason, at] of cases) {
      const parsed = parse(message);
      assert.ok("refused" in parsed, reason);
      assert.deepEqual([parsed.refused, parsed.at, parsed.id], [reason, at, "job-7"]);
    }
    const noName = parse(dcpi({}, { workload_id: "../x" }));
    assert.ok("refused" in noName);
    assert.equal(noName.id, undefined, "what could not be a topic is nobody's name");
  });
});

describe("the infrastructure response", () => {
  const speaker = { facility: "hall-1", gateway: "gw-1" };
  const respond = (dialect: "dcpi" | "pswd", response: Omit<WorkloadResponse, "workload">) =>
    JSON.parse(
      new TextDecoder().decode(
        workloadResponse(
          { speaker, dialect, correlation: undefined, when: utcMs(NOW) },
          { workload: "job-7", ...response },
        ),
      ),
    ) as Record<string, unknown>;

  it("names the start and the power of a conditional approval, in either dialect", () => {
    const given = {
      status: "approved_with_conditions",
      reason: "start-later",
      startsAt: utcMs(NOW + 60_000),
      leadMs: 60_000,
      neededMs: 60_000,
      peakW: 20 * MW,
      availableW: 21.5 * MW,
      ignored: ["/x"],
    } as const;
    assert.deepEqual(respond("dcpi", given), {
      dcpi_version: "1.0",
      message_type: "infrastructure_response",
      timestamp: T,
      facility_id: "hall-1",
      gateway_id: "gw-1",
      correlation_id: "job-7",
      workload_id: "job-7",
      approval_status: "approved_with_conditions",
      reason: "start-later",
      approved_power_mw: 20,
      infrastructure_capacity: { available_power_mw: 21.5 },
      lead_time_sec: 60,
      required_lead_time_sec: 60,
      conditions: { start_time: atS(60), max_power_mw: 20 },
      ignored_members: ["/x"],
    });
    assert.deepEqual(respond("pswd", given)["conditions"], [`start at ${atS(60)}`]);
    const short = respond("pswd", { ...given, reason: "lead-too-short" });
    assert.match(String(short["conditions"]), /lead is too short/);
  });

  it("offers with a refusal what there is", () => {
    const given = { status: "rejected", reason: "too-much-power", availableW: 3 * MW } as const;
    const refusal = respond("pswd", given);
    assert.deepEqual(
      [refusal["PSWD_version"], refusal["approved_power_mw"], refusal["suggested_alternatives"]],
      ["1.0", 0, [{ max_power_mw: 3 }]],
    );
    assert.equal("conditions" in refusal, false);
  });
});
