import { strict as assert } from "node:assert";
import { endWhenLetGo } from "../../src/app/let-go.ts";
import { SimClock } from "../support/sim-clock.ts";

/** Batteries that need `rampMs` from the stop until they are let go. */
function start(rampMs: number) {
  const clock = new SimClock();
  const asked = new AbortController();
  const end = new AbortController();
  let stoppedAt = Infinity;
  const host = {
    stop: () => (stoppedAt = clock.now()),
    get isLetGo() {
      return clock.now() >= stoppedAt + rampMs;
    },
  };
  const failed = new AbortController();
  const parts = { clock, limitMs: 1_000, asked: asked.signal, end };
  const done = endWhenLetGo(host, parts, failed.signal);
  return { clock, asked, end, failed, done, stoppedAt: () => stoppedAt };
}

describe("the end of control", () => {
  it("waits until the batteries are let go", async () => {
    const { clock, asked, end, done, stoppedAt } = start(400);
    await clock.advance(5_000);
    assert.equal(stoppedAt(), Infinity, "nobody asked");
    asked.abort();
    await clock.advance(399);
    assert.equal(stoppedAt(), 5_000);
    assert.equal(end.signal.aborted, false);
    await clock.advance(21);
    assert.equal(end.signal.aborted, true);
    await done;
  });

  it("stops nothing when the process ends for a reason of its own", async () => {
    const { end, failed, done, stoppedAt } = start(400);
    failed.abort();
    await done;
    assert.equal(stoppedAt(), Infinity);
    assert.equal(end.signal.aborted, false);
  });

  it("comes at once when nothing is commanded", async () => {
    const { clock, asked, end } = start(0);
    asked.abort();
    await clock.advance(0);
    assert.equal(end.signal.aborted, true);
  });

  it("comes at the limit when the ramp takes longer", async () => {
    const { clock, asked, end } = start(60_000);
    asked.abort();
    await clock.advance(999);
    assert.equal(end.signal.aborted, false);
    await clock.advance(21);
    assert.equal(end.signal.aborted, true);
  });
});
