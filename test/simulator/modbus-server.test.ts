import { strict as assert } from "node:assert";
import { connect as connectSocket } from "node:net";
import type { Clock } from "../../src/domain/time.ts";
import { GatewayError } from "../../src/domain/errors.ts";
import { SimulatedDevice } from "../../src/simulator/device.ts";
import type { Fault } from "../../src/simulator/faults.ts";
import { ModbusServer, type ServerEndpoint } from "../../src/simulator/modbus-server.ts";
import { appendCrc } from "../../src/wire/modbus/rtu.ts";
import { SimClock } from "../support/sim-clock.ts";
import { makeProfile, place, type ProfileParts, writeAt } from "../support/profile-builder.ts";
import { RawClient } from "./support/raw-client.ts";

const POINTS: ProfileParts["points"] = [
  { id: "a", read: place(0) },
  { id: "b", read: place(1), write: writeAt(1) },
  { id: "coil", type: "bool", read: place(3, { raw: "bool" }, { table: "coil" }) },
];

function framed(text: string): Uint8Array {
  const body = Buffer.from(text.replaceAll(" ", ""), "hex");
  const frame = new Uint8Array(body.length + 2);
  frame.set(body);
  appendCrc(frame, 0, body.length);
  return frame;
}

interface World {
  readonly server: ModbusServer;
  readonly port: number;
  readonly first: SimulatedDevice;
  readonly second: SimulatedDevice;
  readonly setFault: (fault: Fault | undefined) => Promise<void>;
  readonly connect: () => Promise<RawClient>;
}

describe("Modbus server", () => {
  const cleanUps: (() => Promise<void> | void)[] = [];
  afterEach(async () => {
    for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
  });

  async function world(
    parts: Partial<ProfileParts> = {},
    terms: { protocol?: ServerEndpoint["protocol"]; clock?: Clock; serialBaud?: number } = {},
  ): Promise<World> {
    const { protocol = "modbus-tcp", clock = new SimClock(), serialBaud } = terms;
    const profile = makeProfile({ points: POINTS, ...parts });
    const nominal = [
      { table: "holding", address: 0, words: [0x1234, 0x0042] } as const,
      { table: "coil", address: 3, words: [1] } as const,
    ];
    const [first, second] = [1, 2].map(
      (unitId) => new SimulatedDevice({ id: `unit-${unitId}`, profile, unitId, nominal }),
    ) as [SimulatedDevice, SimulatedDevice];
    const endpoint = { protocol, host: "127.0.0.1", port: 0 };
    const server = new ModbusServer({ endpoint, devices: [first, second], clock, serialBaud });
    const port = await server.open();
    cleanUps.push(async () => server.close());
    return {
      server,
      port,
      first,
      second,
      setFault: async (fault) => {
        first.setFault(fault, clock.now());
        await server.faultsChanged(first);
      },
      connect: async () => {
        const client = await RawClient.connect(port);
        cleanUps.push(() => {
          client.close();
        });
        return client;
      },
    };
  }

  /** Long enough for anything that loopback would deliver: many answers of another server. */
  async function afterManyAnswers(): Promise<void> {
    const other = await world();
    const client = await other.connect();
    for (let count = 0; count < 30; count += 1) {
      await client.ask("0001 0000 0006 01 03 0000 0001", 11);
    }
  }

  const READ_A = "0007 0000 0006 01 03 0000 0001";
  const ANSWER_A = "0007000000050103021234";
  const READ_A_OF_SECOND = "0008 0000 0006 02 03 0000 0001";
  const ANSWER_A_OF_SECOND = "0008000000050203021234";

  it("answers reads and writes of every table", async () => {
    const { connect, first } = await world();
    const client = await connect();
    assert.equal(await client.ask(READ_A, 11), ANSWER_A);
    assert.equal(await client.ask("0009 0000 0006 01 01 0003 0001", 10), "00090000000401010101");
    assert.equal(
      await client.ask("000a 0000 0009 01 10 0001 0001 02 beef", 12),
      "000a00000006011000010001",
    );
    assert.equal(first.readPoint("b"), 0xbeef);
    assert.equal(
      await client.ask("000b 0000 0008 01 16 0001 00ff 1200", 14),
      "000b0000000801160001" + "00ff1200",
    );
    assert.equal(first.readPoint("b"), 0x12ef);
    assert.equal(
      await client.ask("000c 0000 0005 01 2b 0e 04 00", 20),
      "000c0000000e012b0e04810000010004" + "61636d65",
    );
  });

  it("keeps units apart, and says that nobody is there", async () => {
    const { connect, second } = await world();
    second.setPoint("a", 7);
    const client = await connect();
    assert.equal(await client.ask(READ_A, 11), ANSWER_A);
    assert.equal(await client.ask(READ_A_OF_SECOND, 11), "0008000000050203020007");
    assert.equal(await client.ask("0009 0000 0006 09 03 0000 0001", 9), "000900000003" + "09830b");
  });

  it("answers what does not exist and what is too long with exceptions", async () => {
    const { connect } = await world({
      modbus: { maxRead: 2, maxReadBits: 1, maxWrite: 1, functions: new Set([1, 3, 16]) },
    });
    const client = await connect();
    const cases = [
      ["0001 0000 0006 01 03 0005 0001", "0001000000030183" + "02"],
      ["0001 0000 0006 01 03 0000 0003", "0001000000030183" + "03"],
      ["0001 0000 0006 01 01 0003 0002", "0001000000030181" + "03"],
      ["0001 0000 000b 01 10 0001 0002 04 0001 0002", "0001000000030190" + "03"],
      ["0001 0000 0006 01 06 0001 0001", "0001000000030186" + "01"],
      ["0001 0000 0006 01 04 0000 0001", "0001000000030184" + "01"],
      ["0001 0000 0002 01 63", "00010000000301e3" + "01"],
    ] as const;
    for (const [request, answer] of cases) assert.equal(await client.ask(request, 9), answer);
  });

  it("answers pipelined requests, in order, however the bytes are cut", async () => {
    const { connect } = await world();
    const client = await connect();
    const stream = Buffer.from((READ_A + READ_A_OF_SECOND).replaceAll(" ", "").repeat(20), "hex");
    for (let at = 0; at < stream.length; at += 7) client.send(stream.subarray(at, at + 7));
    assert.equal(await client.receive(22 * 20), (ANSWER_A + ANSWER_A_OF_SECOND).repeat(20));
    client.send(stream);
    assert.equal(await client.receive(22 * 20), (ANSWER_A + ANSWER_A_OF_SECOND).repeat(20));
  });

  it("survives a burst that is longer than its buffer for answers", async () => {
    const { connect, server } = await world({
      modbus: { readable: new Map([["holding", [[0, 124]]]]) },
    });
    const client = await connect();
    client.send("0007 0000 0006 01 03 0000 007d".replaceAll(" ", "").repeat(400));
    const answers = await client.receive(259 * 400);
    assert.equal(answers.slice(0, 22), "0007000000fd0103fa1234");
    assert.equal(answers.slice(-518, -496), "0007000000fd0103fa1234");
    assert.equal(server.counters.requests, 400);
  });

  it("closes a connection that does not speak Modbus", async () => {
    const { connect, server } = await world();
    const client = await connect();
    client.send(Buffer.from("GET / HTTP/1.1\r\n\r\n"));
    assert.equal(await client.gone, "end");
    assert.equal(server.counters.malformed, 1);
  });

  it("resets connections beyond the device's limit", async () => {
    const { connect, server } = await world({ modbus: { maxConnections: 1 } });
    const client = await connect();
    assert.equal(await client.ask(READ_A, 11), ANSWER_A);
    // The reset may overtake the news that the connection stands.
    const refused = await connect().then(
      async (each) => each.gone,
      (error: unknown) => (error as NodeJS.ErrnoException).code,
    );
    assert.equal(refused, "ECONNRESET");
    assert.equal(server.counters.refusedConnections, 1);
    client.close();
    await client.gone;
    await afterManyAnswers();
    assert.equal(await (await connect()).ask(READ_A, 11), ANSWER_A);
  });

  it("counts requests that come too soon", async () => {
    const clock = new SimClock();
    const { connect, server } = await world({ modbus: { pauseMs: 20 } }, { clock });
    const client = await connect();
    await client.ask(READ_A, 11);
    await clock.advance(20);
    await client.ask(READ_A, 11);
    assert.equal(server.counters.pauseViolations, 0);
    await clock.advance(19);
    await client.ask(READ_A, 11);
    assert.equal(server.counters.pauseViolations, 1);
  });

  it("drops and counts answers when too many wait for their time", async () => {
    const clock = new SimClock();
    const { connect, setFault, server } = await world({}, { clock });
    await setFault({ kind: "slow", ms: 1000 });
    const client = await connect();
    client.send(READ_A.replaceAll(" ", "").repeat(300));
    while (server.counters.requests < 300) await afterManyAnswers();
    assert.equal(server.counters.droppedAnswers, 300 - 256);
    await clock.advance(1000);
    await client.receive(11 * 256);
    await afterManyAnswers();
    assert.equal(client.waiting, 0);
  });

  it("takes no more requests from a client that does not read its answers", async () => {
    const { port, server } = await world({
      modbus: { readable: new Map([["holding", [[0, 124]]]]) },
    });
    const requests = 150_000;
    const socket = connectSocket({ host: "127.0.0.1", port });
    cleanUps.push(() => {
      socket.destroy();
    });
    socket.pause();
    const request = Buffer.from("000700000006" + "01030000007d", "hex");
    socket.write(Buffer.concat(Array.from({ length: requests }, () => request)));
    let before = -1;
    while (server.counters.requests !== before) {
      before = server.counters.requests;
      await afterManyAnswers();
    }
    assert.ok(before > 0 && before < requests, `${before} requests taken`);
    let received = 0;
    const all = new Promise<void>((resolve) => {
      socket.on("data", (chunk: Buffer) => {
        received += chunk.length;
        if (received === requests * 259) resolve();
      });
    });
    socket.resume();
    await all;
    assert.equal(server.counters.requests, requests);
  });

  it("says so when its port is taken, and whose it is", async () => {
    const { port, second } = await world();
    const endpoint = { protocol: "modbus-tcp", host: "127.0.0.1", port } as const;
    const server = new ModbusServer({ endpoint, devices: [second], clock: new SimClock() });
    await assert.rejects(server.open(), {
      code: "PORT_IN_USE",
      context: { host: "127.0.0.1", port, devices: "unit-2", reason: "EADDRINUSE" },
    });
  });

  it("refuses two devices that answer to one unit id, and names them", async () => {
    const { first } = await world();
    const twin = new SimulatedDevice({
      id: "twin",
      profile: makeProfile({ points: POINTS }),
      unitId: 1,
      nominal: [],
    });
    const endpoint = { protocol: "modbus-tcp", host: "127.0.0.1", port: 15_020 } as const;
    assert.throws(
      () => new ModbusServer({ endpoint, devices: [first, twin], clock: new SimClock() }),
      (error) =>
        error instanceof GatewayError &&
        error.code === "CONFIG_INVALID" &&
        /devices=unit-1, twin unit=1 host=127.0.0.1 port=15020/.test(error.message),
    );
  });

  describe("with a fault", () => {
    it("silent: takes requests and answers none of them", async () => {
      const { connect, setFault } = await world();
      const client = await connect();
      await setFault({ kind: "silent" });
      client.send(READ_A);
      assert.equal(await client.ask(READ_A_OF_SECOND, 11), ANSWER_A_OF_SECOND);
      await setFault(undefined);
      assert.equal(await client.ask(READ_A, 11), ANSWER_A);
      assert.equal(client.waiting, 0);
    });

    it("slow: answers that much later", async () => {
      const clock = new SimClock();
      const { connect, setFault } = await world({}, { clock });
      const client = await connect();
      await setFault({ kind: "slow", ms: 700 });
      client.send(READ_A);
      assert.equal(await client.ask(READ_A_OF_SECOND, 11), ANSWER_A_OF_SECOND);
      await clock.advance(699);
      await afterManyAnswers();
      assert.equal(client.waiting, 0);
      await clock.advance(1);
      assert.equal(await client.receive(11), ANSWER_A);
    });

    it("reset: sends RST at once and on every request", async () => {
      const { connect, setFault } = await world();
      const client = await connect();
      await client.ask(READ_A, 11);
      await setFault({ kind: "reset" });
      assert.equal(await client.gone, "ECONNRESET");
      const again = await connect();
      again.send(READ_A);
      assert.equal(await again.gone, "ECONNRESET");
      await setFault(undefined);
      assert.equal(await (await connect()).ask(READ_A, 11), ANSWER_A);
    });

    it("exception: answers every request with it", async () => {
      const { connect, setFault } = await world();
      const client = await connect();
      await setFault({ kind: "exception", code: 6 });
      assert.equal(await client.ask(READ_A, 9), "000700000003018306");
      assert.equal(await client.ask("0007 0000 0006 01 06 0001 0001", 9), "000700000003018606");
      await setFault(undefined);
      assert.equal(await client.ask(READ_A, 11), ANSWER_A);
    });

    it("frozen: answers, but nothing moves", async () => {
      const { connect, setFault, first } = await world();
      const client = await connect();
      await setFault({ kind: "frozen" });
      first.setPoint("a", 9);
      assert.equal(await client.ask(READ_A, 11), ANSWER_A);
      await setFault(undefined);
      first.setPoint("a", 9);
      assert.equal(await client.ask(READ_A, 11), "0007000000050103020009");
    });

    it("absent: answers with the pattern for no value", async () => {
      const absent = new Map([["ffff", 68]]);
      const { connect, setFault } = await world({
        points: [{ id: "a", read: place(0, { absent }) }, ...POINTS.slice(1)],
      });
      const client = await connect();
      await setFault({ kind: "absent", points: undefined });
      assert.equal(await client.ask(READ_A, 11), "000700000005010302ffff");
      await setFault(undefined);
      assert.equal(await client.ask(READ_A, 11), ANSWER_A);
    });

    it("wrong-transaction-id and wrong-unit: answers that belong to nobody", async () => {
      const { connect, setFault } = await world();
      const client = await connect();
      await setFault({ kind: "wrong-transaction-id" });
      assert.equal(await client.ask(READ_A, 11), "0008000000050103021234");
      await setFault({ kind: "wrong-unit" });
      assert.equal(await client.ask(READ_A, 11), "0007000000050203021234");
      await setFault(undefined);
      assert.equal(await client.ask(READ_A, 11), ANSWER_A);
    });

    it("truncated: stops in the middle of the frame", async () => {
      const { connect, setFault } = await world();
      const client = await connect();
      await setFault({ kind: "truncated" });
      client.send(READ_A);
      assert.equal(await client.ask(READ_A_OF_SECOND, 5 + 11), "0007000000" + ANSWER_A_OF_SECOND);
    });

    it("write-ignored: acknowledges and changes nothing", async () => {
      const { connect, setFault } = await world();
      const client = await connect();
      await setFault({ kind: "write-ignored" });
      const write = "0007 0000 0006 01 06 0001 0055";
      assert.equal(await client.ask(write, 12), "000700000006010600010055");
      assert.equal(
        await client.ask("0007 0000 0006 01 03 0001 0001", 11),
        "0007000000050103020042",
      );
    });

    it("reboot: resets, is silent for its time, and has forgotten its setpoints", async () => {
      const clock = new SimClock();
      const { connect, setFault } = await world({}, { clock });
      const client = await connect();
      const read = "0007 0000 0006 01 03 0001 0001";
      await client.ask("0007 0000 0006 01 06 0001 0055", 12);
      assert.equal(await client.ask(read, 11), "0007000000050103020055");
      await setFault({ kind: "reboot", downMs: 2000 });
      assert.equal(await client.gone, "ECONNRESET");
      const again = await connect();
      again.send(READ_A);
      assert.equal(await again.ask(READ_A_OF_SECOND, 11), ANSWER_A_OF_SECOND);
      await clock.advance(2000);
      assert.equal(await again.ask(read, 11), "0007000000050103020042");
    });

    it("stopped: closes the port and opens the same one again", async () => {
      const { connect, setFault } = await world();
      const client = await connect();
      await setFault({ kind: "stopped" });
      await client.gone;
      await assert.rejects(connect(), { code: "ECONNREFUSED" });
      await setFault(undefined);
      assert.equal(await (await connect()).ask(READ_A, 11), ANSWER_A);
    });

    it("blackhole: neither answers nor closes, and goes on later", async () => {
      const { connect, setFault } = await world();
      const client = await connect();
      await client.ask(READ_A, 11);
      await setFault({ kind: "blackhole" });
      client.send(READ_A);
      const late = await connect();
      late.send(READ_A);
      await afterManyAnswers();
      assert.equal(client.waiting + late.waiting, 0);
      await setFault(undefined);
      assert.equal(await client.receive(11), ANSWER_A);
      assert.equal(await late.receive(11), ANSWER_A);
    });
  });

  describe("for RTU over TCP", () => {
    const RTU = { protocol: "modbus-rtu-over-tcp" } as const;
    const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

    it("answers frames with their CRC and is silent for units that nobody has", async () => {
      const { connect, server } = await world({}, RTU);
      const client = await connect();
      client.send(framed("09 03 0000 0001"));
      const answer = hexOf(framed("01 03 02 1234"));
      assert.equal(await client.ask(framed("01 03 0000 0001"), 7), answer);
      assert.equal(client.waiting, 0);
      assert.equal(server.counters.requests, 2);
    });

    it("finds the frame behind noise, and drops half a frame after silence", async () => {
      const clock = new SimClock();
      const { connect, server } = await world({}, { ...RTU, clock });
      const client = await connect();
      const answer = hexOf(framed("01 03 02 1234"));
      client.send(Buffer.concat([Buffer.from("ffee", "hex"), framed("01 03 0000 0001")]));
      assert.equal(await client.receive(7), answer);
      assert.equal(server.counters.noiseBytes, 2);
      // Claims to be a write of 120 registers that never come.
      client.send("01 10 0000 0078 f0");
      await afterManyAnswers();
      await clock.advance(300);
      assert.equal(await client.ask(framed("01 03 0000 0001"), 7), answer);
      assert.equal(server.counters.noiseBytes, 9);
    });

    it("lets everybody hear unit 0 and nobody answer", async () => {
      const { connect, first, second } = await world({}, RTU);
      const client = await connect();
      client.send(framed("00 06 0001 0077"));
      assert.equal(await client.ask(framed("01 03 0001 0001"), 7), hexOf(framed("01 03 02 0077")));
      assert.deepEqual([first.readPoint("b"), second.readPoint("b")], [0x77, 0x77]);
    });

    it("takes the time of its serial line, one frame after the other", async () => {
      const clock = new SimClock();
      const { connect } = await world({}, { ...RTU, clock, serialBaud: 19_200 });
      const [one, two] = [await connect(), await connect()];
      // 8 bytes there, 7 back and twice 3.5 characters of silence, 11 bits each: 12.6 ms.
      one.send(framed("01 03 0000 0001"));
      await afterManyAnswers();
      two.send(framed("02 03 0000 0001"));
      await afterManyAnswers();
      await clock.advance(12);
      await afterManyAnswers();
      assert.equal(one.waiting, 0);
      await clock.advance(1);
      await one.receive(7);
      await clock.advance(12);
      await afterManyAnswers();
      assert.equal(two.waiting, 0);
      await clock.advance(1);
      await two.receive(7);
    });
  });
});
