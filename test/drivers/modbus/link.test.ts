import { strict as assert } from "node:assert";
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
