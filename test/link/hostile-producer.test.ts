import { strict as assert } from "node:assert";
import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { utcMs } from "../../src/domain/time.ts";
import { encodeAck, encodeFrame, encodeGap, encodeHello } from "../../src/link/codec.ts";
import { FrameWriter } from "../../src/link/frame-writer.ts";
import { SystemClock } from "../../src/platform/clock.ts";
import { until } from "../support/until.ts";
import { socketDirectory, startConsumer, TABLE } from "./link-rig.ts";
import { makeRound } from "./round-builders.ts";

const HELLO = encodeHello({
  producer: "field",
  epoch: 7,
  startedUtc: utcMs(1),
  ...TABLE,
  oldestFrame: 1,
  nextFrame: 1,
});

function frame(frameNo: number): Uint8Array {
  const writer = new FrameWriter();
  writer.addRound(makeRound(1, frameNo, 0, [1]));
  return encodeFrame(writer, { type: "frame", frameNo, hasMore: false });
}

/** A clock whose long waits are over at once: for peers that keep silent. */
class ImpatientClock extends SystemClock {
  override async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return super.sleep(ms / 100, signal);
  }
}

describe("rounds link: a producer that keeps no rules", () => {
  let directory: ReturnType<typeof socketDirectory>;
  let socketPath: string;
  let server: Server;
  const sockets = new Set<Socket>();
  let onConnection: (socket: Socket) => void;
  const consumers: ReturnType<typeof startConsumer>[] = [];

  /** Stopped whatever becomes of the test. */
  function consume(options?: Parameters<typeof startConsumer>[1]) {
    const started = startConsumer(socketPath, options);
    consumers.push(started);
    return started;
  }

  beforeEach(async () => {
    directory = socketDirectory();
    socketPath = join(directory.path, "rounds");
    server = createServer((socket) => {
      sockets.add(socket.on("error", () => undefined));
      socket.resume();
      onConnection(socket);
    });
    await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  });
  afterEach(async () => {
    for (const consumer of consumers.splice(0)) await consumer.stop();
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
    directory.remove();
  });

  const cases: [string, Uint8Array][] = [
    ["noise", new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n")],
    ["a frame before hello", frame(1)],
    ["hello twice", Buffer.concat([HELLO, HELLO])],
    ["what only a consumer says", Buffer.concat([HELLO, encodeAck({ epoch: 7, frameNo: 1 })])],
    ["frames with a hole", Buffer.concat([HELLO, frame(1), frame(3)])],
    [
      "a gap with a hole before it",
      Buffer.concat([
        HELLO,
        frame(1),
        encodeGap({ firstFrame: 3, lastFrame: 4, lastSeqs: new Map() }),
      ]),
    ],
  ];
  for (const [what, bytes] of cases) {
    it(`is left when it sends ${what}, counted, and tried again`, async () => {
      let connections = 0;
      onConnection = (socket) => {
        connections++;
        socket.write(connections === 1 ? bytes : Buffer.concat([HELLO, frame(1), frame(2)]));
      };
      const consumer = consume();
      await until(() => consumer.seqs().at(-1) === 2);
      assert.deepEqual(consumer.seqs(), [1, 2], "nothing twice, nothing of the bad connection");
      assert.equal(consumer.consumer.counters().hostilePeers, 1);
    });
  }

  const liveCases: [string, Uint8Array][] = [
    ["a frame twice", Buffer.concat([HELLO, frame(2), frame(2)])],
    ["frames that go back", Buffer.concat([HELLO, frame(1), frame(5), frame(4)])],
  ];
  for (const [what, bytes] of liveCases) {
    it(`is left by a live consumer, too, when it sends ${what}`, async () => {
      let connections = 0;
      onConnection = (socket) => {
        connections++;
        socket.write(connections === 1 ? bytes : Buffer.concat([HELLO, frame(7)]));
      };
      const consumer = consume({ mode: "live", role: "control" });
      await until(() => consumer.seqs().at(-1) === 7);
      assert.equal(consumer.consumer.counters().hostilePeers, 1);
      assert.equal(consumer.consumer.counters().duplicateFrames, 0);
    });
  }

  it("may leave out frames in which a live consumer has nothing, without a gap", async () => {
    onConnection = (socket) => socket.write(Buffer.concat([HELLO, frame(1), frame(4), frame(9)]));
    const consumer = consume({ mode: "live", role: "control" });
    await until(() => consumer.seqs().length === 3);
    assert.deepEqual(consumer.seqs(), [1, 4, 9]);
    assert.deepEqual([consumer.gaps, consumer.consumer.counters().hostilePeers], [[], 0]);
  });

  it("is left when it speaks another version, told once, and asked again", async () => {
    const other = HELLO.slice();
    other[5] = 2;
    let connections = 0;
    onConnection = (socket) => {
      connections++;
      socket.write(connections <= 3 ? other : Buffer.concat([HELLO, frame(1)]));
    };
    const consumer = consume({ clock: new ImpatientClock() });
    await until(() => consumer.seqs().length === 1);
    assert.deepEqual(
      consumer.states.map((state) => (state.state === "lost" ? state.error.code : state.state)),
      ["FRAME_VERSION", "connected"],
    );
  });

  it("is left when it never says hello, and tried again", async () => {
    let connections = 0;
    onConnection = () => connections++;
    const consumer = consume({ clock: new ImpatientClock() });
    await until(() => connections >= 2);
    assert.equal(consumer.lastError()?.code, "PEER_LOST");
  });

  it("may be away: the consumer says so once and comes back", async () => {
    onConnection = (socket) => socket.write(Buffer.concat([HELLO, frame(1)]));
    await new Promise((resolve) => server.close(resolve));
    const consumer = consume({ clock: new ImpatientClock() });
    await until(() => consumer.states.length === 1);
    await new Promise<void>((resolve) => server.listen(socketPath, resolve));
    await until(() => consumer.seqs().length === 1);
    assert.deepEqual(
      consumer.states.map(({ state }) => state),
      ["lost", "connected"],
    );
  });
});
