import { strict as assert } from "node:assert";
import { join } from "node:path";
import type { PlantEvent } from "../../src/domain/event.ts";
import { streamId } from "../../src/domain/point.ts";
import { type AbortSignalLike, utcMs } from "../../src/domain/time.ts";
import { encodeAck, encodeResume, LinkDecoder } from "../../src/link/codec.ts";
import { MessageSplitter } from "../../src/link/message-splitter.ts";
import { type LinkMessage, MAX_FRAME_BYTES } from "../../src/link/messages.ts";
import type { FramePlace } from "../../src/link/round-consumer.ts";
import { RoundProducer } from "../../src/link/round-producer.ts";
import { SystemClock } from "../../src/platform/clock.ts";
import { stepOf } from "../support/command-step.ts";
import { SimClock } from "../support/sim-clock.ts";
import { until } from "../support/until.ts";
import { rawPeer, socketDirectory, startConsumer, startProducer, TABLE } from "./link-rig.ts";
import { kept, makeRound } from "./round-builders.ts";

const EVENT: PlantEvent = {
  id: "trip",
  severity: "trip",
  phase: "raised",
  device: "bess-1",
  point: undefined,
  text: "bess-1 tripped",
  at: utcMs(1),
};

class ClockAt5000 extends SystemClock {
  override utcNow() {
    return utcMs(5_000);
  }
}

/** Notes how long a wait for the next attempt would be, and waits a moment. */
class NotingClock extends SystemClock {
  readonly waitsMs: number[] = [];

  override async sleep(ms: number, signal?: AbortSignalLike): Promise<void> {
    // Waiting for the introduction is no wait for the next attempt.
    if (ms >= 5_000) return super.sleep(ms, signal);
    this.waitsMs.push(ms);
    return super.sleep(1, signal);
  }
}

const upTo = (last: number) => Array.from({ length: last }, (_, at) => at + 1);

describe("rounds link", () => {
  let directory: ReturnType<typeof socketDirectory>;
  let socketPath: string;
  const stops: (() => Promise<void>)[] = [];

  beforeEach(() => {
    directory = socketDirectory();
    socketPath = join(directory.path, "rounds");
  });
  afterEach(async () => {
    for (const stop of stops.splice(0).reverse()) await stop().catch(() => undefined);
    directory.remove();
  });

  async function produce(
    ...args: Parameters<typeof startProducer> extends [string, ...infer R] ? R : never
  ) {
    const started = await startProducer(socketPath, ...args);
    stops.push(started.stop);
    return started;
  }
  function consume(options: Parameters<typeof startConsumer>[1] = {}) {
    const started = startConsumer(socketPath, options);
    stops.push(started.stop);
    return started;
  }
  /** Rounds `first` … `last` of stream 1, a frame each. */
  function post(producer: RoundProducer, first: number, last: number) {
    for (let seq = first; seq <= last; seq++) {
      producer.postRound(makeRound(1, seq, 0, [seq, -seq]));
      producer.flush();
    }
  }

  it("gives a live consumer what is known, then what happens", async () => {
    const { producer } = await produce();
    post(producer, 1, 2);
    producer.postRound(makeRound(1, 3, 1, [33]));
    producer.postRound(makeRound(2, 1, 50, [5]));
    const live = consume({ role: "scada", mode: "live" });
    await until(() => live.frames.length === 1);
    const [image] = live.frames;
    assert.deepEqual([image?.type, image?.frameNo, image?.hasMore], ["image", 3, false]);
    assert.deepEqual(
      image?.items.map((item) => item.kind === "round" && item.round),
      [makeRound(1, 2, 0, [2]), makeRound(1, 3, 1, [33]), makeRound(2, 1, 50, [5])].map(kept),
    );
    post(producer, 4, 4);
    await until(() => live.frames.length === 2);
    assert.deepEqual([live.frames[1]?.type, live.frames[1]?.frameNo], ["frame", 4]);
    assert.deepEqual(live.seqs(), [4]);
    assert.deepEqual(live.gaps, []);
  });

  it("gives who comes late what is, and never what was", async () => {
    const { producer } = await produce();
    post(producer, 1, 1);
    producer.postRound({ ...makeRound(1, 2, 0, [9, 9]), isHistory: true });
    const live = consume({ role: "scada", mode: "live" });
    await until(() => live.frames.length === 1);
    assert.deepEqual(
      live.frames[0]?.items.map((item) => item.kind === "round" && item.round),
      [makeRound(1, 1, 0, [1, -1])].map(kept),
    );
  });

  it("tells of every stream what of it is on disk, when it is", async () => {
    const stored: (readonly [number, number])[] = [];
    const { producer } = await produce({
      onStored: (seqs) => {
        stored.push(...seqs);
      },
    });
    post(producer, 1, 3);
    producer.postRound(makeRound(2, 1, 50, [5]));
    producer.flush();
    const durable = consume();
    await until(() => durable.frames.length === 4);
    assert.deepEqual(stored, []);
    durable.consumer.ack(7, 2);
    await until(() => stored.length === 1);
    assert.deepEqual(stored, [[1, 2]]);
    durable.consumer.ack(7, 4);
    await until(() => stored.length === 3);
    assert.deepEqual(stored.slice(1), [
      [1, 3],
      [2, 1],
    ]);
  });

  it("keeps every frame until the durable consumer has stored it", async () => {
    const { producer } = await produce();
    post(producer, 1, 3);
    const durable = consume();
    await until(() => durable.frames.length === 3);
    assert.equal(producer.counters().ringFrames, 3);
    durable.consumer.ack(7, 2);
    await until(() => producer.counters().ringFrames === 1);
    durable.consumer.ack(6, 3);
    durable.consumer.ack(7, 3);
    await until(() => producer.counters().ringFrames === 0);
    assert.equal(producer.counters().hostilePeers, 0);
  });

  it("goes on behind the last stored frame when the consumer comes back: none lost", async () => {
    const { producer } = await produce();
    post(producer, 1, 10);
    const first = consume();
    await until(() => first.frames.length === 10);
    first.consumer.ack(7, 6);
    await until(() => producer.counters().ringFrames === 4);
    await first.stop();
    post(producer, 11, 20);
    const second = consume({ resume: () => ({ epoch: 7, frameNo: 6 }) });
    await until(() => second.frames.length === 14);
    assert.deepEqual(second.seqs(), upTo(20).slice(6));
    assert.deepEqual(second.gaps, []);
  });

  it("hands no frame over twice when only the connection broke", async () => {
    const { producer } = await produce();
    let stored: FramePlace | undefined = undefined;
    const durable = consume({ resume: () => stored });
    post(producer, 1, 5);
    await until(() => durable.frames.length === 5);
    stored = { epoch: 7, frameNo: 2 };
    // Another durable consumer takes the place; this one comes back when that one has gone.
    const usurper = consume({ resume: () => ({ epoch: 7, frameNo: 5 }) });
    await until(() => usurper.isConnected() && !durable.isConnected());
    await usurper.stop();
    await until(() => durable.isConnected());
    post(producer, 6, 8);
    await until(() => durable.frames.length >= 8);
    assert.deepEqual(durable.seqs(), upTo(8));
    assert.equal(durable.consumer.counters().duplicateFrames, 3);
    durable.consumer.ack(7, 8);
    await until(() => producer.counters().ringFrames === 0);
  });

  it("counts what the ring could not keep, and says which frames and seqs are gone", async () => {
    const { producer } = await produce({ limits: { ringBytes: 4 * 700 } });
    post(producer, 1, 10);
    producer.postRound(makeRound(2, 1, 50, [1]));
    producer.flush();
    const { overrunFrames, ringFrames } = producer.counters();
    assert.equal(overrunFrames + ringFrames, 11);
    assert.ok(overrunFrames >= 5, `${overrunFrames} frames went`);
    const durable = consume();
    await until(() => durable.frames.length === ringFrames);
    assert.deepEqual(durable.gaps, [
      {
        kind: "frames-lost",
        producer: "field",
        epoch: 7,
        firstFrame: 1,
        lastFrame: overrunFrames,
        lastSeqs: new Map([[streamId(1), overrunFrames]]),
      },
    ]);
    assert.equal(durable.seqs()[0], overrunFrames + 1);
  });

  it("does not call frames lost that were stored before the ring let them go", async () => {
    const { producer } = await produce();
    post(producer, 1, 4);
    const first = consume();
    await until(() => first.frames.length === 4);
    first.consumer.ack(7, 4);
    await until(() => producer.counters().ringFrames === 0);
    await first.stop();
    post(producer, 5, 6);
    const restored = consume();
    await until(() => restored.frames.length === 2);
    assert.deepEqual(restored.gaps, []);
  });

  it("tells a durable consumer that went back to an older copy what it will not get", async () => {
    const { producer } = await produce();
    post(producer, 1, 4);
    const first = consume();
    await until(() => first.frames.length === 4);
    first.consumer.ack(7, 3);
    await until(() => producer.counters().ringFrames === 1);
    await first.stop();
    const restored = consume({ resume: () => ({ epoch: 7, frameNo: 1 }) });
    await until(() => restored.frames.length === 1);
    const [gap] = restored.gaps;
    assert.deepEqual(gap?.kind === "frames-lost" && [gap.firstFrame, gap.lastFrame], [2, 3]);
  });

  it("tells once of a producer's restart: last frame of before, first time of after", async () => {
    const first = await produce();
    post(first.producer, 1, 3);
    const durable = consume({ resume: () => ({ epoch: 7, frameNo: 3 }) });
    const live = consume({ role: "control", mode: "live" });
    await until(() => durable.isConnected() && live.isConnected());
    await first.stop();
    const second = await produce({ epoch: 8, clock: new ClockAt5000() });
    post(second.producer, 1, 1);
    await until(() => durable.frames.length === 1 && live.gaps.length === 1);
    const expected = { kind: "new-epoch", producer: "field", formerEpoch: 7, epoch: 8 };
    assert.deepEqual(durable.gaps, [{ ...expected, lastFrame: 3, startedUtc: 5_000 }]);
    assert.equal(live.gaps[0]?.kind, "new-epoch");
  });

  it("lets a live consumer that is too slow skip, tells it, and gives it a new image", async () => {
    const { producer } = await produce({ limits: { liveQueueBytes: 20_000 } });
    const live = consume({ role: "scada", mode: "live" });
    const other = consume({ role: "control", mode: "live" });
    await until(() => live.frames.length === 1 && other.frames.length === 1);
    live.consumer.pause();
    const wide = Array.from({ length: 100 }, (_, at) => at);
    let seq = 0;
    // Sockets take some hundred kilobytes before anything waits.
    while (producer.counters().skippedFrames < 10) {
      producer.postRound(makeRound(1, ++seq, 0, wide));
      producer.flush();
      if (seq % 16 === 0) await until(() => other.seqs().length === seq);
      assert.ok(seq < 20_000, "nothing was skipped");
    }
    live.consumer.unpause();
    await until(() => live.gaps.length === 1 && live.frames.at(-1)?.type === "image");
    const [gap] = live.gaps;
    assert.ok(gap?.kind === "frames-lost");
    assert.equal(gap.firstFrame, live.seqs().length + 1);
    assert.deepEqual([gap.lastFrame, gap.lastSeqs.get(streamId(1))], [seq, seq]);
    producer.postRound(makeRound(1, seq + 1, 0, wide));
    producer.flush();
    await until(() => live.seqs().at(-1) === seq + 1);
    await until(() => other.seqs().length === seq + 1);
    assert.deepEqual(other.seqs(), upTo(seq + 1), "the other one missed nothing");
  });

  describe("with streams for a role", () => {
    const streamsFor = new Map([["control", new Set([streamId(2)])]] as const);

    /** A frame of stream 1, one of both, one of stream 2, and one of an event. */
    function postFour(producer: RoundProducer, round: number) {
      producer.postRound(makeRound(1, 2 * round - 1, 0, [round]));
      producer.flush();
      producer.postRound(makeRound(1, 2 * round, 0, [round]));
      producer.postRound(makeRound(2, 2 * round - 1, 50, [round]));
      producer.flush();
      producer.postRound(makeRound(2, 2 * round, 50, [round]));
      producer.flush();
      producer.postEvent(EVENT);
    }
    const shown = (started: ReturnType<typeof startConsumer>) =>
      started.frames.map(({ type, frameNo, items }) => [
        type,
        frameNo,
        ...items.map((item) => item.kind === "round" && [item.round.stream, item.round.seq]),
      ]);

    it("gives that role these only, no empty frame, and the others everything", async () => {
      const { producer } = await produce({ streamsFor });
      postFour(producer, 1);
      const part = consume({ role: "control", mode: "live" });
      const all = consume({ role: "scada", mode: "live" });
      const durable = consume();
      await until(() => part.frames.length === 1 && all.frames.length === 1);
      postFour(producer, 2);
      postFour(producer, 3);
      await until(() => all.frames.length === 9 && durable.frames.length === 12);
      await until(() => part.frames.length === 5);
      assert.deepEqual(shown(part), [
        ["image", 4, [2, 2]],
        ["frame", 6, [2, 3]],
        ["frame", 7, [2, 4]],
        ["frame", 10, [2, 5]],
        ["frame", 11, [2, 6]],
      ]);
      assert.deepEqual(all.seqs(), [3, 4, 5, 6]);
      assert.deepEqual(durable.seqs(), upTo(6));
      assert.deepEqual([part.gaps, part.consumer.counters().hostilePeers], [[], 0]);
    });

    it("begins with a whole frame, also when a part of it was posted before", async () => {
      const { producer } = await produce({ streamsFor, limits: { coalesceMs: 60_000 } });
      producer.postRound(makeRound(2, 1, 50, [1]));
      const part = consume({ role: "control", mode: "live" });
      await until(() => part.frames.length === 1);
      producer.postRound(makeRound(2, 2, 50, [2]));
      producer.flush();
      await until(() => part.frames.length === 2);
      assert.deepEqual(shown(part), [
        ["image", 1, [2, 1]],
        ["frame", 2, [2, 2]],
      ]);
    });

    it("gives a durable consumer of that role everything all the same", async () => {
      const { producer } = await produce({ streamsFor });
      post(producer, 1, 2);
      const durable = consume({ role: "control" });
      await until(() => durable.frames.length === 2);
      assert.deepEqual(durable.seqs(), [1, 2]);
    });

    it("tells a consumer that is too slow of its own streams, and gives a new image", async () => {
      const { producer } = await produce({ streamsFor, limits: { liveQueueBytes: 20_000 } });
      const part = consume({ role: "control", mode: "live" });
      await until(() => part.frames.length === 1);
      part.consumer.pause();
      const wide = Array.from({ length: 40 }, (_, at) => at);
      let seq = 0;
      // Sockets take some hundred kilobytes before anything waits.
      while (producer.counters().skippedFrames < 10) {
        seq++;
        producer.postRound(makeRound(1, seq, 0, [seq]));
        producer.flush();
        producer.postRound(makeRound(2, seq, 50, wide));
        producer.flush();
        if (seq % 64 === 0) await new Promise((resolve) => setImmediate(resolve));
        assert.ok(seq < 40_000, "nothing was skipped");
      }
      part.consumer.unpause();
      await until(() => part.gaps.length === 1 && part.frames.at(-1)?.type === "image");
      const [gap] = part.gaps;
      assert.ok(gap?.kind === "frames-lost");
      assert.deepEqual([...gap.lastSeqs], [[2, seq]]);
      const received = part.frames.filter(({ type }) => type === "frame");
      assert.ok((received.at(-1)?.frameNo ?? 0) < gap.firstFrame);
      assert.equal(gap.lastFrame, producer.counters().frames);
      producer.postRound(makeRound(2, seq + 1, 50, wide));
      producer.flush();
      await until(() => part.frames.at(-1)?.type === "frame");
      assert.deepEqual(shown(part).at(-1), ["frame", gap.lastFrame + 1, [2, seq + 1]]);
    });
  });

  it("lets a slow durable consumer read from the ring: late, but whole", async () => {
    const { producer } = await produce({ limits: { durableWindowBytes: 10_000 } });
    const durable = consume();
    await until(() => durable.isConnected());
    durable.consumer.pause();
    const wide = Array.from({ length: 100 }, (_, at) => at);
    for (const seq of upTo(1500)) {
      producer.postRound(makeRound(1, seq, 0, wide));
      producer.flush();
    }
    durable.consumer.unpause();
    await until(() => durable.frames.length === 1500);
    assert.deepEqual(durable.seqs(), upTo(1500));
    assert.equal(producer.counters().skippedFrames, 0);
  });

  it("takes an acknowledgement of frames that came over a former connection", async () => {
    const { producer } = await produce({ limits: { durableWindowBytes: 10_000 } });
    const wide = Array.from({ length: 100 }, (_, at) => at);
    for (const seq of upTo(1500)) {
      producer.postRound(makeRound(1, seq, 0, wide));
      producer.flush();
    }
    const peer = rawPeer(socketPath);
    peer.socket.pause();
    peer.socket.write(
      Buffer.concat([
        encodeResume({
          role: "services",
          mode: "durable",
          wantsImage: false,
          epoch: 0,
          frameNo: 0,
        }),
        encodeAck({ epoch: 7, frameNo: 1500 }),
      ]),
    );
    await until(() => producer.counters().ringFrames === 0);
    const messages: LinkMessage[] = [];
    const splitter = new MessageSplitter(MAX_FRAME_BYTES);
    const decoder = new LinkDecoder(TABLE.tableSize);
    peer.socket.on("data", (chunk) => {
      splitter.push(chunk, (bytes) => messages.push(decoder.decode(bytes)));
    });
    peer.socket.resume();
    post(producer, 1501, 1501);
    await until(() => {
      const last = messages.at(-1);
      return last?.type === "frame" && last.frameNo === 1501;
    });
    assert.ok(messages.length < 1500, "what was stored is not sent again");
    assert.ok(!messages.some(({ type }) => type === "gap"), "and is not called lost");
    peer.socket.destroy();
  });

  const resume = encodeResume({
    role: "services",
    mode: "durable",
    wantsImage: false,
    epoch: 7,
    frameNo: 1,
  });
  const live = encodeResume({
    role: "scada",
    mode: "live",
    wantsImage: false,
    epoch: 0,
    frameNo: 0,
  });
  const hostile: [string, Uint8Array][] = [
    ["noise", new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n")],
    ["an acknowledgement before it says who it is", encodeAck({ epoch: 7, frameNo: 1 })],
    ["a second introduction", Buffer.concat([resume, resume])],
    ["a frame that was never made", Buffer.concat([resume, encodeAck({ epoch: 7, frameNo: 9 })])],
    ["a frame of another epoch", Buffer.concat([resume, encodeAck({ epoch: 8, frameNo: 1 })])],
    [
      "an acknowledgement of a live peer",
      Buffer.concat([live, encodeAck({ epoch: 7, frameNo: 1 })]),
    ],
    [
      "a place that was never reached",
      encodeResume({ role: "services", mode: "durable", wantsImage: false, epoch: 7, frameNo: 2 }),
    ],
  ];
  for (const [what, bytes] of hostile) {
    it(`closes a peer that sends ${what}, counts it, and serves the others on`, async () => {
      const { producer } = await produce();
      const good = consume({ role: "control", mode: "live" });
      await until(() => good.frames.length === 1);
      post(producer, 1, 1);
      const peer = rawPeer(socketPath);
      peer.socket.write(bytes);
      await until(peer.isClosed);
      assert.equal(producer.counters().hostilePeers, 1);
      post(producer, 2, 2);
      await until(() => good.seqs().length === 2);
      assert.equal(producer.counters().ringFrames, 2, "nothing was released");
    });
  }

  it("closes a peer that never says who it is", async () => {
    const { producer } = await produce({ limits: { introductionMs: 20 } });
    const good = consume({ role: "control", mode: "live" });
    const peer = rawPeer(socketPath);
    await until(peer.isClosed);
    assert.equal(producer.counters().hostilePeers, 1);
    assert.ok(good.isConnected());
  });

  it("refuses one connection too many", async () => {
    const { producer } = await produce({ limits: { maxConnections: 1 } });
    const good = consume();
    await until(() => good.isConnected());
    const peer = rawPeer(socketPath);
    await until(peer.isClosed);
    assert.equal(producer.counters().refusedConnections, 1);
    assert.ok(good.isConnected());
  });

  // The rule was another one: a consumer that ended took its whole process into a half-alive state.
  it("says once that the peer has another point table, asks seldom, and goes on when mended", async () => {
    const clock = new NotingClock();
    const other = await produce({ tableHash: "table-2" });
    const waiting = consume({ clock });
    await until(() => clock.waitsMs.filter((ms) => ms === 500).length >= 3);
    assert.deepEqual(
      waiting.states.map((state) => state.state === "lost" && state.error.code),
      ["PEER_MISMATCH"],
    );
    assert.deepEqual(clock.waitsMs.slice(0, 3), [500, 500, 500], "half of the longest wait");
    await other.stop();
    const { producer } = await produce({ epoch: 8 });
    post(producer, 1, 1);
    await until(() => waiting.seqs().length === 1);
    assert.deepEqual(
      waiting.states.map(({ state }) => state),
      ["lost", "connected"],
      "that the other one left in between is no news",
    );
  });

  it("says the reason when the peer that was away comes back with another table", async () => {
    const waiting = consume({ clock: new NotingClock(), tableSize: 101 });
    await until(() => waiting.states.length === 1);
    await produce();
    await until(() => waiting.states.length === 2);
    assert.deepEqual(
      waiting.states.map((state) => state.state === "lost" && state.error.code),
      ["PEER_LOST", "PEER_MISMATCH"],
    );
  });

  it("ends with what a callback throws: that is nobody's bad frame", async () => {
    const { producer } = await produce();
    post(producer, 1, 1);
    const broken = consume({
      onFrame: () => {
        throw new Error("our own bug");
      },
    });
    await assert.rejects(broken.done, /our own bug/);
  });

  it("gives the durable consumer a moment to store the rest before it stops", async () => {
    const { producer, stop } = await produce({ limits: { drainMs: 4_000, coalesceMs: 60_000 } });
    const durable = consume({
      onFrame: ({ epoch, frameNo }) => {
        durable.consumer.ack(epoch, frameNo);
      },
    });
    post(producer, 1, 1);
    await until(() => producer.counters().ringFrames === 0);
    producer.postRound(makeRound(1, 2, 0, [1]));
    await stop();
    assert.equal(producer.counters().ringFrames, 0);
    assert.equal(producer.counters().frames, 2);
  });
});

describe("round producer", () => {
  function make(limits = {}) {
    const clock = new SimClock();
    const producer = new RoundProducer({
      socketPath: "unused",
      role: "control",
      epoch: 1,
      ...TABLE,
      clock,
      limits,
    });
    return { clock, producer };
  }

  it("lets the rounds of 3 ms share a frame", async () => {
    const { clock, producer } = make();
    producer.postRound(makeRound(1, 1, 0, [1]));
    await clock.advance(2);
    producer.postRound(makeRound(2, 1, 1, [1]));
    assert.equal(producer.counters().frames, 0);
    await clock.advance(1);
    assert.equal(producer.counters().frames, 1, "the first one has waited long enough");
    await clock.advance(100);
    producer.postRound(makeRound(1, 2, 0, [1]));
    producer.postEvent({ ...EVENT, severity: "info" });
    await clock.advance(2);
    assert.equal(producer.counters().frames, 1);
    await clock.advance(100);
    const { frames, rounds, points, events } = producer.counters();
    assert.deepEqual(
      { frames, rounds, points, events },
      { frames: 2, rounds: 3, points: 3, events: 1 },
    );
  });

  it("sends a trip, a critical event and a command's step at once", () => {
    const { producer } = make();
    producer.postRound(makeRound(1, 1, 0, [1]));
    producer.postEvent(EVENT);
    assert.equal(producer.counters().frames, 1);
    producer.postEvent({ ...EVENT, severity: "critical" });
    assert.equal(producer.counters().frames, 2);
    producer.postStep(stepOf({ stage: "done", final: true }));
    assert.equal(producer.counters().frames, 3);
    producer.postEvent({ ...EVENT, severity: "warning" });
    assert.equal(producer.counters().frames, 3);
  });

  it("does not send an event that is too long, and counts it", () => {
    const { producer } = make();
    producer.postEvent({ ...EVENT, text: "x".repeat(20_000) });
    producer.flush();
    assert.deepEqual([producer.counters().frames, producer.counters().droppedFacts], [0, 1]);
  });

  it("closes a frame that is long enough without waiting", () => {
    const { producer } = make();
    const wide = Array.from({ length: 100 }, (_, at) => at);
    for (const seq of upTo(400)) producer.postRound(makeRound(1, seq, 0, wide));
    const { frames, frameBytes } = producer.counters();
    assert.equal(frames, 1);
    assert.ok(frameBytes > 256 * 1024 && frameBytes < 258 * 1024);
  });

  it("drops frames older than the ring's time, oldest first", async () => {
    const { clock, producer } = make({ ringMs: 1_000 });
    for (const seq of upTo(4)) {
      producer.postRound(makeRound(1, seq, 0, [1]));
      producer.flush();
      await clock.advance(400);
    }
    const { ringFrames, overrunFrames } = producer.counters();
    assert.deepEqual([ringFrames, overrunFrames], [3, 1]);
  });

  it("stops on a round that is not of this site: our own bug", () => {
    const { producer } = make();
    assert.throws(() => {
      producer.postRound(makeRound(1, 1, 99, [1, 2]));
    }, /outside the table/);
  });
});
