import assert from "node:assert/strict";
import {
  deviceId,
  type DeviceDefinition,
  pointId,
  type PointDefinition,
  pointIndex,
  streamId,
} from "../../../src/domain/point.ts";
import type { Round } from "../../../src/domain/round.ts";
import { TsEngine } from "../../../src/drivers/iec61850/association.ts";
import { Iec61850Driver } from "../../../src/drivers/iec61850/driver.ts";
import { superviseDevice, SUPERVISOR_LIMITS } from "../../../src/drivers/supervisor.ts";
import { TimerWheel } from "../../../src/drivers/wheel.ts";
import type { CompiledProfile } from "../../../src/profiles/binding.ts";
import { SimulatedStation } from "../../../src/simulator/iec61850/station.ts";
import { SimClock } from "../../support/sim-clock.ts";
import { stationProfile } from "./station-bench.ts";

const STEP_MS = 50;
/** Turns of the loop that sockets on loopback need for what is said within a step. */
const TURNS = 12;
const STREAM = streamId(0);

/** A relay whose operations are counted, and a supervised driver, on the clock of the test. */
class Relay {
  readonly clock = new SimClock();
  readonly history: number[] = [];
  readonly live: { readonly value: number; readonly atMs: number }[] = [];
  readonly station: SimulatedStation;
  readonly driver: Iec61850Driver;
  /** When the points were marked bad because of the link, by the clock. */
  readonly lostAt: number[] = [];
  count = 0;
  isStoring = true;
  readonly #profile: CompiledProfile = stationProfile("switchgear-relay");
  readonly #end = new AbortController();
  readonly #running: Promise<void>[] = [];

  private constructor(port: number, station: SimulatedStation, clock: SimClock) {
    this.clock = clock;
    this.station = station;
    this.driver = new Iec61850Driver({
      device: deviceId("relay"),
      profile: this.#profile,
      firstPoint: 0,
      engine: new TsEngine({ clock, wheel: new TimerWheel(clock) }),
      endpoint: { host: "127.0.0.1", port },
      clock,
    });
  }

  static async start(): Promise<Relay> {
    const clock = new SimClock();
    const profile = stationProfile("switchgear-relay");
    const facts = profile.iec61850;
    assert.ok(facts !== undefined);
    const station = new SimulatedStation({ id: "relay", profile, facts });
    const end = new AbortController();
    const server = await station.open({ host: "127.0.0.1", port: 0, clock }, end.signal);
    const relay = new Relay(server.port, station, clock);
    relay.#running.push(relay.#supervise());
    relay.#end.signal.addEventListener("abort", () => {
      end.abort();
    });
    await relay.run(2_000);
    return relay;
  }

  /** Lets time pass; every `everyMs` the breaker is operated once more. */
  async run(ms: number, everyMs?: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += STEP_MS) {
      if (everyMs !== undefined && passed % everyMs === 0) this.operate();
      await this.clock.advance(STEP_MS);
      for (let turn = 0; turn < TURNS; turn += 1) {
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
  }

  operate(): void {
    this.count += 1;
    this.station.setPoint("operation-count", this.count);
    this.station.flush();
  }

  /** Time passes until it is so; the answer is how long it took, by the clock. */
  async until(is: () => boolean, mostMs: number): Promise<number> {
    const startedAt = this.clock.now();
    while (!is() && this.clock.now() - startedAt < mostMs) await this.run(STEP_MS);
    assert.ok(is(), `not within ${mostMs} ms`);
    return this.clock.now() - startedAt;
  }

  async stop(): Promise<void> {
    this.#end.abort();
    for (let turn = 0; turn < 40; turn += 1) {
      await this.clock.advance(STEP_MS);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(this.#running);
  }

  async #supervise(): Promise<void> {
    const { clock } = this;
    await superviseDevice(
      {
        driver: this.driver,
        device: this.#definition(),
        points: this.#points(),
        limits: { ...SUPERVISOR_LIMITS, retryMaxMs: 1_000 },
        clock,
        random: () => 0.5,
        emit: (round) => {
          this.#take(round);
        },
        onEvent: () => undefined,
      },
      this.#end.signal,
    );
  }

  #take(round: Round): void {
    const at = this.#profile.points.findIndex(({ id }) => id === "operation-count");
    const position = round.points.indexOf(at);
    if (position >= 0) {
      const value = round.values[position] ?? Number.NaN;
      if (Number.isNaN(value)) this.lostAt.push(this.clock.now());
      else if (round.isHistory === true) this.history.push(value);
      else this.live.push({ value, atMs: this.clock.now() });
    }
    // On disk a moment later, as by the store.
    if (this.isStoring) void this.#store(round.seq);
  }

  async #store(seq: number): Promise<void> {
    await this.clock.sleep(100);
    this.driver.stored(seq);
  }

  #definition(): DeviceDefinition {
    return {
      stream: STREAM,
      id: deviceId("relay"),
      deviceClass: "breaker",
      profile: this.#profile.name,
      producer: "field",
      firstPoint: 0,
      pointCount: this.#profile.points.length,
    };
  }

  #points(): PointDefinition[] {
    return this.#profile.points.map((point) => ({
      index: pointIndex(point.ordinal),
      id: pointId(`relay/${point.id}`),
      device: deviceId("relay"),
      name: point.id,
      field: point.field,
      type: point.type,
      unit: point.unit,
      texts: point.texts,
      range: point.range,
      writable: false,
      readable: true,
      everyMs: point.group === undefined ? undefined : this.#profile.groups[point.group]?.everyMs,
    }));
  }
}

function missing(relay: Relay): number[] {
  const seen = new Set([...relay.history, ...relay.live.map(({ value }) => value)]);
  return Array.from({ length: relay.count }, (_, at) => at + 1).filter((value) => !seen.has(value));
}

function storedEntry({ driver }: Relay): string | undefined {
  return driver.reportState["position"]?.entryId;
}

async function withRelay(use: (relay: Relay) => Promise<void>): Promise<void> {
  const relay = await Relay.start();
  try {
    await use(relay);
  } finally {
    await relay.stop();
  }
}

describe("a buffered block over a broken link", function () {
  this.timeout(60_000);

  for (const outageMs of [5_000, 60_000]) {
    it(`loses nothing and tells nothing twice over ${outageMs / 1_000} s`, async () => {
      await withRelay(async (relay) => {
        await relay.run(2_000, 200);
        const device = relay.station.device;
        assert.ok(device !== undefined);
        device.inject({ kind: "blackhole" });
        const cutAt = relay.clock.now();
        await relay.run(outageMs, 200);
        const lostAt = relay.lostAt.find((at) => at > cutAt) ?? Infinity;
        assert.ok(lostAt - cutAt <= 2_600, `seen after ${lostAt - cutAt} ms`);
        device.heal();
        const healedAt = relay.clock.now();
        await relay.until(() => relay.live.some(({ atMs }) => atMs > healedAt), 2_000);
        await relay.run(3_000, 200);
        await relay.run(2_000);
        assert.deepEqual(missing(relay), []);
        assert.equal(new Set(relay.history).size, relay.history.length, "twice");
        assert.ok(relay.history.length >= outageMs / 200 - 15, `${relay.history.length} of old`);
        assert.deepEqual(
          relay.history,
          relay.history.toSorted((a, b) => a - b),
        );
        // What was is never taken for what is.
        const fresh = relay.live.filter(({ atMs }) => atMs > healedAt).map(({ value }) => value);
        assert.ok(Math.min(...fresh) >= relay.count - 15 - 1, `fresh ${Math.min(...fresh)}`);
      });
    });
  }

  it("resumes after the last entry that is stored, not after the last that came", async () => {
    await withRelay(async (relay) => {
      await relay.run(1_000, 200);
      const before = storedEntry(relay);
      assert.ok(before !== undefined, "something is stored");
      relay.isStoring = false;
      await relay.run(1_000, 200);
      assert.equal(storedEntry(relay), before);
      relay.isStoring = true;
      await relay.run(1_000, 200);
      assert.notEqual(storedEntry(relay), before);
    });
  });
});
