import { strict as assert } from "node:assert";
import type { WritingDriver } from "../../src/app/device-writer.ts";
import { WriteDispatch } from "../../src/app/write-dispatch.ts";
import type { ControlWrite, CyclicReport } from "../../src/control/exchange.ts";
import { pointIndex, type PointTable, streamId } from "../../src/domain/point.ts";
import { monotonicMs } from "../../src/domain/time.ts";
import type { Setpoint } from "../../src/domain/write.ts";
import { SimClock } from "../support/sim-clock.ts";

const SETPOINT = pointIndex(1);
const RUN = pointIndex(2);
const SLOW_MS = 200;

/** A device that takes 200 ms for a batch. */
function start() {
  const clock = new SimClock();
  const batches: (readonly (readonly [point: number, value: number])[])[] = [];
  let letGo = 0;
  const driver: WritingDriver = {
    letGo: () => (letGo += 1),
    write: async (setpoints: readonly Setpoint[]) => {
      batches.push(setpoints.map(({ point, value }) => [point, value]));
      await clock.sleep(SLOW_MS);
      return setpoints.map(() => ({ result: "accepted", readBack: undefined }));
    },
  };
  const reports: CyclicReport[] = [];
  const table = { devices: [{ id: "bess-1", stream: 1 }], points: [] } as unknown as PointTable;
  const dispatch = new WriteDispatch({
    context: { runtimeDirectory: "/nowhere", table },
    south: { driver: () => driver },
    clock,
    random: () => 0,
    signal: new AbortController().signal,
  });
  const send = (at: number, ...writes: readonly (readonly [ControlWrite["point"], number])[]) => {
    dispatch.send(
      writes.map(([point, value]): ControlWrite => ({
        asset: "bess-1",
        stream: streamId(1),
        lane: "cyclic",
        confirm: "by-poll",
        isProtective: false,
        sentAt: monotonicMs(at),
        point,
        value,
      })),
      (report) => reports.push(report),
    );
  };
  return { clock, dispatch, send, batches, reports, letGo: () => letGo };
}

describe("write dispatch", () => {
  it("lets STOP and zero go in their order where they replace a waiting setpoint", async () => {
    const { clock, send, batches, dispatch } = start();
    send(0, [SETPOINT, 5]);
    send(50, [SETPOINT, 6]);
    send(100, [RUN, 0], [SETPOINT, 0]);
    await clock.advance(3 * SLOW_MS);
    assert.deepEqual(batches, [
      [[SETPOINT, 5]],
      [
        [RUN, 0],
        [SETPOINT, 0],
      ],
    ]);
    assert.equal(dispatch.replaced, 1);
  });

  it("reports each write with the cycle that sent it, also of equal values", async () => {
    const { clock, send, reports } = start();
    send(0, [SETPOINT, 5]);
    send(100, [SETPOINT, 5], [RUN, 1]);
    await clock.advance(3 * SLOW_MS);
    assert.deepEqual(
      reports.map(({ point, value, sentAt }) => [point, value, sentAt]),
      [
        [SETPOINT, 5, 0],
        [SETPOINT, 5, 100],
        [RUN, 1, 100],
      ],
    );
  });

  it("drops what waits for a device that is let go, and ends what keeps it alive", async () => {
    const { clock, send, batches, dispatch, letGo } = start();
    send(0, [SETPOINT, 5]);
    send(50, [SETPOINT, 6]);
    dispatch.letGo("bess-1");
    dispatch.letGo("nobody");
    await clock.advance(3 * SLOW_MS);
    assert.deepEqual(batches, [[[SETPOINT, 5]]]);
    assert.equal(letGo(), 1);
  });
});
