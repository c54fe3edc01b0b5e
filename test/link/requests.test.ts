import { strict as assert } from "node:assert";
import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import { GatewayError } from "../../src/domain/errors.ts";
import { RequestClient, type RequestClientOptions } from "../../src/link/request-client.ts";
import { encodeRequestMessage, MAX_REQUEST_BYTES } from "../../src/link/request-messages.ts";
import { type Answer, RequestServer, type RequestLimits } from "../../src/link/request-server.ts";
import { SystemClock } from "../../src/platform/clock.ts";
import { SimClock } from "../support/sim-clock.ts";
import { until } from "../support/until.ts";
import { rawPeer, socketDirectory } from "./link-rig.ts";

describe("requests on a socket", () => {
  let directory: ReturnType<typeof socketDirectory>;
  let socketPath: string;
  const stops: (() => Promise<void>)[] = [];

  beforeEach(() => {
    directory = socketDirectory();
    socketPath = join(directory.path, "commands");
  });
  afterEach(async () => {
    for (const stop of stops.splice(0).reverse()) await stop();
    directory.remove();
  });

  async function serve(methods: Record<string, Answer>, limits: Partial<RequestLimits> = {}) {
    const controller = new AbortController();
    const server = new RequestServer({
      socketPath,
      methods: new Map(Object.entries(methods)),
      limits,
    });
    await server.listen(controller.signal);
    const stop = async () => {
      controller.abort();
      await server.closed();
    };
    stops.push(stop);
    return { server, stop };
  }
  function client(options: Partial<RequestClientOptions> = {}) {
    const made = new RequestClient({
      socketPath,
      clock: new SystemClock(),
      random: () => 0,
      ...options,
    });
    stops.push(async () => {
      made.close();
      return Promise.resolve();
    });
    return made;
  }
  const echo: Answer = async ({ params }) => Promise.resolve(params);
  const never: Answer = async ({ signal }) => {
    await once(signal, "abort");
    throw new GatewayError("REQUEST_REFUSED", { reason: "cancelled" });
  };

  it("answers each request with its own answer, whatever the order", async () => {
    const waiting: (() => void)[] = [];
    const late: Answer = async ({ params }) => {
      await new Promise<void>((resolve) => waiting.unshift(resolve));
      return params;
    };
    const { server } = await serve({ late });
    const asking = client();
    const answers = Promise.all([1, 2, 3].map(async (n) => asking.request("late", { n })));
    await until(() => waiting.length === 3);
    for (const answer of waiting) answer();
    assert.deepEqual(await answers, [{ n: 1 }, { n: 2 }, { n: 3 }]);
    assert.deepEqual([server.counters().requests, server.counters().connections], [3, 1]);
  });

  it("hands the error of the peer over as the same error", async () => {
    await serve({
      refuse: async () =>
        Promise.reject(new GatewayError("STORE_BUSY", { waiting: 7, first: "a", isFull: true })),
    });
    await assert.rejects(client().request("refuse", undefined), {
      code: "STORE_BUSY",
      context: { waiting: 7, first: "a", isFull: true },
    });
  });

  it("refuses a method that it does not have", async () => {
    await serve({ echo });
    await assert.rejects(client().request("destroy", {}), {
      code: "REQUEST_REFUSED",
      context: { reason: "unknown method", method: "destroy" },
    });
  });

  it("says whether anything was sent: not to nobody, but to a peer that dies", async () => {
    const asking = client();
    await assert.rejects(asking.request("echo", 1), {
      code: "PEER_LOST",
      context: { path: socketPath, sent: false },
    });
    const { server, stop } = await serve({ never });
    const lost = assert.rejects(asking.request("never", 1), {
      code: "PEER_LOST",
      context: { path: socketPath, sent: true },
    });
    await until(() => server.counters().requests === 1);
    await stop();
    await lost;
    await serve({ echo });
    assert.equal(await asking.request("echo", 5), 5, "the next request connects again");
  });

  it("gives up after its time and tells the peer, who stops working on it", async () => {
    let isCancelled = false;
    const { server } = await serve({
      never: async (request) => {
        request.signal.addEventListener("abort", () => (isCancelled = true));
        return never(request);
      },
      echo,
    });
    const clock = new SimClock();
    const asking = client({ clock, timeoutMs: 300 });
    const lost = assert.rejects(asking.request("never", 1), {
      code: "REQUEST_TIMEOUT",
      context: { method: "never", timeoutMs: 300 },
    });
    await until(() => server.counters().requests === 1);
    await clock.advance(299);
    assert.equal(isCancelled, false);
    await clock.advance(1);
    await lost;
    await until(() => isCancelled);
    assert.equal(await asking.request("echo", "still here"), "still here");
  });

  it("gives up when told to, with the reason given", async () => {
    let isCancelled = false;
    const { server } = await serve({
      never: async (request) => {
        request.signal.addEventListener("abort", () => (isCancelled = true));
        return never(request);
      },
    });
    const asking = client();
    const controller = new AbortController();
    const lost = assert.rejects(asking.request("never", 1, controller.signal), /operator left/);
    await until(() => server.counters().requests === 1);
    controller.abort(new Error("operator left"));
    await lost;
    await until(() => isCancelled);
    await assert.rejects(asking.request("never", 1, controller.signal), /operator left/);
  });

  it("answers only so many requests of a peer at once", async () => {
    const { server } = await serve({ never, echo }, { maxAtOnce: 2 });
    const asking = client();
    const lost = [1, 2].map(async () => assert.rejects(asking.request("never", 1)));
    await until(() => server.counters().requests === 2);
    await assert.rejects(asking.request("echo", 1), {
      code: "REQUEST_REFUSED",
      context: { reason: "too many requests at once" },
    });
    assert.equal(await client().request("echo", 1), 1, "another peer is not concerned");
    asking.close();
    await Promise.all(lost);
  });

  it("takes only so many requests to wait for one peer", async () => {
    await serve({ never }, { maxAtOnce: 1000 });
    const asking = client();
    const lost = Array.from({ length: 256 }, async () =>
      assert.rejects(asking.request("never", 1)),
    );
    await assert.rejects(asking.request("never", 1), {
      code: "REQUEST_REFUSED",
      context: { reason: "too many requests wait", method: "never" },
    });
    asking.close();
    await Promise.all(lost);
  });

  it("refuses a request and an answer that are too long", async () => {
    const long = "x".repeat(MAX_REQUEST_BYTES);
    await serve({ long: async () => Promise.resolve(long), echo });
    const asking = client();
    await assert.rejects(asking.request("echo", long), { code: "REQUEST_REFUSED" });
    await assert.rejects(asking.request("long", 1), {
      code: "REQUEST_REFUSED",
      context: { reason: "the answer is too long" },
    });
    assert.equal(await asking.request("echo", 1), 1);
  });

  it("pushes to one peer and to all, while they stay connected", async () => {
    const { server, stop } = await serve({
      watch: async ({ push }) => Promise.resolve(push("point", { value: 1 })),
    });
    const pushes: unknown[] = [];
    const states: string[] = [];
    const controller = new AbortController();
    const watching = client({
      onPush: (topic, body) => pushes.push([topic, body]),
      onState: (state) => states.push(state),
    });
    const done = watching.run(controller.signal);
    await until(() => server.counters().connections === 1);
    assert.equal(await watching.request("watch", undefined), true);
    server.broadcast("alarm", "all of you");
    await until(() => pushes.length === 2);
    assert.deepEqual(pushes, [
      ["point", { value: 1 }],
      ["alarm", "all of you"],
    ]);
    await stop();
    const again = await serve({});
    await until(() => again.server.counters().connections === 1);
    assert.deepEqual(states, ["connected", "lost", "connected"]);
    controller.abort();
    await done;
  });

  it("leaves out pushes that a peer does not read; closes one that reads no answers", async () => {
    const big = "x".repeat(100_000);
    const { server } = await serve({ echo }, { unreadBytes: 1_000_000, maxAtOnce: 1000 });
    const peer = rawPeer(socketPath);
    peer.socket.pause();
    await until(() => server.counters().connections === 1);
    for (let count = 0; count < 100; count++) server.broadcast("big", big);
    assert.ok(server.counters().droppedPushes > 50);
    assert.equal(server.counters().connections, 1);
    const request = encodeRequestMessage(
      { type: "request", id: 1, method: "echo", params: big },
      MAX_REQUEST_BYTES,
    );
    for (let count = 0; count < 30; count++) {
      if (request !== undefined) peer.socket.write(request);
    }
    await until(() => server.counters().connections === 0);
    assert.equal(server.counters().hostilePeers, 1);
    peer.socket.destroy();
  });

  const message = (body: Parameters<typeof encodeRequestMessage>[0]) =>
    encodeRequestMessage(body, MAX_REQUEST_BYTES) ?? new Uint8Array(0);
  const valid = message({ type: "request", id: 1, method: "echo", params: 1 });
  const withType = (type: number) => {
    const copy = valid.slice();
    copy[6] = type;
    return copy;
  };
  const withJson = (json: string, type = 16) => {
    const bytes = Buffer.alloc(8 + Buffer.byteLength(json));
    bytes.set(valid.subarray(0, 8));
    bytes.writeUInt32LE(bytes.length - 8, 0);
    bytes[6] = type;
    bytes.write(json, 8);
    return bytes;
  };
  const hostile: [string, Uint8Array][] = [
    ["noise", new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n")],
    ["what is not JSON", withJson("{")],
    ["what is no object", withJson("null")],
    ["a request without id", withJson('{"method":"echo"}')],
    ["a request without method", withJson('{"id":1}')],
    ["an unknown message", withType(1)],
    ["an answer", message({ type: "answer", id: 1, result: 1 })],
    ["an answer with an odd error", withJson('{"id":1,"error":7}', 17)],
    ["an answer with an odd context", withJson('{"id":1,"error":{"code":"X"}}', 17)],
    ["a push", message({ type: "push", topic: "x", body: 1 })],
    ["bytes that are not UTF-8", withType(16).fill(0xff, 9, 10)],
  ];
  for (const [what, bytes] of hostile) {
    it(`closes a peer that sends ${what}, counts it, and serves the others on`, async () => {
      const { server } = await serve({ echo });
      const asking = client();
      assert.equal(await asking.request("echo", 1), 1);
      const peer = rawPeer(socketPath);
      peer.socket.write(bytes);
      await until(peer.isClosed);
      assert.equal(server.counters().hostilePeers, 1);
      assert.equal(await asking.request("echo", 2), 2);
    });
  }

  it("refuses one connection too many", async () => {
    const { server } = await serve({ echo }, { maxConnections: 1 });
    assert.equal(await client().request("echo", 1), 1);
    const peer = rawPeer(socketPath);
    await until(peer.isClosed);
    assert.equal(server.counters().refusedConnections, 1);
  });

  it("gives up a server that sends noise, and takes an unknown error for a refusal", async () => {
    const replies = [
      new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\n\r\n"),
      message({ type: "request", id: 1, method: "echo", params: 1 }),
      message({ type: "answer", id: 3, error: { code: "NEW_CODE", context: { a: null, b: 1 } } }),
    ];
    const server = createServer((socket) => {
      socket.on("error", () => undefined).once("data", () => socket.write(replies.shift() ?? ""));
    });
    await new Promise<void>((resolve) => server.listen(socketPath, resolve));
    const asking = client();
    await assert.rejects(asking.request("echo", 1), { code: "PEER_LOST" });
    await assert.rejects(asking.request("echo", 1), { code: "PEER_LOST" });
    await assert.rejects(asking.request("echo", 1), {
      code: "REQUEST_REFUSED",
      context: { code: "NEW_CODE", b: 1 },
    });
    asking.close();
    await new Promise((resolve) => server.close(resolve));
  });
});
