import { strict as assert } from "node:assert";
import { monotonicMs } from "../../../src/domain/time.ts";
import type { GooseFrame } from "../../../src/wire/goose/codec.ts";
import type { GoosePdu } from "../../../src/wire/goose/pdu.ts";
import { GooseSupervision, LIFE_MS_MAX } from "../../../src/wire/goose/supervision.ts";
import { FRAME, PDU } from "./frames.ts";

const EXPECTED = {
  controlBlock: PDU.controlBlock,
  dataSet: PDU.dataSet,
  id: PDU.id,
  configurationRevision: 1,
  values: 3,
};

function at(ms: number) {
  return monotonicMs(ms);
}

function said(more: Partial<GoosePdu>): GooseFrame {
  return { ...FRAME, pdu: { ...PDU, ...more } };
}

function later(ms: number): GoosePdu["time"] {
  return { ...PDU.time, utcMs: PDU.time.utcMs + ms };
}

const OPENED = [
  { kind: "boolean", value: false },
  { kind: "bits", bitCount: 2, bytes: Uint8Array.of(0x40) },
  { kind: "integer", value: -5 },
] as const;

describe("supervision of a GOOSE publisher", () => {
  let publisher: GooseSupervision;

  beforeEach(() => {
    publisher = new GooseSupervision(EXPECTED);
  });

  it("is bad until something was heard, and good with the first state", () => {
    assert.equal(publisher.state.fault, "silent");
    assert.equal(publisher.tick(at(1e9)), false);
    assert.equal(publisher.take(FRAME, at(0)), "new-state");
    assert.deepEqual(publisher.state, {
      fault: undefined,
      values: PDU.values,
      state: 3,
      sequence: 258,
    });
  });

  it("is bad when the time to live is over, to the millisecond, and told once", () => {
    publisher.take(FRAME, at(100));
    assert.equal(publisher.tick(at(2_099)), false);
    assert.equal(publisher.tick(at(2_100)), true);
    assert.equal(publisher.state.fault, "expired");
    assert.equal(publisher.tick(at(2_101)), false);
    assert.equal(publisher.counters.expired, 1);
  });

  it("lives on with every repetition, and counts those that are missing", () => {
    publisher.take(FRAME, at(0));
    assert.equal(publisher.take(said({ sequence: 259 }), at(1_500)), "repeated");
    assert.equal(publisher.take(said({ sequence: 263 }), at(3_400)), "repeated");
    assert.equal(publisher.tick(at(5_399)), false);
    assert.equal(publisher.tick(at(5_400)), true);
    assert.equal(publisher.counters.missed, 3);
  });

  it("is not believed longer than a minute, whatever it says", () => {
    publisher.take(said({ timeAllowedToLiveMs: 0xffff_ffff }), at(0));
    assert.equal(publisher.tick(at(LIFE_MS_MAX - 1)), false);
    assert.equal(publisher.tick(at(LIFE_MS_MAX)), true);
  });

  it("follows a later state", () => {
    publisher.take(FRAME, at(0));
    const next = said({ state: 4, sequence: 0, time: later(10), values: OPENED });
    assert.equal(publisher.take(next, at(10)), "new-state");
    assert.deepEqual(publisher.state.values, OPENED);
    assert.equal(publisher.counters.missed, 0);
  });

  it("does not take what was said before, and does not live on with it", () => {
    publisher.take(FRAME, at(0));
    const old: readonly Partial<GoosePdu>[] = [
      {},
      { sequence: 257 },
      { state: 2, sequence: 9, time: later(-10) },
      { state: 2, sequence: 9, time: later(10) },
      { state: 4, sequence: 0, time: later(-1) },
    ];
    for (const pdu of old) assert.equal(publisher.take(said(pdu), at(1_900)), "replayed");
    assert.equal(publisher.tick(at(2_000)), true);
    assert.equal(publisher.counters.replayed, old.length);
  });

  it("does not take a repetition that says something else", () => {
    publisher.take(FRAME, at(0));
    for (const pdu of [{ values: OPENED }, { time: later(5) }]) {
      const frame = said({ sequence: 259, ...pdu });
      assert.equal(publisher.take(frame, at(10)), "contradictory");
    }
    assert.deepEqual(publisher.state.values, PDU.values);
    assert.equal(publisher.tick(at(2_000)), true);
  });

  it("hears a publisher that began anew only after its time, and with a later event", () => {
    publisher.take(FRAME, at(0));
    const anew = said({ state: 1, sequence: 0, time: later(60_000) });
    assert.equal(publisher.take(anew, at(1_999)), "replayed");
    publisher.tick(at(2_000));
    assert.equal(publisher.take(said({ state: 1, sequence: 0 }), at(2_001)), "replayed");
    assert.equal(publisher.take(anew, at(2_002)), "new-state");
    assert.equal(publisher.state.fault, undefined);
  });

  it("goes on where it was after a gap longer than its life", () => {
    publisher.take(FRAME, at(0));
    publisher.tick(at(2_000));
    assert.equal(publisher.take(said({ sequence: 270 }), at(9_000)), "repeated");
    assert.equal(publisher.state.fault, undefined);
  });

  it("leaves a simulated publisher aside, and hears the real one beside it", () => {
    publisher.take(FRAME, at(0));
    const simulated = [
      said({ sequence: 259, isSimulated: true }),
      {
        ...said({ sequence: 260 }),
        isSimulatedFrame: true,
      },
    ];
    for (const frame of simulated) assert.equal(publisher.take(frame, at(10)), "simulated");
    assert.equal(publisher.take(said({ sequence: 259 }), at(20)), "repeated");
    assert.equal(publisher.counters.simulated, 2);
  });

  const faults: readonly (readonly [Partial<GoosePdu>, string])[] = [
    [{ configurationRevision: 2 }, "other-configuration"],
    [{ dataSet: "R1CTRL/LLN0$ds2" }, "other-data-set"],
    [{ id: "another" }, "other-data-set"],
    [{ values: PDU.values.slice(1) }, "other-data-set"],
    [{ needsCommissioning: true }, "needs-commissioning"],
  ];
  for (const [pdu, fault] of faults) {
    it(`is bad with ${fault} (${Object.keys(pdu).join()}), until it is right again`, () => {
      publisher.take(FRAME, at(0));
      assert.equal(publisher.take(said({ sequence: 259, ...pdu }), at(10)), fault);
      assert.equal(publisher.state.fault, fault);
      assert.equal(publisher.take(said({ sequence: 260 }), at(20)), "repeated");
      assert.equal(publisher.state.fault, undefined);
    });
  }
});
