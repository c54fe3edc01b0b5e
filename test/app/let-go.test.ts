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
  const done = endWhenLetGo(host, { clock, limitMs: 1_000 }, asked.signal, end);
  return { clock, asked, end, done, stoppedAt: () => stoppedAt };
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
