import { strict as assert } from "node:assert";
import { mkdtemp, rm } from "node:fs/promises";
import type { Server, Socket } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { GooseReader, LINES_PER_SECOND_MAX } from "../../src/app/goose-reader.ts";
import { GONE_MS, GooseWatch } from "../../src/app/goose-watch.ts";
import { pointIndex } from "../../src/domain/point.ts";
import { GOOD } from "../../src/domain/quality.ts";
import { closeUnix, listenUnix } from "../../src/link/unix-socket.ts";
import { SystemClock } from "../../src/platform/clock.ts";
import { createLogger } from "../../src/platform/log.ts";
import { gooseProcess, oneValueFrame } from "../support/goose-wire.ts";
import { until } from "../support/until.ts";

const LOG = createLogger("test", "silent");
const ALIVE = '{"kind":"alive"}\n';
const CALM = '{"name":"relay-1","quality":"good","safeStateDemandedBy":[]}';
const STATES = `{"kind":"states","reports":[${CALM}]}\n`;

describe("the reader of gateway-goose", function () {
  this.timeout(20_000);
  const clock = new SystemClock();
  let folder: string;
  let stop: AbortController;
  let watch: GooseWatch;
  let reader: GooseReader;
  let running: Promise<void>;

  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "goose-"));
    stop = new AbortController();
    watch = new GooseWatch({
      publishers: [{ name: "relay-1", demands: pointIndex(0), lost: pointIndex(1) }],
      firstWordMs: 60_000,
      clock,
      onEvent: () => undefined,
      onDemand: () => undefined,
    });
    reader = new GooseReader({
      socketPath: path.join(folder, "socket"),
      clock,
      random: () => 0,
      log: LOG,
      take: (line) => watch.take(line),
    });
    running = reader.run(stop.signal);
  });
  afterEach(async () => {
    stop.abort();
    await running;
    await rm(folder, { recursive: true });
  });

  /** What the next cycle would see: demanded, lost. */
  const seen = (): readonly (number | "bad")[] => {
    const { values, quality } = watch.reading(clock.now());
    return [0, 1].map((at) => (quality[at] === GOOD ? (values[at] ?? NaN) : "bad"));
  };

  it("hears a demand from the process itself, and its loss when it is killed", async () => {
    const end = new AbortController();
    const socket = path.join(folder, "socket");
    const { send, finished } = await gooseProcess({ socket, clock }, end.signal);
    assert.deepEqual(seen(), ["bad", 0], "nothing was heard yet");
    send(oneValueFrame(1, false));
    await until(() => seen()[0] === 0, "a calm state");
    const sentAt = clock.now();
    send(oneValueFrame(2, true));
    await until(() => seen()[0] === 1, "the demand");
    const spentMs = clock.now() - sentAt;
    assert.ok(spentMs <= 1_000, `${spentMs} ms`);
    end.abort();
    await finished;
    const goneAt = clock.now();
    await until(() => seen()[1] === 1, "the loss");
    const noticedMs = clock.now() - goneAt;
    assert.deepEqual(seen(), ["bad", 1]);
    assert.ok(noticedMs <= GONE_MS + 1_000, `${noticedMs} ms`);
  });

  describe("from somebody else at the socket", () => {
    let server: Server;
    let sockets: Socket[];

    beforeEach(async () => {
      sockets = [];
      server = await listenUnix({
        path: path.join(folder, "socket"),
        onConnection: (socket) => {
          socket.on("error", () => undefined);
          sockets.push(socket);
        },
      });
    });
    afterEach(async () => {
      await closeUnix(server, sockets);
    });

    const connection = async (number: number): Promise<Socket> => {
      await until(() => sockets.length >= number, `connection ${number}`);
      const socket = sockets[number - 1];
      assert.ok(socket !== undefined);
      return socket;
    };

    it("takes lines that come in pieces", async () => {
      const socket = await connection(1);
      const text = STATES + ALIVE;
      for (const octet of Buffer.from(text)) socket.write(Buffer.of(octet));
      await until(() => watch.counters.lines === 2, "two lines");
      assert.deepEqual(seen(), [0, 0]);
    });

    it("counts a malformed line and asks for everything anew", async () => {
      (await connection(1)).write(`${STATES}{"kind":"change"\n`);
      const again = await connection(2);
      assert.equal(watch.counters.malformed, 1);
      again.write(STATES.replace("[]", '["trip"]'));
      await until(() => seen()[0] === 1, "the demand");
    });

    it("uses what a malformed line stands between", async () => {
      const demand = `{"kind":"change","report":${CALM.replace("[]", '["trip"]')}}\n`;
      (await connection(1)).write(`${STATES}?\n${demand}`);
      await until(() => seen()[0] === 1, "the demand");
    });

    it("ends a connection on which a line does not end", async () => {
      const socket = await connection(1);
      const piece = "x".repeat(64 * 1024);
      for (let times = 0; times < 32; times += 1) socket.write(piece);
      await connection(2);
      assert.equal(reader.counters.connects, 2);
    });

    it("ends a connection that says more than the cycle has time for", async () => {
      const socket = await connection(1);
      socket.write(STATES + ALIVE.repeat(LINES_PER_SECOND_MAX + 10));
      await connection(2);
      assert.equal(reader.counters.floods, 1);
    });
  });
});
