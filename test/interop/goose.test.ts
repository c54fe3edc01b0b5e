import { strict as assert } from "node:assert";
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { closePacketSocket, openPacketSocket, sendPacket } from "../../native/packet-socket.ts";
import { GooseDesk, type GooseReport } from "../../src/app/goose-desk.ts";
import { GatewayError } from "../../src/domain/errors.ts";
import { SystemClock } from "../../src/platform/clock.ts";
import { hearPackets } from "../../src/platform/packet-socket.ts";
import { encodeGooseFrame, GOOSE_ETHERTYPE } from "../../src/wire/goose/codec.ts";
import { gooseFilter } from "../../src/wire/goose/kernel-filter.ts";
import { SUBSCRIPTION } from "../support/goose-subscription.ts";
import { until } from "../support/until.ts";
import { FRAME, PDU } from "../wire/goose/frames.ts";
import { findLibrary } from "./pyiec61850.ts";

const PYTHON = process.env["LIBIEC61850_PYTHON"] ?? "python3";
const HEARD = {
  interfaceName: "lo",
  ethertype: GOOSE_ETHERTYPE,
  filter: gooseFilter([SUBSCRIPTION]),
  destinations: [SUBSCRIPTION.destination],
};

/** The right to raw frames is not given everywhere: then these are reported as skipped. */
function mayHear(): boolean {
  try {
    closePacketSocket(openPacketSocket({ ...HEARD, waitMs: 1 }));
    return true;
  } catch (error) {
    if (error instanceof GatewayError && error.context["errno"] === "EPERM") return false;
    throw error;
  }
}

function gist(report: GooseReport | undefined): readonly unknown[] {
  return [report?.values, report?.safeStateDemandedBy];
}

describe("GOOSE on a network interface", function () {
  this.timeout(30_000);
  const clock = new SystemClock();
  let stop: AbortController;
  let reports: GooseReport[];
  let desk: GooseDesk;
  let hearing: Promise<void>;

  before(function () {
    if (!mayHear()) this.skip();
  });
  beforeEach(() => {
    stop = new AbortController();
    reports = [];
    desk = new GooseDesk([SUBSCRIPTION], (report) => reports.push(report));
    hearing = hearPackets(HEARD, stop.signal, (frame) => {
      desk.take(frame, clock.now());
    });
  });
  afterEach(async () => {
    stop.abort();
    await hearing;
  });

  it("lets the kernel keep from us what is not subscribed", async () => {
    const fd = openPacketSocket({ ...HEARD, waitMs: 1 });
    const strangers = [
      { ...FRAME, applicationId: 0x3002 },
      { ...FRAME, destination: Uint8Array.of(0x01, 0x0c, 0xcd, 0x01, 0x00, 0x08) },
    ];
    for (const vlan of [undefined, FRAME.vlan])
      for (const frame of strangers) sendPacket(fd, encodeGooseFrame({ ...frame, vlan }));
    sendPacket(fd, encodeGooseFrame({ ...FRAME, vlan: undefined }));
    await until(() => reports.length > 0, "the frame that is ours");
    closePacketSocket(fd);
    assert.deepEqual(desk.counters, { frames: 1, malformed: 0, strays: 0 });
    assert.deepEqual(reports[0]?.safeStateDemandedBy, ["trip"]);
  });

  it("takes hundreds of frames a second, none missing", async () => {
    const fd = openPacketSocket({ ...HEARD, waitMs: 1 });
    const total = 1_000;
    for (let sequence = 0; sequence < total; sequence++) {
      sendPacket(fd, encodeGooseFrame({ ...FRAME, vlan: undefined, pdu: { ...PDU, sequence } }));
      if (sequence % 20 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await until(() => desk.counters.frames === total, "all frames");
    closePacketSocket(fd);
    const verdicts = desk.verdicts["relay-1"];
    assert.deepEqual([verdicts?.missed, verdicts?.replayed, verdicts?.repeated], [0, 0, total - 1]);
  });

  describe("from libiec61850 as the publisher", () => {
    let publisher: ChildProcessWithoutNullStreams;

    before(async function () {
      const library = findLibrary();
      if (library === undefined) {
        this.skip();
      }
      const script = path.join("test", "interop", "libiec61850_goose.py");
      publisher = spawn(PYTHON, [script, library, "lo"]);
      await once(publisher.stdout, "data");
    });
    after(() => {
      (publisher as typeof publisher | undefined)?.kill();
    });

    it("follows states, lives on with repetitions, and is bad when they end", async () => {
      publisher.stdin.write("state false 2\n");
      await until(() => reports.length >= 1, "first state");
      assert.deepEqual(gist(reports[0]), [[false, "closed", -5], []]);
      publisher.stdin.write("repeat\nrepeat\nstate true 1\n");
      await until(() => reports.length >= 2, "second state");
      assert.deepEqual(gist(reports[1]), [
        [true, "open", -5],
        ["trip", "breaker-open"],
      ]);
      assert.equal(desk.verdicts["relay-1"]?.repeated, 2);
      const silentFrom = clock.now();
      await until(() => {
        desk.tick(clock.now());
        return reports.length >= 3;
      }, "the end of its life");
      assert.deepEqual([reports[2]?.quality, reports[2]?.fault], ["bad", "expired"]);
      assert.ok(clock.now() - silentFrom >= 200, "not before its time");
      assert.equal(desk.counters.malformed, 0);
    });
  });
});
