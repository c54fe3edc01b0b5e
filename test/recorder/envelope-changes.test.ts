import { strict as assert } from "node:assert";
import { compileEnvelope, recordWrite } from "../../src/control/envelope.ts";
import { monotonicMs } from "../../src/domain/time.ts";
import { ByteReader } from "../../src/recorder/byte-reader.ts";
import { ByteWriter } from "../../src/recorder/byte-writer.ts";
import {
  applyEnvelopeChanges,
  EnvelopeWriter,
  memoryOf,
  readEnvelopeChanges,
} from "../../src/recorder/envelope-changes.ts";
import { testPlan } from "../support/plant-plan.ts";

/** What of an envelope never changes while it is in use, or in cycles alone. */
const FIXED = ["entries", "placeByPoint", "since", "inhibited"];

describe("changes of an envelope between two cycles", () => {
  const { envelope: entries } = testPlan({});

  it("know everything that an envelope remembers: whatever is new in it has to be a column", () => {
    const envelope = compileEnvelope(entries);
    const changing = Object.entries(envelope).filter(([name]) => !FIXED.includes(name));
    assert.deepEqual(
      memoryOf(envelope),
      changing.map(([, column]) => column as unknown),
    );
  });

  it("bring another envelope to the same, and are none when nobody wrote", () => {
    const envelope = compileEnvelope(entries);
    const other = compileEnvelope(entries);
    const writer = new EnvelopeWriter(envelope);
    const out = new ByteWriter(10_000);
    writer.changes(out);
    assert.deepEqual([...out.written()], [0]);
    out.clear();
    const [entry] = entries;
    assert.ok(entry !== undefined);
    recordWrite(envelope, entry.point, -0, monotonicMs(123));
    envelope.locks[entries.length - 1] = 1;
    writer.changes(out);
    applyEnvelopeChanges(other, readEnvelopeChanges(new ByteReader(out.written()), other));
    assert.deepEqual(other, envelope);
    assert.ok(Object.is(other.lastValues[0], -0));
  });
});
