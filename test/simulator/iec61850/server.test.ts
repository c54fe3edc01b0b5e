import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { GatewayError } from "../../../src/domain/errors.ts";
import { SystemClock } from "../../../src/platform/clock.ts";
import {
  addressOctets,
  type MmsServer,
  type MmsServerOptions,
  startMmsServer,
} from "../../../src/simulator/iec61850/server.ts";
import {
  DEFAULT_CALLED,
  DEFAULT_CALLING,
  encodeAssociationRequest,
} from "../../../src/wire/mms/association.ts";
import { encodeTpdu, segmentTsdu } from "../../../src/wire/mms/cotp.ts";
import { ourInitiate } from "../../../src/wire/mms/initiate.ts";
import { encodeTpkt } from "../../../src/wire/mms/tpkt.ts";
import { STATION } from "./support/station.ts";

const CONNECT = encodeTpkt(
  encodeTpdu({
    type: "connect-request",
    destinationReference: 0,
    sourceReference: 1,
    tpduOctets: 8192,
    callingSelector: undefined,
    calledSelector: undefined,
  }),
);
const LIMITS = { pduOctets: 65_000, outstandingCalling: 5, outstandingCalled: 5, nesting: 10 };
const ASSOCIATE = segmentTsdu(
  encodeAssociationRequest({
    calling: DEFAULT_CALLING,
    called: DEFAULT_CALLED,
    password: undefined,
    initiate: ourInitiate(LIMITS, ["read"]),
  }),
  8192,
);

describe("the MMS server of the simulator", () => {
  let stop: AbortController;
  let sockets: Socket[];

  beforeEach(() => {
    stop = new AbortController();
    sockets = [];
  });
  afterEach(() => {
    stop.abort();
    for (const socket of sockets) socket.destroy();
  });

  const start = async (options: Partial<MmsServerOptions> = {}): Promise<MmsServer> =>
    startMmsServer(
      { host: "127.0.0.1", port: 0, model: STATION, clock: new SystemClock(), ...options },
      stop.signal,
    );

  const open = async ({ port }: MmsServer): Promise<Socket> => {
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => undefined);
    sockets.push(socket);
    await once(socket, "connect");
    return socket;
  };

  const associated = async (server: MmsServer): Promise<Socket> => {
    const socket = await open(server);
    socket.write(CONNECT);
    await once(socket, "data");
    socket.write(ASSOCIATE);
    await once(socket, "data");
    return socket;
  };

  it("lets clients in on a port of its own and ends with its signal", async () => {
    const server = await start();
    const socket = await associated(server);
    assert.equal(server.device.counters.associations, 1);

    stop.abort();
    await server.closed;

    await isClosed(socket);
    await assert.rejects(async () => {
      const late = connect(server.port, "127.0.0.1");
      await once(late, "connect");
    });
  });

  it("says that its port is taken", async () => {
    const { port } = await start();

    await assert.rejects(
      start({ port }),
      (error) => error instanceof GatewayError && error.code === "PORT_IN_USE",
    );
  });

  it("resets a client too many and counts it", async () => {
    const server = await start({ clientsMax: 1 });
    await associated(server);

    const second = connect(server.port, "127.0.0.1");
    sockets.push(second);
    await isClosed(second);

    assert.equal(server.device.counters.refusedAssociations, 1);
  });

  it("ends a connection that speaks something else", async () => {
    const server = await start();
    const socket = await open(server);

    socket.write("GET / HTTP/1.1\r\n\r\n");
    await isClosed(socket);

    assert.equal(server.device.counters.brokenAssociations, 1);
  });

  it("reads nothing in a black hole and answers afterwards what came meanwhile", async () => {
    const server = await start();
    const socket = await open(server);
    socket.write(CONNECT);
    await once(socket, "data");
    server.device.inject({ kind: "blackhole" });
    socket.write(ASSOCIATE);
    const late = await open(server);
    late.write(CONNECT);
    assert.equal(server.device.counters.associations, 0);

    server.device.heal("blackhole");

    await Promise.all([once(socket, "data"), once(late, "data")]);
    assert.equal(server.device.counters.associations, 1);
  });

  it("shows addresses as Owner has them", () => {
    assert.deepEqual(addressOctets("192.0.2.7"), Uint8Array.of(192, 0, 2, 7));
    assert.deepEqual(addressOctets("::ffff:192.0.2.7"), Uint8Array.of(192, 0, 2, 7));
    assert.deepEqual(Buffer.from(addressOctets("2001:db8::1")).toString(), "2001:db8::1");
  });
});

/** The end of a socket, by a reset too. */
async function isClosed(socket: Socket): Promise<void> {
  await new Promise<void>((resolve) => {
    socket.on("error", () => undefined);
    if (socket.closed) resolve();
    else
      socket.once("close", () => {
        resolve();
      });
  });
}
