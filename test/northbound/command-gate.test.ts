import { strict as assert } from "node:assert";
import { monotonicMs, utcMs } from "../../src/domain/time.ts";
import {
  COMMAND_PAYLOAD_MAX_BYTES,
  COMMAND_QUEUE_MAX,
  type CommandMessage,
  CommandQueue,
} from "../../src/northbound/command-gate.ts";

function message(bytes = 2): CommandMessage {
  return {
    topic: "cmd",
    payload: new Uint8Array(bytes),
    retained: false,
    correlation: undefined,
    responseTopic: undefined,
    contentType: undefined,
    properties: new Map(),
    hasRepeatedProperty: false,
    receivedAt: monotonicMs(0),
    receivedUtc: utcMs(0),
  };
}

function start() {
  const refused: string[] = [];
  const queue = new CommandQueue(({ message: { payload }, reason }) => {
    refused.push(`${reason} ${payload.length}`);
  });
  return { queue, refused, stop: new AbortController() };
}

describe("command queue", () => {
  it("gives messages in their order, also to a reader that waits", async () => {
    const { queue, stop } = start();
    const [first, second] = [message(), message()];
    const waiting = queue.next(stop.signal);
    queue.offer(first);
    queue.offer(second);
    assert.equal(await waiting, first);
    assert.equal(await queue.next(stop.signal), second);
  });

  it("refuses a payload of a megabyte at the door, counts it and keeps none of it", () => {
    const { queue, refused } = start();
    queue.offer(message(1024 * 1024));
    queue.offer(message(COMMAND_PAYLOAD_MAX_BYTES + 1));
    queue.offer(message(COMMAND_PAYLOAD_MAX_BYTES));
    assert.deepEqual(refused, ["oversize 0", "oversize 0"]);
    assert.deepEqual(queue.counters(), { offered: 3, queued: 1, overflowed: 0, oversize: 2 });
  });

  it("refuses what a full queue cannot hold", () => {
    const { queue, refused } = start();
    for (let count = 0; count < COMMAND_QUEUE_MAX + 2; count++) queue.offer(message());
    assert.equal(refused.length, 2);
    const { queued, overflowed } = queue.counters();
    assert.deepEqual([queued, overflowed], [COMMAND_QUEUE_MAX, 2]);
  });

  it("stops waiting when it is told to", async () => {
    const { queue, stop } = start();
    const waiting = assert.rejects(queue.next(stop.signal), /enough/);
    stop.abort(new Error("enough"));
    await waiting;
    queue.offer(message());
    assert.equal(queue.counters().queued, 1);
  });
});
