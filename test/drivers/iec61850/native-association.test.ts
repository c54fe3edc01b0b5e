import { strict as assert } from "node:assert";
import type { MmsCalls } from "../../../native/mms-client.ts";
import { NativeAssociation } from "../../../src/drivers/iec61850/native-association.ts";
import { FRAME, jsonOf, withNumber } from "../../../src/drivers/iec61850/native-frames.ts";
import { byNames } from "../../../src/wire/mms/object-name.ts";
import { decodePdu, encodePdu } from "../../../src/wire/mms/pdu.ts";

const EMPTY = new Uint8Array();
const ADDRESS = { title: "1.1", qualifier: 1, presentation: [1], session: [1], transport: [1] };
const ORDER = { host: "127.0.0.1", port: 102, calling: ADDRESS, called: ADDRESS };
const OPEN = new TextEncoder().encode(JSON.stringify(ORDER));

const CONNECTION_LOST = 2;
const ACCESS_ERROR = 80;

/** The library, whose calls end when the test says so. */
class FakeCalls implements MmsCalls {
  readonly log: string[] = [];
  underWay = 0;
  most = 0;
  readonly #ends: (() => void)[] = [];
  connectError = 0;
  readonly parameters = {
    calling: 5,
    called: 5,
    nesting: 10,
    octets: 65_000,
    services: Uint8Array.of(0xff),
  };

  configure(): void {
    this.log.push("configure");
  }

  async connect(): Promise<number> {
    this.log.push("connect");
    return Promise.resolve(this.connectError);
  }

  async write(_domain: string, item: string) {
    this.log.push(`write ${item}`);
    await this.#held();
    return { error: 0, found: -1 };
  }

  async names() {
    this.log.push("names");
    return Promise.resolve({ error: 0, found: [] });
  }

  async type() {
    return Promise.resolve({ error: 0, found: undefined });
  }

  async members() {
    return Promise.resolve({ error: 0, found: undefined });
  }

  async read() {
    return Promise.resolve({ error: 0, found: EMPTY });
  }

  async readMany() {
    return Promise.resolve({ error: 0, found: EMPTY });
  }

  /** Answers of the library to the first request of an association. */
  statusErrors: number[] = [];

  async status() {
    this.log.push("status");
    const found = { logical: 0, physical: 0 };
    return Promise.resolve({ error: this.statusErrors.shift() ?? 0, found });
  }

  async conclude(): Promise<void> {
    this.log.push("conclude");
    return Promise.resolve();
  }

  async abort(): Promise<void> {
    this.log.push("abort");
    return Promise.resolve();
  }

  async destroy(): Promise<void> {
    this.log.push("destroy");
    return Promise.resolve();
  }

  async #held(): Promise<void> {
    this.underWay += 1;
    this.most = Math.max(this.most, this.underWay);
    await new Promise<void>((resolve) => this.#ends.push(resolve));
    this.underWay -= 1;
  }

  /** Ends the call under way and lets what follows run. */
  async end(): Promise<void> {
    this.#ends.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function writeOf(invokeId: number, lifeMs: number): Uint8Array {
  const name = { scope: "domain", domain: "LD", item: `N${invokeId}` } as const;
  const request = {
    service: "write",
    access: byNames([name]),
    values: [{ kind: "boolean", value: true }],
  } as const;
  return withNumber(lifeMs, encodePdu({ kind: "confirmed-request", invokeId, request }));
}

describe("an association in the process of the library", () => {
  let calls: FakeCalls;
  let told: { readonly kind: number; readonly body: Uint8Array }[];
  let isTaken: boolean;
  let isGone: boolean;
  let association: NativeAssociation;

  beforeEach(async () => {
    calls = new FakeCalls();
    told = [];
    isTaken = true;
    isGone = false;
    association = opening();
    await association.open(OPEN);
    assert.equal(told.shift()?.kind, FRAME.opened);
    calls.log.length = 0;
  });

  function opening(): NativeAssociation {
    return new NativeAssociation(() => calls, {
      tell: (kind, body) => {
        if (isTaken) told.push({ kind, body });
        return isTaken;
      },
      gone: () => {
        isGone = true;
      },
    });
  }

  it("associates again where the library lets nothing through, and tells how often", async () => {
    calls.statusErrors = [CONNECTION_LOST, CONNECTION_LOST, 0];
    await opening().open(OPEN);
    const attempt = ["configure", "connect", "status"];
    assert.deepEqual(calls.log, [...attempt, "destroy", ...attempt, "destroy", ...attempt]);
    assert.deepEqual(
      told.map(({ kind, body }) => [kind, jsonOf(body)["lame"]]),
      [[FRAME.opened, 2]],
    );
  });

  it("gives up on a device that ends every association at once", async () => {
    calls.statusErrors = new Array<number>(9).fill(CONNECTION_LOST);
    await opening().open(OPEN);
    assert.equal(calls.log.filter((call) => call === "connect").length, 4);
    assert.deepEqual(
      told.map(({ kind, body }) => [kind, jsonOf(body)["why"]]),
      [[FRAME.failed, "refused"]],
    );
    assert.equal(isGone, true);
  });

  it("takes any answer for one: a device need not know the request", async () => {
    calls.statusErrors = [ACCESS_ERROR];
    await opening().open(OPEN);
    assert.deepEqual(
      told.map(({ kind }) => kind),
      [FRAME.opened],
    );
  });

  it("asks for names where the device has no status", async () => {
    calls.parameters.services[0] = 0x7f;
    await opening().open(OPEN);
    assert.deepEqual(calls.log, ["configure", "connect", "names"]);
  });

  it("has one call under way at a time, in the order asked", async () => {
    for (const id of [1, 2, 3]) association.take(FRAME.request, writeOf(id, 60_000));
    for (let turn = 0; turn < 3; turn++) await calls.end();
    assert.deepEqual(calls.log, ["write N1", "write N2", "write N3"]);
    assert.equal(calls.most, 1);
    const ids = told.map(({ body }) => {
      const pdu = decodePdu(body);
      return pdu.kind === "confirmed-response" ? pdu.invokeId : pdu.kind;
    });
    assert.deepEqual(ids, [1, 2, 3]);
  });

  it("does not send a command that was given up while it waited", async () => {
    for (const id of [1, 2, 3]) association.take(FRAME.request, writeOf(id, 60_000));
    association.take(FRAME.cancel, withNumber(2));
    for (let turn = 0; turn < 3; turn++) await calls.end();
    assert.deepEqual(calls.log, ["write N1", "write N3"]);
  });

  it("does not send a command whose time ran out while it waited", async () => {
    association.take(FRAME.request, writeOf(1, 60_000));
    association.take(FRAME.request, writeOf(2, 0));
    association.take(FRAME.request, writeOf(3, 60_000));
    for (let turn = 0; turn < 3; turn++) await calls.end();
    assert.deepEqual(calls.log, ["write N1", "write N3"]);
  });

  it("waits for the call under way before it closes, and sends nothing more", async () => {
    for (const id of [1, 2]) association.take(FRAME.request, writeOf(id, 60_000));
    association.take(FRAME.abort, EMPTY);
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(calls.log, ["write N1"]);
    await calls.end();
    assert.deepEqual(calls.log, ["write N1", "abort", "destroy"]);
    assert.deepEqual([told.length, isGone], [0, true]);
  });

  it("says good-bye, destroys, and then tells that it is over", async () => {
    association.take(FRAME.release, EMPTY);
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(calls.log, ["conclude", "destroy"]);
    assert.deepEqual(
      told.map(({ kind }) => kind),
      [FRAME.over],
    );
    assert.equal(isGone, true);
  });

  it("tells once that the connection is lost, and says nothing into it", async () => {
    association.lost();
    association.lost();
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(calls.log, ["destroy"]);
    assert.deepEqual(
      told.map(({ kind, body }) => [kind, jsonOf(body)]),
      [[FRAME.over, { why: "lost" }]],
    );
  });

  it("ends when the gateway does not take what it brings: the device's buffer has it still", async () => {
    isTaken = false;
    const report = { connection: 1, domain: undefined, item: "RPT", isList: true };
    association.inform(report, Uint8Array.of(0xa1, 0x02, 0x8a, 0x00));
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(calls.log, ["abort", "destroy"]);
  });

  it("ends when more waits than anybody can have asked", async () => {
    for (let id = 1; id <= 100; id++) association.take(FRAME.request, writeOf(id, 60_000));
    await calls.end();
    assert.deepEqual(calls.log, ["write N1", "abort", "destroy"]);
    assert.deepEqual(jsonOf(told[0]?.body ?? EMPTY), { why: "overrun" });
  });

  it("takes no rubbish for a request", () => {
    for (const body of [EMPTY, Uint8Array.of(1, 2), withNumber(5, Uint8Array.of(0xff, 0xff))])
      association.take(FRAME.request, body);
    association.inform({ connection: 1, domain: "LD", item: "X", isList: false }, EMPTY);
    assert.deepEqual(calls.log, []);
    assert.ok(told.every(({ kind }) => kind === FRAME.malformed));
    assert.equal(told.length, 4);
  });
});
