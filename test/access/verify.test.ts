import { strict as assert } from "node:assert";
import {
  AGE_WINDOW_MS,
  ANNOUNCE_BURST,
  ANNOUNCE_PER_S,
  COMMAND_MAX_BYTES,
  CommandVerifier,
  type InboundMessage,
  RATE_BURST,
  RATE_PER_S,
  READ_BURST,
  READ_MAX_BYTES,
  SAFER_BURST,
  STATUS_BURST,
  STATUS_PER_S,
} from "../../src/access/verify.ts";
import { formatUtc } from "../../src/dcpi/timestamp.ts";
import { monotonicMs, utcMs } from "../../src/domain/time.ts";

const NOW = Date.UTC(2026, 0, 1);
const TOPIC = "cmd/battery/control";

function body(members: object = {}): Uint8Array {
  const message = {
    PSWD_version: "1.0",
    command_id: "c-1",
    command_type: "discharge",
    timestamp: formatUtc(utcMs(NOW)),
    target_power_mw: 1,
    ...members,
  };
  return new TextEncoder().encode(JSON.stringify(message));
}

function inbound(members: Partial<InboundMessage> = {}): InboundMessage {
  return {
    payload: body(),
    retained: false,
    correlation: undefined,
    properties: new Map(),
    hasRepeatedProperty: false,
    receivedAt: monotonicMs(0),
    receivedUtc: utcMs(NOW),
    ...members,
  };
}

/** Gives the battery back. */
const release = () => body({ command_type: "standby", target_power_mw: undefined });

const POLICY = {
  unsigned: "allow",
  facility: "hall-1",
  lease: { defaultMs: 60_000, maximumMs: 3_600_000 },
} as const;

const allowing = () => new CommandVerifier(POLICY);

function reasonOf(verifier: CommandVerifier, message: InboundMessage): string {
  const verdict = verifier.verify(TOPIC, message);
  return "accepted" in verdict ? "accepted" : verdict.refused;
}

describe("command verification", () => {
  it("refuses every unsigned command unless the site allows them", () => {
    const refusing = new CommandVerifier({ ...POLICY, unsigned: "refuse" });
    assert.equal(reasonOf(refusing, inbound()), "unsigned");
    const verdict = allowing().verify(TOPIC, inbound());
    assert.ok("accepted" in verdict);
    assert.equal(verdict.accepted.principal, "unsigned");
    assert.equal(verdict.accepted.request.id, "c-1");
  });

  it("refuses a signature of a key that nobody trusts, also where unsigned is allowed", () => {
    const properties = new Map([["sig", "e30..AA"]]);
    assert.equal(reasonOf(allowing(), inbound({ properties })), "unknown-key");
  });

  it("says nothing about the content to a stranger", () => {
    const refusing = new CommandVerifier({ ...POLICY, unsigned: "refuse" });
    const verdict = refusing.verify(TOPIC, inbound({ payload: body({ command_type: "x" }) }));
    assert.deepEqual(verdict, {
      refused: "unsigned",
      at: undefined,
      text: "unsigned",
      id: undefined,
      dialect: undefined,
    });
  });

  it("refuses what the broker had kept, what is too long, and properties said twice", () => {
    assert.equal(reasonOf(allowing(), inbound({ retained: true })), "retained");
    const payload = new Uint8Array(COMMAND_MAX_BYTES + 1);
    assert.equal(reasonOf(allowing(), inbound({ payload })), "too-long");
    assert.equal(reasonOf(allowing(), inbound({ hasRepeatedProperty: true })), "repeated-property");
  });

  it("refuses an old command and one from the future, each by one millisecond", () => {
    const at = (ageMs: number) => inbound({ receivedUtc: utcMs(NOW + ageMs) });
    assert.equal(reasonOf(allowing(), at(AGE_WINDOW_MS)), "accepted");
    assert.equal(reasonOf(allowing(), at(AGE_WINDOW_MS + 1)), "too-old");
    assert.equal(reasonOf(allowing(), at(-AGE_WINDOW_MS)), "accepted");
    assert.equal(reasonOf(allowing(), at(-AGE_WINDOW_MS - 1)), "from-the-future");
  });

  it("passes on what the message says wrong, with its place", () => {
    const verdict = allowing().verify(TOPIC, inbound({ payload: body({ duration_sec: 0 }) }));
    assert.ok("refused" in verdict);
    assert.deepEqual([verdict.refused, verdict.at], ["duration-zero", "/duration_sec"]);
    assert.deepEqual([verdict.id, verdict.dialect], ["c-1", "pswd"]);
  });

  it("lends what the site lends and no second more", () => {
    const lasting = (seconds: number) => inbound({ payload: body({ duration_sec: seconds }) });
    assert.equal(reasonOf(allowing(), lasting(3_600)), "accepted");
    assert.equal(reasonOf(allowing(), lasting(3_601)), "duration-too-long");
  });

  it("takes the id from MQTT where the body has none: property before correlation data", () => {
    const payload = body({ command_id: undefined });
    const correlation = new TextEncoder().encode("corr-1");
    const idOf = (message: InboundMessage) => {
      const verdict = allowing().verify(TOPIC, message);
      return "accepted" in verdict ? verdict.accepted.request.id : verdict.refused;
    };
    assert.equal(idOf(inbound({ payload, correlation })), "corr-1");
    const properties = new Map([["command_id", "prop-1"]]);
    assert.equal(idOf(inbound({ payload, correlation, properties })), "prop-1");
    assert.equal(idOf(inbound({ payload })), "no-id");
    assert.equal(idOf(inbound({ payload, correlation: Uint8Array.of(0, 255) })), "no-id");
    assert.equal(idOf(inbound({ payload, correlation: new Uint8Array(65).fill(65) })), "no-id");
  });

  it("limits the rate, but never keeps a battery from being given back", () => {
    const verifier = allowing();
    for (let count = 0; count < RATE_BURST; count++) {
      assert.equal(reasonOf(verifier, inbound()), "accepted");
    }
    assert.equal(reasonOf(verifier, inbound()), "rate-limited");
    const payload = release();
    for (let count = 0; count < SAFER_BURST; count++) {
      assert.equal(reasonOf(verifier, inbound({ payload })), "accepted");
    }
    assert.equal(reasonOf(verifier, inbound({ payload })), "rate-limited", "also bounded");
    const later = inbound({ receivedAt: monotonicMs(1_000) });
    for (let count = 0; count < RATE_PER_S; count++) {
      assert.equal(reasonOf(verifier, later), "accepted");
    }
    assert.equal(reasonOf(verifier, later), "rate-limited");
  });

  it("keeps the way back open behind a flood of commands that move power", () => {
    const verifier = allowing();
    for (let count = 0; count < RATE_BURST + SAFER_BURST + 1; count++) {
      reasonOf(verifier, inbound());
    }
    assert.equal(reasonOf(verifier, inbound()), "rate-limited");
    assert.equal(reasonOf(verifier, inbound({ payload: release() })), "accepted");
  });

  it("bounds what a flood may have read: beyond that a message is refused unread", () => {
    const verifier = allowing();
    const idOf = () => {
      const verdict = verifier.verify(TOPIC, inbound());
      return "refused" in verdict ? verdict.id : undefined;
    };
    for (let count = 0; count < RATE_BURST; count++) reasonOf(verifier, inbound());
    const long = body({ x_note: "n".repeat(READ_MAX_BYTES) });
    const unread = verifier.verify(TOPIC, inbound({ payload: long }));
    assert.ok("refused" in unread);
    assert.deepEqual([unread.refused, unread.id], ["rate-limited", undefined]);
    for (let count = 0; count < READ_BURST; count++) assert.equal(idOf(), "c-1");
    assert.equal(idOf(), undefined);
    assert.equal(reasonOf(verifier, inbound({ payload: release() })), "rate-limited");
  });
});

describe("verification of an announcement", () => {
  const announcement = (seconds = 0) =>
    new TextEncoder().encode(
      JSON.stringify({
        dcpi_version: "1.0",
        message_type: "workload_announcement",
        timestamp: formatUtc(utcMs(NOW + 1_000 * seconds)),
        workload_id: "job-1",
        power_profile: { peak_power_mw: 1, baseline_power_mw: 1 },
      }),
    );
  const verify = (verifier: CommandVerifier, members: Partial<InboundMessage> = {}) => {
    const verified = verifier.verifyWorkload(inbound({ payload: announcement(), ...members }));
    return "refused" in verified ? verified.refused : "accepted";
  };

  it("asks the same of a stranger as a command does", () => {
    const verifier = new CommandVerifier(POLICY);
    assert.equal(verify(verifier), "accepted");
    assert.equal(verify(new CommandVerifier({ ...POLICY, unsigned: "refuse" })), "unsigned");
    assert.equal(verify(verifier, { retained: true }), "retained");
    assert.equal(verify(verifier, { properties: new Map([["sig", "x"]]) }), "unknown-key");
    assert.equal(verify(verifier, { payload: new Uint8Array(COMMAND_MAX_BYTES + 1) }), "too-long");
    assert.equal(verify(verifier, { payload: announcement(-31) }), "too-old");
    assert.equal(verify(verifier, { payload: announcement(31) }), "from-the-future");
  });

  it("limits the rate, and leaves that of commands alone", () => {
    const verifier = new CommandVerifier(POLICY);
    for (let count = 0; count < ANNOUNCE_BURST; count += 1) verify(verifier);
    assert.equal(verify(verifier), "rate-limited");
    assert.ok("accepted" in verifier.verify(TOPIC, inbound()));
    const later = monotonicMs(1_000 / ANNOUNCE_PER_S);
    assert.equal(verify(verifier, { receivedAt: later }), "accepted");
  });
});

describe("verification of a workload's word on its state", () => {
  const status = (seconds = 0, members: object = {}) =>
    new TextEncoder().encode(
      JSON.stringify({
        dcpi_version: "1.0",
        timestamp: formatUtc(utcMs(NOW + 1_000 * seconds)),
        workload_id: "job-1",
        current_status: "throttled",
        ...members,
      }),
    );
  const verify = (verifier: CommandVerifier, members: Partial<InboundMessage> = {}) => {
    const verified = verifier.verifyStatus(inbound({ payload: status(), ...members }));
    return "refused" in verified ? verified.refused : "accepted";
  };

  it("asks the same of a stranger as a command does", () => {
    const verifier = new CommandVerifier(POLICY);
    assert.equal(verify(verifier), "accepted");
    assert.equal(verify(new CommandVerifier({ ...POLICY, unsigned: "refuse" })), "unsigned");
    assert.equal(verify(verifier, { retained: true }), "retained");
    assert.equal(verify(verifier, { properties: new Map([["sig", "x"]]) }), "unknown-key");
    assert.equal(verify(verifier, { payload: status(-31) }), "too-old");
    assert.equal(verify(verifier, { payload: status(31) }), "from-the-future");
    assert.equal(verify(verifier, { payload: status(0, { facility_id: "x" }) }), "wrong-facility");
  });

  it("limits the rate, and leaves that of commands and announcements alone", () => {
    const verifier = new CommandVerifier(POLICY);
    for (let count = 0; count < STATUS_BURST; count += 1) verify(verifier);
    assert.equal(verify(verifier), "rate-limited");
    assert.ok("accepted" in verifier.verify(TOPIC, inbound()));
    const later = monotonicMs(1_000 / STATUS_PER_S);
    assert.equal(verify(verifier, { receivedAt: later }), "accepted");
  });
});
