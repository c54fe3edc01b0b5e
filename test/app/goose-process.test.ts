import { strict as assert } from "node:assert";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { GooseDesk, type GooseReport } from "../../src/app/goose-desk.ts";
import { type Hear, runGoose } from "../../src/app/goose-process.ts";
import { GatewayError } from "../../src/domain/errors.ts";
import { monotonicMs } from "../../src/domain/time.ts";
import { SystemClock } from "../../src/platform/clock.ts";
import { createLogger } from "../../src/platform/log.ts";
import { encodeGooseFrame, type GooseFrame } from "../../src/wire/goose/codec.ts";
import type { GoosePdu } from "../../src/wire/goose/pdu.ts";
import type { MmsValue } from "../../src/wire/mms/value.ts";
import { SUBSCRIPTION } from "../support/goose-subscription.ts";
import { FRAME, PDU } from "../wire/goose/frames.ts";

const CLOSED: MmsValue = { kind: "bits", bitCount: 2, bytes: Uint8Array.of(0x80) };
const NUMBER: MmsValue = { kind: "integer", value: -5 };

function trip(value: boolean): MmsValue {
  return { kind: "boolean", value };
}

function octets(pdu: Partial<GoosePdu>, frame: Partial<GooseFrame> = {}): Uint8Array {
  return encodeGooseFrame({ ...FRAME, ...frame, pdu: { ...PDU, ...pdu } });
}

function stated(state: number, values: readonly MmsValue[]): Uint8Array {
  const time = { ...PDU.time, utcMs: PDU.time.utcMs + state };
  return octets({ state, sequence: 0, time, values });
}

describe("what GOOSE may demand", () => {
  let told: GooseReport[];
  let desk: GooseDesk;
  let nowMs: number;

  beforeEach(() => {
    told = [];
    nowMs = 0;
    desk = new GooseDesk([SUBSCRIPTION], (report) => told.push(report));
  });

  const take = (bytes: Uint8Array): void => {
    desk.take(bytes, monotonicMs(nowMs));
  };

  it("is the safe state, by the rules, while they are met", () => {
    take(stated(4, [trip(false), CLOSED, NUMBER]));
    take(stated(5, [trip(true), CLOSED, NUMBER]));
    take(stated(6, [trip(false), CLOSED, NUMBER]));
    assert.deepEqual(
      told.map(({ quality, safeStateDemandedBy, values }) => [
        quality,
        safeStateDemandedBy,
        values,
      ]),
      [
        ["good", [], [false, "closed", -5]],
        ["good", ["trip"], [true, "closed", -5]],
        ["good", [], [false, "closed", -5]],
      ],
    );
  });

  it("is the safe state for every position that is not the other one", () => {
    const demanded = [0x00, 0x40, 0x80, 0xc0].map((position, at) => {
      take(
        stated(10 + at, [
          trip(false),
          { kind: "bits", bitCount: 2, bytes: Uint8Array.of(position) },
          NUMBER,
        ]),
      );
      return told.at(-1)?.safeStateDemandedBy.join();
    });
    assert.deepEqual(demanded, ["breaker-open", "breaker-open", "", "breaker-open"]);
  });

  it("is the safe state when a value is not what the rule expects", () => {
    take(stated(4, [NUMBER, CLOSED, NUMBER]));
    assert.deepEqual(told.at(-1)?.safeStateDemandedBy, ["trip"]);
    take(stated(5, [trip(false), NUMBER, NUMBER]));
    assert.deepEqual(told.at(-1)?.safeStateDemandedBy, ["breaker-open"]);
  });

  it("is nothing after the time to live: what a loss means is not this process's to say", () => {
    take(stated(4, [trip(false), CLOSED, NUMBER]));
    desk.tick(monotonicMs(1_999));
    assert.equal(told.length, 1);
    desk.tick(monotonicMs(2_000));
    assert.deepEqual(told.at(-1), {
      ...told[0],
      quality: "bad",
      fault: "expired",
      safeStateDemandedBy: [],
    });
  });

  it("tells an end that a late turn would have hidden", () => {
    take(stated(4, [trip(false), CLOSED, NUMBER]));
    nowMs = 5_000;
    take(
      octets({
        ...PDU,
        state: 4,
        sequence: 1,
        time: later(4),
        values: [trip(false), CLOSED, NUMBER],
      }),
    );
    assert.deepEqual(
      told.map(({ quality }) => quality),
      ["good", "bad", "good"],
    );
  });

  it("is not moved by repetitions, strangers, simulations and rubbish", () => {
    const values = [trip(false), CLOSED, NUMBER];
    take(stated(4, values));
    take(octets({ state: 4, sequence: 1, time: later(4), values }));
    take(
      octets({ state: 9, values: [trip(true), CLOSED, NUMBER], controlBlock: "R2/LLN0$GO$gcb1" }),
    );
    take(octets({ state: 9 }, { applicationId: 0x3002 }));
    take(octets({ state: 9 }, { destination: Uint8Array.of(1, 2, 3, 4, 5, 6) }));
    take(octets({ state: 9, isSimulated: true, values: [trip(true), CLOSED, NUMBER] }));
    take(Uint8Array.of(1, 2, 3));
    assert.equal(told.length, 1);
    assert.deepEqual(desk.counters, { frames: 7, malformed: 1, strays: 3 });
    assert.equal(desk.verdicts["relay-1"]?.simulated, 1);
  });
});

function later(ms: number): GoosePdu["time"] {
  return { ...PDU.time, utcMs: PDU.time.utcMs + ms };
}

describe("the GOOSE process", () => {
  const clock = new SystemClock();
  let directory: string;
  let stop: AbortController;
  let readers: Socket[];

  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), "goose-"));
    stop = new AbortController();
    readers = [];
  });
  afterEach(async () => {
    stop.abort();
    for (const reader of readers) reader.destroy();
    await rm(directory, { recursive: true });
  });

  const start = (hear: Hear): { readonly socket: string; readonly run: Promise<void> } => {
    const socket = path.join(directory, "socket");
    const settings = { interfaceName: "lo", socket, subscriptions: [SUBSCRIPTION] };
    const log = createLogger("goose", "silent");
    const terms = { settings, clock, log, random: () => 0, hear };
    const run = runGoose(
      { ...terms, onReady: () => undefined, onTurn: () => undefined },
      stop.signal,
    );
    run.catch(() => undefined);
    return { socket, run };
  };

  async function opened(socket: string): Promise<AsyncIterator<string>> {
    for (;;) {
      const reader = connect(socket);
      readers.push(reader);
      const isOpen = await new Promise<boolean>((resolve) => {
        reader.once("connect", () => {
          resolve(true);
        });
        reader.once("error", () => {
          resolve(false);
        });
      });
      if (isOpen) return createInterface({ input: reader })[Symbol.asyncIterator]();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  it("tells a reader all states, then changes, and that it is alive; and ends clean", async () => {
    let heard!: (take: (frame: Uint8Array) => void) => void;
    const wire = new Promise<(frame: Uint8Array) => void>((resolve) => {
      heard = resolve;
    });
    const { socket, run } = start(async (_terms, signal, take) => {
      heard(take);
      await new Promise((resolve) => {
        signal.addEventListener("abort", resolve);
      });
    });
    const lines = await opened(socket);
    const first = JSON.parse(String((await lines.next()).value)) as { readonly kind: string };
    assert.equal(first.kind, "states");
    assert.deepEqual((first as unknown as { readonly reports: readonly unknown[] }).reports, [
      {
        name: "relay-1",
        quality: "bad",
        fault: "silent",
        stateNumber: 0,
        sequenceNumber: 0,
        safeStateDemandedBy: [],
        values: [],
      },
    ]);
    (await wire)(stated(4, [trip(true), CLOSED, NUMBER]));
    const seen = new Set<string>();
    while (!seen.has("change good trip") || !seen.has("alive")) {
      const { kind, report } = JSON.parse(String((await lines.next()).value)) as {
        readonly kind: string;
        readonly report?: GooseReport;
      };
      seen.add(
        report === undefined
          ? kind
          : `${kind} ${report.quality} ${report.safeStateDemandedBy.join()}`,
      );
    }
    stop.abort();
    await run;
  });

  it("comes back to an interface that went away, and gives up what it may not open", async () => {
    let attempts = 0;
    const { run } = start(async () => {
      attempts += 1;
      const code = attempts < 3 ? "LINK_LOST" : "FILE_UNREADABLE";
      return Promise.reject(new GatewayError(code, {}));
    });
    await assert.rejects(run, { code: "FILE_UNREADABLE" });
    assert.equal(attempts, 3);
  });
});
