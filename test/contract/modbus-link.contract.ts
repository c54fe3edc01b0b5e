import { strict as assert } from "node:assert";
import { GatewayError } from "../../src/domain/errors.ts";
import {
  type LinkRead,
  type LinkWrite,
  type ModbusLink,
  wasSent,
} from "../../src/drivers/modbus/link.ts";
import { TimerWheel } from "../../src/drivers/wheel.ts";
import { SystemClock } from "../../src/platform/clock.ts";
import { ModbusPeer } from "../support/modbus-peer.ts";

export interface LinkUnderTest {
  readonly name: string;
  readonly framing: "mbap" | "rtu";
  readonly make: (port: number, clock: SystemClock, wheel: TimerWheel) => ModbusLink;
}

const TIMEOUT_MS = 60;

const READ: LinkRead = {
  unit: 1,
  table: "holding",
  address: 10,
  count: 3,
  timeoutMs: 2_000,
  pauseMs: 0,
  lane: "poll",
};
const WRITE: LinkWrite = {
  unit: 1,
  function: 16,
  address: 100,
  count: 2,
  bytes: Uint8Array.of(0x12, 0x34, 0x56, 0x78),
  timeoutMs: 2_000,
  pauseMs: 0,
  lane: "urgent",
};
const IMPATIENT: LinkRead = { ...READ, timeoutMs: TIMEOUT_MS };

/** What every link must do, whoever wrote it and whatever it speaks. */
export function describeModbusLink({ name, framing, make }: LinkUnderTest): void {
  describe(`modbus link: ${name}`, () => {
    let peer: ModbusPeer;
    let link: ModbusLink;
    const { signal } = new AbortController();
    const clock = new SystemClock();

    beforeEach(async () => {
      peer = await ModbusPeer.start(framing);
      link = make(peer.port, clock, new TimerWheel(clock));
      await link.open(signal);
    });

    afterEach(async () => {
      await link.close();
      await peer.stop();
    });

    it("reads registers as bytes, high byte first, and bits packed", async () => {
      peer.registers.set([0x0102, 0xfffe, 0x8000], 10);
      assert.deepEqual(plain(await link.read(READ, signal)), [1, 2, 0xff, 0xfe, 0x80, 0]);
      const input = { ...READ, table: "input", count: 125, address: 0 } as const;
      assert.equal(plain(await link.read(input, signal)).length, 250);
      peer.bits.set([1, 0, 1, 1, 0, 0, 0, 0, 1], 5);
      for (const table of ["coil", "discrete"] as const) {
        const bits = { ...READ, table, address: 5, count: 9 };
        assert.deepEqual(plain(await link.read(bits, signal)), [0b1101, 1]);
      }
      assert.deepEqual(
        peer.requests.map(({ code }) => code),
        [3, 4, 1, 2],
      );
    });

    it("keeps the bytes of an answer when the next one comes", async () => {
      peer.registers.set([1, 2, 3], 10);
      const first = await link.read(READ, signal);
      peer.registers.set([7, 8, 9], 10);
      await link.read(READ, signal);
      assert.deepEqual(plain(first), [0, 1, 0, 2, 0, 3]);
    });

    it("writes with functions 5, 6, 15, 16 and 22", async () => {
      const writes: Partial<LinkWrite>[] = [
        { function: 5, address: 1, count: 1, bytes: Uint8Array.of(0xff, 0) },
        { function: 15, address: 8, count: 9, bytes: Uint8Array.of(0b101, 1) },
        { function: 6, address: 2, count: 1, bytes: Uint8Array.of(0xab, 0xcd) },
        {},
        { function: 22, address: 2, count: 1, bytes: Uint8Array.of(0xff, 0x0f, 0x00, 0x50) },
      ];
      for (const write of writes) {
        assert.equal(await link.write({ ...WRITE, ...write }, signal), "written");
      }
      assert.deepEqual([...peer.bits.subarray(8, 17)], [1, 0, 1, 0, 0, 0, 0, 0, 1]);
      assert.equal(peer.bits[1], 1);
      assert.equal(peer.registers[2], 0xab5d);
      assert.deepEqual([...peer.registers.subarray(100, 102)], [0x1234, 0x5678]);
      assert.equal(
        await link.write(
          { ...WRITE, function: 5, count: 1, address: 1, bytes: Uint8Array.of(0, 0) },
          signal,
        ),
        "written",
      );
      assert.equal(peer.bits[1], 0);
    });

    it("gives an exception of the device as a value and counts it", async () => {
      peer.act = ({ code }) => ({ exception: code === 3 ? 2 : 4 });
      assert.deepEqual(await link.read(READ, signal), { exception: 2 });
      assert.deepEqual(await link.write(WRITE, signal), { exception: 4 });
      assert.equal(link.counters.exceptions, 2);
      assert.equal(link.isOpen, true);
    });

    it("understands an answer that comes in pieces", async () => {
      peer.registers.set([5, 6, 7], 10);
      peer.pieceBytes = 1;
      assert.deepEqual(plain(await link.read(READ, signal)), [0, 5, 0, 6, 0, 7]);
    });

    it("has one request under way and lets writes overtake reads that wait", async () => {
      peer.act = () => "hold";
      const order: string[] = [];
      const reads = [20, 21, 22].map(async (address) => {
        await link.read({ ...READ, address }, signal);
        order.push(`read ${address}`);
      });
      const write = link.write(WRITE, signal).then(() => order.push("write"));
      await reached(() => peer.requests.length === 1);
      assert.equal(link.load().waiting, 3);
      peer.act = () => "answer";
      peer.releaseHeld();
      await Promise.all([...reads, write]);
      assert.deepEqual(order, ["read 20", "write", "read 21", "read 22"]);
      assert.equal(link.load().waiting, 0);
    });

    it("refuses what no longer fits in its queue, and counts it", async () => {
      peer.act = () => "hold";
      const waiting = Array.from({ length: 65 }, async () => link.read(READ, signal));
      await assert.rejects(link.read(READ, signal), { code: "LINK_BUSY" });
      assert.equal(link.counters.refusedBusy, 1);
      const write = link.write(WRITE, signal);
      await reached(() => peer.requests.length === 1);
      peer.act = () => "answer";
      peer.releaseHeld();
      await Promise.all([...waiting, write]);
    });

    it("gives up a request in time; another unit is answered afterwards", async () => {
      peer.act = ({ unit }) => (unit === 1 ? "silent" : "answer");
      // What a plain wait of that time takes on this machine now.
      const plainWait = clock.sleep(TIMEOUT_MS, signal).then(() => clock.now());
      await assert.rejects(link.read(IMPATIENT, signal), (error: unknown) => {
        assert.ok(error instanceof GatewayError);
        assert.equal(error.code, "LINK_TIMEOUT");
        assert.equal(wasSent(error), true);
        return true;
      });
      const givenUpAt = clock.now();
      assert.ok(givenUpAt - (await plainWait) < 100);
      assert.equal(plain(await link.read({ ...READ, unit: 2 }, signal)).length, 6);
      assert.equal(link.counters.timeouts, 1);
    });

    it("drops the answer to a request that was given up, and counts it", async () => {
      peer.registers.set([1, 1, 1], 10);
      peer.registers.set([2, 2, 2], 20);
      peer.act = ({ address }) => (address === 10 ? "hold" : "answer");
      await assert.rejects(link.read(IMPATIENT, signal), { code: "LINK_TIMEOUT" });
      peer.releaseHeld();
      await reached(() => link.counters.lateReplies === 1);
      const reply = await link.read({ ...READ, unit: 2, address: 20 }, signal);
      assert.deepEqual(plain(reply), [0, 2, 0, 2, 0, 2]);
    });

    if (framing === "mbap") {
      it("takes no answer with another transaction id for its own", async () => {
        peer.act = () => "wrong-transaction";
        await assert.rejects(link.read(IMPATIENT, signal), { code: "LINK_TIMEOUT" });
        peer.registers.set([1, 1, 1], 10);
        peer.act = () => "hold";
        await assert.rejects(link.read(IMPATIENT, signal), { code: "LINK_TIMEOUT" });
        peer.registers.set([2, 2, 2], 20);
        const next = link.read({ ...READ, address: 20 }, signal);
        await reached(() => peer.requests.length === 3);
        peer.releaseHeld();
        assert.deepEqual(plain(await next), [0, 2, 0, 2, 0, 2]);
        assert.equal(link.counters.lateReplies, 1);
      });
    }

    it("refuses a malformed answer and goes on", async () => {
      peer.act = () => (framing === "mbap" ? "short-count" : { exception: 4 });
      if (framing === "mbap") {
        await assert.rejects(link.read(READ, signal), { code: "REPLY_MALFORMED" });
        assert.equal(link.counters.malformed, 1);
      }
      peer.act = () => "wrong-echo";
      await assert.rejects(link.write(WRITE, signal), (error: unknown) => {
        assert.ok(error instanceof GatewayError && error.code === "REPLY_MALFORMED");
        return wasSent(error);
      });
      peer.act = () => "answer";
      assert.equal(plain(await link.read({ ...READ, unit: 2 }, signal)).length, 6);
    });

    it("never takes the answer of another unit for its own", async () => {
      peer.act = ({ unit }) => (unit === 1 ? "wrong-unit" : "answer");
      await assert.rejects(link.read(IMPATIENT, signal), (error: unknown) => {
        assert.ok(error instanceof GatewayError);
        return ["REPLY_MALFORMED", "LINK_TIMEOUT"].includes(error.code);
      });
    });

    it("ends a request whose answer breaks off, and works again after opening", async () => {
      peer.act = ({ unit }) => (unit === 1 ? "truncated" : "answer");
      await assert.rejects(link.read(IMPATIENT, signal), { code: "LINK_TIMEOUT" });
      if (!link.isOpen) await link.open(signal);
      assert.equal(plain(await link.read({ ...READ, unit: 2 }, signal)).length, 6);
    });

    for (const action of ["reset", "close"] as const) {
      it(`rejects everything when the connection ends by ${action}, and can be opened again`, async () => {
        peer.act = () => action;
        const outcomes = await Promise.allSettled([
          link.read(READ, signal),
          link.read(READ, signal),
          link.write(WRITE, signal),
        ]);
        const errors = outcomes.map((outcome) =>
          outcome.status === "rejected" ? (outcome.reason as GatewayError) : undefined,
        );
        assert.deepEqual(
          errors.map((error) => error?.code),
          ["LINK_LOST", "LINK_LOST", "LINK_LOST"],
        );
        assert.deepEqual(
          errors.map((error) => error !== undefined && wasSent(error)),
          [true, false, false],
        );
        assert.equal(link.isOpen, false);
        assert.equal(link.counters.losses, 1);
        await assert.rejects(link.read(READ, signal), { code: "LINK_LOST" });
        peer.act = () => "answer";
        await link.open(signal);
        assert.equal(plain(await link.read(READ, signal)).length, 6);
        assert.equal(link.counters.connects, 2);
      });
    }

    it("makes an end of a connection on which nothing is heard any more", async () => {
      peer.act = () => "silent";
      for (const unit of [1, 2, 3]) {
        assert.equal(link.isOpen, true);
        await assert.rejects(link.read({ ...IMPATIENT, unit }, signal), { code: "LINK_TIMEOUT" });
      }
      assert.equal(link.isOpen, false);
      assert.equal(link.counters.losses, 1);
      peer.act = () => "answer";
      await link.open(signal);
      assert.equal(plain(await link.read(READ, signal)).length, 6);
    });

    it("says that nobody listens", async () => {
      const gone = await ModbusPeer.start(framing);
      const lonely = make(gone.port, clock, new TimerWheel(clock));
      await gone.stop();
      await assert.rejects(lonely.open(signal), { code: "LINK_REFUSED" });
      assert.equal(lonely.isOpen, false);
      await assert.rejects(lonely.read(READ, signal), { code: "LINK_LOST" });
      await lonely.close();
    });

    it("gives up at once when told to, what waits and what is under way", async () => {
      peer.act = () => "hold";
      const stop = new AbortController();
      const reads = [link.read(READ, stop.signal), link.read(READ, stop.signal)];
      const other = link.read({ ...READ, unit: 2 }, signal);
      await reached(() => peer.requests.length === 1);
      stop.abort(new Error("stopped"));
      for (const read of reads) await assert.rejects(read, /stopped/);
      await assert.rejects(link.read(READ, stop.signal), /stopped/);
      peer.act = () => "answer";
      peer.releaseHeld();
      assert.equal(plain(await other).length, 6);
      await assert.rejects(
        link.open(stop.signal).then(async () => link.read(READ, stop.signal)),
        /stopped/,
      );
    });

    it("rejects what waits when it is closed, and closes twice without harm", async () => {
      peer.act = () => "silent";
      const reads = [link.read(READ, signal), link.read(READ, signal)];
      const rejected = reads.map(async (read) => assert.rejects(read, { code: "LINK_LOST" }));
      await reached(() => peer.requests.length === 1);
      await link.close();
      await Promise.all(rejected);
      await link.close();
      assert.equal(link.isOpen, false);
    });

    it("can be closed while it connects", async () => {
      const other = make(peer.port, clock, new TimerWheel(clock));
      const opened = assert.rejects(other.open(signal), { code: "LINK_LOST" });
      await other.close();
      await opened;
      assert.equal(other.isOpen, false);
    });

    it("keeps the pause that a device needs between two requests", async () => {
      const request = { ...READ, pauseMs: 30 };
      await link.read(request, signal);
      const startedAt = clock.now();
      await link.read(request, signal);
      assert.ok(clock.now() - startedAt >= 25, "the second request waited");
    });

    it("tells how busy it is", async () => {
      peer.act = () => "hold";
      const read = link.read(READ, signal);
      await reached(() => peer.requests.length === 1 && link.load().busy > 0);
      peer.releaseHeld();
      await read;
      assert.ok(link.load().busy <= 1);
    });
  });
}

function plain(reply: Uint8Array | { readonly exception: number }): number[] {
  assert.ok(reply instanceof Uint8Array, "the device answered with an exception");
  return [...reply];
}

/** Lets sockets do their work until `isTrue`; mocha's time limit bounds it. */
async function reached(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise((resolve) => setImmediate(resolve));
}
