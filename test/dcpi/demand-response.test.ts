import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
import { ackDocument } from "../../src/dcpi/ack.ts";
import { type CommandSetting, parseCommands } from "../../src/dcpi/commands.ts";
import type { CommandStep } from "../../src/domain/command.ts";
import { utcMs } from "../../src/domain/time.ts";

const AT = Date.UTC(2025, 5, 4, 14, 30);
const HOUR_MS = 3_600_000;
const GRID: CommandSetting = {
  topic: "cmd/grid/demand-response",
  transportId: "of-the-transport",
  facility: "hall-1",
  lease: { defaultMs: 60_000, maximumMs: 2 * HOUR_MS },
};

/** The form of the standard's own document, with its numbers. */
const REQUEST = {
  dcpi_version: "1.0",
  message_type: "demand_response_request",
  timestamp: "2025-06-04T14:30:00Z",
  event_id: "dr-event-2025-154",
  event_type: "load_reduction",
  start_time: "2025-06-04T15:00:00Z",
  duration_hours: 2,
  target_reduction_mw: 75,
  compensation_rate_per_mwh: 150.0,
};

/** The same as an event of the grid's stream. */
const EVENT = {
  dcpi_version: "1.0",
  event_type: "demand_response_request",
  timestamp: "2025-06-04T14:35:00Z",
  event_id: "dr-event-2025-154",
  parameters: {
    requested_reduction_mw: 75,
    duration_hours: 2,
    response_deadline: "2025-06-04T14:40:00Z",
    compensation_rate: 150,
  },
};

const parse = (message: object, setting = GRID) =>
  parseCommands(new TextEncoder().encode(JSON.stringify(message)), setting);

function refusal(message: object, setting = GRID): readonly unknown[] {
  const parsed = parse(message, setting);
  assert.ok("refused" in parsed, JSON.stringify(parsed));
  return [parsed.refused, parsed.at, parsed.id];
}

const ID = "dr-event-2025-154";
const parameters = (changes: object) => ({
  ...EVENT,
  parameters: { ...EVENT.parameters, ...changes },
});

describe("demand response request of DCPI", () => {
  it("is a reduction of the import from its start on, named after its event", () => {
    assert.deepEqual(parse({ ...REQUEST, correlation_id: "k-1" }), {
      id: ID,
      dialect: "dcpi",
      timestamp: AT,
      correlation: "k-1",
      ignored: [],
      commands: [
        {
          id: ID,
          target: undefined,
          intent: { kind: "reduce-import", reductionW: 75e6, startsAt: AT + HOUR_MS / 2 },
          leaseMs: 2 * HOUR_MS,
          at: "",
        },
      ],
    });
  });

  it("is read as the page for operators writes it", () => {
    const page = readFileSync("docs/commands.md", "utf8");
    const [, example = ""] = /```json\n([^`]*)```/.exec(page) ?? [];
    const parsed = parse(JSON.parse(example) as object);
    assert.ok("commands" in parsed, JSON.stringify(parsed));
    const { intent, leaseMs } = parsed.commands[0]!;
    assert.ok(intent.kind === "reduce-import");
    const noticeS = (intent.startsAt - parsed.timestamp) / 1_000;
    assert.deepEqual([intent.reductionW, noticeS, leaseMs], [5_750_000, 180, 1_198_800]);
  });

  it("begins at once as an event of the stream, and where no start is named", () => {
    const now = { ...REQUEST, start_time: undefined };
    for (const message of [EVENT, now]) {
      const parsed = parse(message);
      assert.ok("commands" in parsed, JSON.stringify(parsed));
      const { intent, leaseMs } = parsed.commands[0]!;
      assert.ok(intent.kind === "reduce-import");
      assert.deepEqual([intent.startsAt, leaseMs], [parsed.timestamp, 2 * HOUR_MS]);
    }
  });

  it("lasts for what is left of it when it has begun", () => {
    const parsed = parse({ ...REQUEST, start_time: "2025-06-04T13:30:00Z" });
    assert.ok("commands" in parsed);
    const { intent, leaseMs } = parsed.commands[0]!;
    assert.ok(intent.kind === "reduce-import");
    assert.deepEqual([intent.startsAt, leaseMs], [AT, HOUR_MS]);
  });

  it("passes over what it does not know, and names it", () => {
    const parsed = parse({ ...REQUEST, program: "x", "x_a/b": 1 });
    assert.ok("commands" in parsed);
    assert.deepEqual(parsed.ignored, ["/program", "/x_a/b"]);
    const nested = parse(parameters({ program: "x" }));
    assert.ok("commands" in nested);
    assert.deepEqual(nested.ignored, ["/parameters/program"]);
  });

  it("answers honestly that it cannot do another kind of event", () => {
    const parsed = parse({ ...REQUEST, event_type: "load_increase" });
    assert.ok("commands" in parsed);
    assert.deepEqual(parsed.commands[0]?.intent, {
      kind: "not-supported",
      action: "load_increase",
    });
  });

  for (const [name, message, reason, at] of [
    ["of another facility", { ...REQUEST, facility_id: "x" }, "wrong-facility", "/facility_id"],
    ["by nothing", { ...REQUEST, target_reduction_mw: 0 }, "schema", "/target_reduction_mw"],
    [
      "by less than nothing",
      { ...REQUEST, target_reduction_mw: -5 },
      "schema",
      "/target_reduction_mw",
    ],
    [
      "by more than any plant",
      { ...REQUEST, target_reduction_mw: 75_000 },
      "schema",
      "/target_reduction_mw",
    ],
    ["for no time", { ...REQUEST, duration_hours: 0 }, "schema", "/duration_hours"],
    [
      "for longer than is lent",
      { ...REQUEST, duration_hours: 2.01 },
      "duration-too-long",
      "/duration_hours",
    ],
    [
      "in two days",
      { ...REQUEST, start_time: "2025-06-06T15:00:00Z" },
      "too-far-ahead",
      "/start_time",
    ],
    [
      "that is over",
      { ...REQUEST, start_time: "2025-06-04T12:30:00Z" },
      "already-over",
      "/start_time",
    ],
    [
      "in local time",
      { ...REQUEST, start_time: "2025-06-04T15:00:00+02:00" },
      "timestamp-malformed",
      "/start_time",
    ],
    [
      "without its reduction",
      { ...REQUEST, target_reduction_mw: undefined },
      "schema",
      "/target_reduction_mw",
    ],
    [
      "whose time to answer is over",
      parameters({ response_deadline: "2025-06-04T14:35:00Z" }),
      "deadline-passed",
      "/parameters/response_deadline",
    ],
    [
      "for longer than is lent, by the stream",
      parameters({ duration_hours: 3 }),
      "duration-too-long",
      "/parameters/duration_hours",
    ],
  ] as const)
    it(`is refused ${name}`, () => {
      assert.deepEqual(refusal(message), [reason, at, ID]);
    });

  it("is refused without an id that an answer could be sent to", () => {
    assert.deepEqual(refusal({ ...REQUEST, event_id: "a/b" }), ["schema", "/event_id", undefined]);
  });

  it("is none of PSWD, and comes on no other topic", () => {
    const pswd = { ...REQUEST, dcpi_version: undefined, PSWD_version: "1.0" };
    assert.equal(refusal(pswd)[0], "wrong-dialect");
    assert.equal(refusal(REQUEST, { ...GRID, topic: "cmd/power/control" })[0], "schema");
  });
});

describe("answer to a demand response request", () => {
  const context = {
    speaker: { facility: "hall-1", gateway: "gw-1" },
    dialect: "dcpi",
    correlation: undefined,
    unit: "W",
    leaseMs: 1_200_000,
    isDemandResponse: true,
    ignored: ["/program"],
  } as const;
  const step = (members: Partial<CommandStep>): CommandStep => ({
    commandId: ID,
    stage: "accepted",
    final: false,
    asset: "pcc-meter",
    reason: undefined,
    requested: 6e6,
    applied: undefined,
    measured: undefined,
    readBack: undefined,
    at: utcMs(AT),
    ...members,
  });
  const told = (members: Partial<CommandStep>): Record<string, unknown> =>
    JSON.parse(new TextDecoder().decode(ackDocument(context, step(members)))) as Record<
      string,
      unknown
    >;

  it("promises what can be kept, and for how long", () => {
    const promised = { leaseMs: 900_000, withinMs: 115_000 };
    const body = told({ stage: "clamped", reason: "reserve", applied: 5.5e6, promised });
    assert.deepEqual(
      [body["event_id"], body["response"], body["duration_sec"], body["commitment"]],
      [
        ID,
        "accept",
        900,
        {
          load_reduction_mw: 5.5,
          duration_hours: 0.25,
          response_time_sec: 115,
          affected_workloads: [],
        },
      ],
    );
    assert.deepEqual(body["ignored_members"], ["/program"]);
  });

  it("declines what cannot be kept, and promises nothing before that is known", () => {
    assert.equal(told({ stage: "refused", reason: "reserve" })["response"], "decline");
    assert.equal(told({ stage: "expired", reason: "too-late" })["response"], "decline");
    const ended = told({ stage: "expired", reason: "lease-ended", applied: 5e6 });
    assert.equal(ended["response"], undefined, "what was kept until its end was no refusal");
    const early = told({ stage: "received" });
    assert.deepEqual([early["response"], early["commitment"]], [undefined, undefined]);
    assert.equal(early["duration_sec"], 1_200);
  });
});
