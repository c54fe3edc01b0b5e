import { strict as assert } from "node:assert";
import type { LinkRead, ModbusLink } from "../../../src/drivers/modbus/link.ts";
import {
  endpointCost,
  endpointName,
  LinkPool,
  type LinkEndpoint,
} from "../../../src/drivers/modbus/link-pool.ts";
import { TimerWheel } from "../../../src/drivers/wheel.ts";
import { SystemClock } from "../../../src/platform/clock.ts";
import { ModbusPeer } from "../../support/modbus-peer.ts";

const READ: LinkRead = {
  unit: 1,
  table: "holding",
  address: 0,
  count: 1,
  timeoutMs: 60,
  pauseMs: 0,
  lane: "poll",
};

describe("pool of modbus links", () => {
  const clock = new SystemClock();
  const { signal } = new AbortController();
  let peer: ModbusPeer;
  let pool: LinkPool;
  let endpoint: LinkEndpoint;
  let links: ModbusLink[];

  beforeEach(async () => {
    peer = await ModbusPeer.start("mbap");
    pool = new LinkPool({ clock, wheel: new TimerWheel(clock) });
    endpoint = { kind: "tcp", host: "127.0.0.1", port: peer.port };
    links = [pool.acquire(endpoint), pool.acquire(endpoint)];
  });

  afterEach(async () => {
    await Promise.all(links.map(async (link) => link.close()));
    await peer.stop();
  });

  const [a, b] = [() => links[0]!, () => links[1]!];

  it("puts all units of an endpoint behind one connection, and ends it with the last", async () => {
    await Promise.all(links.map(async (link) => link.open(signal)));
    assert.equal(peer.connections, 1);
    await a().close();
    assert.equal(a().isOpen, false);
    assert.ok((await b().read({ ...READ, unit: 2 }, signal)) instanceof Uint8Array);
    await assert.rejects(a().read(READ, signal), { code: "LINK_LOST" });
    await b().close();
    await b().open(signal);
    assert.equal(peer.connections, 2);
    const load = pool.loads().get(`tcp:127.0.0.1:${peer.port}`);
    assert.equal(load?.counters.connects, 2);
    assert.equal(load.load.waiting, 0);
  });

  it("counts a device once that opens twice at the same time, for a round and for a write", async () => {
    await Promise.all([a().open(signal), a().open(signal)]);
    await a().close();
    await b().open(signal);
    assert.equal(peer.connections, 2, "the first connection was closed");
    await Promise.all([a().open(signal), b().open(signal)]);
    await a().close();
    assert.ok((await b().read(READ, signal)) instanceof Uint8Array);
  });

  it("delays the others by no more than the time-out of a silent unit", async () => {
    await Promise.all(links.map(async (link) => link.open(signal)));
    peer.act = ({ unit }) => (unit === 1 ? "silent" : "answer");
    const order: string[] = [];
    const silent = a().read(READ, signal);
    const other = b().read({ ...READ, unit: 2 }, signal);
    void other.then(() => order.push("answered"));
    silent.catch(() => order.push("given up"));
    await assert.rejects(silent, { code: "LINK_TIMEOUT" });
    assert.ok((await other) instanceof Uint8Array);
    assert.deepEqual(order, ["given up", "answered"]);
    const { timeouts, requests } = b().counters;
    assert.deepEqual([timeouts, requests], [1, 2], "one time-out was waited for, and no more");
    assert.equal(b().isOpen, true);
  });

  it("tells everyone of a new connection, so that each reads again what it read once", async () => {
    await Promise.all(links.map(async (link) => link.open(signal)));
    peer.act = () => "reset";
    await assert.rejects(a().read(READ, signal), { code: "LINK_LOST" });
    peer.act = () => "answer";
    await a().close();
    await a().open(signal);
    assert.equal(a().isOpen, true);
    await assert.rejects(b().read(READ, signal), { code: "LINK_LOST" });
    await b().open(signal);
    assert.ok((await b().read(READ, signal)) instanceof Uint8Array);
    assert.equal(peer.connections, 2);
  });

  it("lets one give up the connecting without the other", async () => {
    const stop = new AbortController();
    const given = assert.rejects(a().open(stop.signal), /enough/);
    const opened = b().open(signal);
    stop.abort(new Error("enough"));
    await given;
    await opened;
    assert.equal(b().isOpen, true);
  });

  it("connects for one who comes when the last one has just given up", async () => {
    await a().open(signal);
    const closed = a().close();
    const stop = new AbortController();
    // This attempt waits for the old connection to end, and is given up meanwhile.
    const given = assert.rejects(a().open(stop.signal), /enough/);
    for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
    stop.abort(new Error("enough"));
    await given;
    await b().open(signal);
    await closed;
    assert.ok((await b().read(READ, signal)) instanceof Uint8Array);
  });

  it("uses the library where it is asked to, and for RTU", async () => {
    const library = pool.acquire({
      ...endpoint,
      kind: "tcp",
      client: "modbus-serial",
      port: peer.port,
      host: "localhost",
    });
    links.push(library);
    await library.open(signal);
    assert.ok((await library.read(READ, signal)) instanceof Uint8Array);
    const rtu = await ModbusPeer.start("rtu");
    const bus = pool.acquire({ kind: "rtu-over-tcp", host: "127.0.0.1", port: rtu.port });
    await bus.open(signal);
    assert.ok((await bus.read(READ, signal)) instanceof Uint8Array);
    await bus.close();
    await rtu.stop();
  });

  it("knows what a request costs on a serial line", () => {
    const serial: LinkEndpoint = { kind: "serial", path: "/dev/ttyS0", baud: 9_600, format: "8E1" };
    assert.equal(endpointName(serial), "serial:/dev/ttyS0");
    const cost = endpointCost(serial, 10);
    assert.ok(cost !== undefined && cost.requestMs > 30 && cost.requestMs < 40);
    assert.ok(Math.abs(cost.registerMs - 2.29) < 0.01);
    assert.equal(endpointCost(endpoint), undefined);
  });
});
