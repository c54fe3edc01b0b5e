import assert from "node:assert/strict";
import { createServer, connect, type AddressInfo, type Server, type Socket } from "node:net";
import { GatewayError } from "../../../src/domain/errors.ts";
import { deviceId } from "../../../src/domain/point.ts";
import { TsEngine } from "../../../src/drivers/iec61850/association.ts";
import { Iec61850Driver } from "../../../src/drivers/iec61850/driver.ts";
import { TimerWheel } from "../../../src/drivers/wheel.ts";
import { SystemClock } from "../../../src/platform/clock.ts";
import { StationBench, stationProfile } from "./station-bench.ts";

const SEED = 0x61850;
const ASSOCIATIONS = 120;
/** Of the packets that the server sends, this share is mutated. */
const MUTATED = 0.2;
const RSS_GROWTH_MAX_BYTES = 120 * 1024 * 1024;
/** An association that survives its mutations is ended from here. */
const LONGEST_MS = 150;

/** Numbers from 0 to below 1, the same for the same seed. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 0x1_0000_0000;
  };
}

/** Stands between a station and the driver and damages what the station says. */
class HostileRelay {
  mutated = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(port: number, random: () => number) {
    this.#server = createServer((client) => {
      const station = connect({ host: "127.0.0.1", port });
      for (const socket of [client, station]) {
        this.#sockets.add(socket);
        socket.on("error", () => undefined);
        socket.on("close", () => {
          client.destroy();
          station.destroy();
          this.#sockets.delete(socket);
        });
      }
      client.on("data", (chunk) => station.write(chunk));
      station.on("data", (chunk: Buffer) => client.write(this.#damaged(chunk, random)));
    });
  }

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** One to three octets of a packet, a cut, or a packet twice. */
  #damaged(chunk: Buffer, random: () => number): Buffer {
    if (random() >= MUTATED) return chunk;
    this.mutated += 1;
    const kind = random();
    if (kind < 0.1) return chunk.subarray(0, Math.floor(random() * chunk.length));
    if (kind < 0.2) return Buffer.concat([chunk, chunk]);
    const copy = Buffer.from(chunk);
    const count = 1 + Math.floor(random() * 3);
    for (let at = 0; at < count; at += 1) {
      // Behind the length of the packet: a wrong length only waits for its rest.
      const place = 4 + Math.floor(random() * Math.max(0, copy.length - 4));
      copy[place] = Math.floor(random() * 256);
    }
    return copy;
  }
}

describe("a driver of IEC 61850 and a server that says nonsense", function () {
  this.timeout(120_000);

  it(`ends each of ${ASSOCIATIONS} associations with an error of the link, never with a bug`, async () => {
    const clock = new SystemClock();
    const bench = await StationBench.start();
    const random = randomOf(SEED);
    const relay = new HostileRelay(bench.port, random);
    const port = await relay.listen();
    const ends = new Map<string, number>();
    const rssBefore = process.memoryUsage.rss();
    try {
      for (let count = 0; count < ASSOCIATIONS; count += 1) {
        const driver = new Iec61850Driver({
          device: deviceId("station"),
          profile: stationProfile(),
          firstPoint: 0,
          engine: new TsEngine({ clock, wheel: new TimerWheel(clock) }),
          endpoint: { host: "127.0.0.1", port },
          clock,
        });
        const end = new AbortController();
        const timer = setTimeout(() => {
          end.abort();
        }, LONGEST_MS);
        let seq = 0;
        const how = await driver
          .run(() => ++seq, end.signal)
          .then(
            () => "aborted",
            (error: unknown) => {
              assert.ok(error instanceof GatewayError, String((error as Error).stack));
              return error.code;
            },
          );
        clearTimeout(timer);
        ends.set(how, (ends.get(how) ?? 0) + 1);
        bench.station.setPoint("frequency", 50 + random() / 10);
        bench.station.flush();
      }
    } finally {
      await relay.close();
      await bench.stop();
    }
    assert.ok(relay.mutated >= ASSOCIATIONS, `${relay.mutated} packets were damaged`);
    assert.ok((ends.get("aborted") ?? 0) < ASSOCIATIONS, "some of it was noticed");
    assert.ok(process.memoryUsage.rss() - rssBefore < RSS_GROWTH_MAX_BYTES);
  });
});
