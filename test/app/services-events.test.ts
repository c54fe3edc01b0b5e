import { strict as assert } from "node:assert";
import { GatewayError } from "../../src/domain/errors.ts";
import { utcMs } from "../../src/domain/time.ts";
import { tellReport, unlessRefused } from "../../src/app/services-events.ts";
import type { StoreReport } from "../../src/store/rows.ts";

function lost(...streams: readonly string[]): StoreReport {
  const losses = streams.map((stream, lossId) => ({
    lossId,
    stream,
    rows: 1,
    reason: "evicted",
    epoch: 1,
    firstSeq: 1,
    lastSeq: 1,
  }));
  return { kind: "lost", losses } as unknown as StoreReport;
}

describe("services events", () => {
  it("confirms a loss only when the event that tells it is stored", async () => {
    const confirmed: number[] = [];
    let isTold = false;
    await tellReport(lost("meter-1", "meter-2"), utcMs(1), {
      tell: async (event) => {
        await Promise.resolve();
        isTold = true;
        return event.text.includes("meter-2");
      },
      store: {
        confirmLosses: (ids) => {
          assert.ok(isTold, "confirmed before it was told");
          confirmed.push(...ids);
        },
      },
    });
    assert.deepEqual(confirmed, [1]);
  });

  it("passes over a second in which the store is busy, but not over a bug", async () => {
    const busy = Promise.reject<number>(new GatewayError("STORE_BUSY"));
    assert.equal(await unlessRefused<number>(busy), undefined);
    assert.equal(await unlessRefused(Promise.resolve(3)), 3);
    await assert.rejects(unlessRefused(Promise.reject(new TypeError("bug"))), TypeError);
  });
});
