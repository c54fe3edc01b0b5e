import { strict as assert } from "node:assert";
import { EventEmitter } from "node:events";
import modbusSerial from "modbus-serial";
import { SerialLink } from "../../../src/drivers/modbus/serial-link.ts";
import { TcpLink } from "../../../src/drivers/modbus/tcp-link.ts";
import { TimerWheel } from "../../../src/drivers/wheel.ts";
import { describeModbusLink } from "../../contract/modbus-link.contract.ts";
import { ModbusPeer } from "../../support/modbus-peer.ts";
import { SimClock } from "../../support/sim-clock.ts";

const host = "127.0.0.1";

describeModbusLink({
  name: "own client over TCP",
  framing: "mbap",
  make: (port, clock, wheel) => new TcpLink({ host, port, clock, wheel }),
});

describeModbusLink({
  name: "modbus-serial over TCP",
  framing: "mbap",
  make: (port, clock, wheel) =>
    new SerialLink({ transport: { kind: "tcp", host, port }, clock, wheel }),
});

describeModbusLink({
  name: "modbus-serial, RTU over TCP",
  framing: "rtu",
  make: (port, clock, wheel) =>
    new SerialLink({ transport: { kind: "rtu-over-tcp", host, port }, clock, wheel }),
});

describe("modbus link: a bus without transaction ids", () => {
  it("leaves a unit alone for a while after a time-out, and nobody else", async () => {
    const clock = new SimClock();
    const peer = await ModbusPeer.start("rtu");
    const transport = { kind: "rtu-over-tcp", host, port: peer.port } as const;
    const link = new SerialLink({ transport, clock, wheel: new TimerWheel(clock) });
    const { signal } = new AbortController();
    const read = async (unit: number) =>
      link.read(
        { unit, table: "holding", address: 0, count: 1, timeoutMs: 100, pauseMs: 0, lane: "poll" },
        signal,
      );
    await link.open(signal);
    peer.act = ({ unit }) => (unit === 1 ? "silent" : "answer");
    const silent = assert.rejects(read(1), { code: "LINK_TIMEOUT" });
    await clock.advance(110);
    await silent;
    peer.act = () => "answer";
    await clock.advance(50);
    await assert.rejects(read(1), { code: "LINK_BUSY" });
    assert.ok((await read(2)) instanceof Uint8Array);
    await clock.advance(60);
    assert.ok((await read(1)) instanceof Uint8Array);
    await link.close();
    await peer.stop();
  });
});

/** A tty that only one may have open, as the library's port sees it. */
class FakeTty extends EventEmitter {
  isOpen = false;
  opened = 0;
  closed = 0;
  /** Held until the test lets the tty open. */
  whenOpen: () => void = () => undefined;
  isSlow = false;

  open(done: (error?: Error) => void): void {
    const open = () => {
      this.isOpen = true;
      this.opened += 1;
      done();
    };
    if (this.isSlow) this.whenOpen = open;
    else open();
  }

  close(done: () => void): void {
    this.isOpen = false;
    this.closed += 1;
    this.emit("close");
    done();
  }

  write(): void {
    // Nobody answers on this line.
  }
}

describe("modbus link: a serial line", () => {
  const prototype = modbusSerial.default.prototype as unknown as {
    connectRTUBuffered: (this: {
      _port: FakeTty;
      open(done: (e?: Error) => void): void;
    }) => unknown;
  };
  const original = prototype.connectRTUBuffered;
  let tty: FakeTty;
  const { signal } = new AbortController();

  beforeEach(() => {
    tty = new FakeTty();
    prototype.connectRTUBuffered = async function () {
      this._port = tty;
      await new Promise<void>((resolve) => {
        this.open(() => {
          resolve();
        });
      });
    };
  });

  afterEach(() => {
    prototype.connectRTUBuffered = original;
  });

  function make(pauseAfterConnectMs: number) {
    const clock = new SimClock();
    const transport = { kind: "serial", path: "/dev/ttyFake", baud: 9_600, format: "8N1" } as const;
    const wheel = new TimerWheel(clock);
    return { clock, link: new SerialLink({ transport, clock, wheel, pauseAfterConnectMs }) };
  }

  it("is closed when nobody waits for its quiet time any more", async () => {
    const { clock, link } = make(100);
    const stop = new AbortController();
    const given = assert.rejects(link.open(stop.signal), /enough/);
    await clock.advance(10);
    assert.equal(tty.isOpen, true);
    stop.abort(new Error("enough"));
    await given;
    assert.equal(tty.isOpen, false);
    const opened = link.open(signal);
    await clock.advance(200);
    await opened;
    assert.deepEqual([tty.opened, tty.closed], [2, 1]);
    await link.close();
    assert.deepEqual([tty.isOpen, tty.closed], [false, 2]);
  });

  it("is closed when it fails without closing", async () => {
    const { link } = make(0);
    await link.open(signal);
    tty.emit("error", new Error("unplugged"));
    assert.equal(link.isOpen, false);
    assert.equal(tty.isOpen, false);
    assert.equal(link.counters.losses, 1);
    await link.open(signal);
    assert.equal(link.isOpen, true);
    await link.close();
  });

  it("is closed when it opens after the link was closed", async () => {
    const { link } = make(0);
    tty.isSlow = true;
    const lost = assert.rejects(link.open(signal), { code: "LINK_LOST" });
    await new Promise((resolve) => setImmediate(resolve));
    await link.close();
    tty.whenOpen();
    await lost;
    assert.deepEqual([tty.isOpen, tty.opened, tty.closed], [false, 1, 1]);
    assert.equal(link.isOpen, false);
  });
});
