import { strict as assert } from "node:assert";
import { monotonicMs, utcMs } from "../../src/domain/time.ts";
import { compileEnvelope } from "../../src/control/envelope.ts";
import type { ControlWrite } from "../../src/control/exchange.ts";
import { Notices, noNotices } from "../../src/control/notices.ts";
import { checkReadBack, differs, noWrites, writeSetpoint } from "../../src/control/writes.ts";
import { PointImage } from "../../src/points/image.ts";
import { MW, pointCountOf, testPlan, testUnit, unitPoints } from "../support/plant-plan.ts";
import { readingOf } from "../support/plant-reading.ts";

const { setpoint } = unitPoints(0);

function start() {
  const { envelope: entries } = testPlan();
  const envelope = compileEnvelope(entries);
  const image = new PointImage(pointCountOf(1));
  const state = noWrites(32);
  const plan = testUnit(0);
  const notices = new Notices(noNotices(), utcMs(0));
  const sight = (now: number) => ({
    view: image.view,
    now: monotonicMs(now),
    envelope,
    notices,
    writes: [] as ControlWrite[],
  });
  const write = (valueW: number, now: number) => {
    const at = sight(now);
    writeSetpoint(state, plan, { powerW: valueW, fromW: valueW }, at);
    return at.writes.map((sent) => sent.value);
  };
  const read = (valueW: number, receivedAt: number) => {
    image.post(readingOf({ [setpoint]: valueW }, { at: receivedAt }));
    image.take();
    checkReadBack(state, plan, sight(receivedAt));
  };
  return { state, write, read };
}

describe("writes of a unit", () => {
  it("are rounded to its step towards zero", () => {
    const { write } = start();
    assert.deepEqual(write(1_999, 0), [1_000]);
    assert.deepEqual(write(-1_999, 50), [-1_000]);
  });

  it("are not judged by a reading from before they were sent", () => {
    const { state, write, read } = start();
    write(1 * MW, 1_000);
    read(1 * MW, 1_050);
    write(2 * MW, 1_300);
    read(1 * MW, 1_299);
    assert.equal(state.confirmedAt, 1_000, "the reading shows the write before");
    read(1 * MW, 1_399);
    assert.ok(!differs(state), "within its time the old value may still be shown");
    read(1 * MW, 1_400);
    read(1 * MW, 1_450);
    assert.ok(differs(state));
    read(2 * MW, 1_500);
    assert.ok(!differs(state));
    assert.equal(state.confirmedAt, 1_300);
  });
});
