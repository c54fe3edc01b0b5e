import { strict as assert } from "node:assert";
import { GatewayError } from "../../../src/domain/errors.ts";
import type { WriteOutcome } from "../../../src/domain/write.ts";
import type { Commander, Writable } from "../../../src/drivers/iec61850/commander.ts";
import { SafeStates } from "../../../src/drivers/iec61850/safe-states.ts";
import { stationProfile } from "./station-bench.ts";

const STOP = 0;
const START = 1;
const CALL = new AbortController().signal;
const LOST = new GatewayError("LINK_LOST");

/** A point of the station that may be written. */
function writable(name: string): Writable {
  const profile = stationProfile();
  const point = profile.points.find(({ id }) => id === name);
  const write = point === undefined ? undefined : profile.iec61850?.writes.get(point.ordinal);
  assert.ok(point !== undefined && write !== undefined, name);
  return { point, write };
}

/** What a device shows, and what it is sent. */
class Device {
  shown: number | undefined;
  readonly sent: number[] = [];
  onShown: () => void = () => undefined;

  get commander(): Commander {
    const own = {
      shown: async () => {
        this.onShown();
        return Promise.resolve(this.shown);
      },
      send: async (_writable: Writable, value: number) => {
        this.sent.push(value);
        return Promise.resolve({ result: "accepted" });
      },
    };
    return own as unknown as Commander;
  }
}

const applied = { result: "applied", value: STOP } as const;
const differs = { result: "differs", value: START } as const;
const UNSEEN = { readBack: undefined } as const;
const UNKNOWN: WriteOutcome = { result: "unknown", error: LOST, ...UNSEEN };
const BY_DEVICE = new GatewayError("DEVICE_EXCEPTION");
const BY_RULE = new GatewayError("REQUEST_REFUSED");
const OUTCOMES: readonly (readonly [string, WriteOutcome, boolean])[] = [
  ["accepted and seen", { result: "accepted", readBack: applied }, false],
  ["accepted and seen otherwise", { result: "accepted", readBack: differs }, true],
  ["accepted and not looked for", { result: "accepted", ...UNSEEN }, true],
  ["unknown", UNKNOWN, true],
  ["unknown and seen all the same", { result: "unknown", error: LOST, readBack: applied }, false],
  ["refused by the device", { result: "refused", error: BY_DEVICE }, true],
  ["refused by a rule of ours", { result: "refused", error: BY_RULE }, false],
];

describe("a stop, after its command", () => {
  const run = writable("run-command");
  let states: SafeStates;
  let device: Device;

  beforeEach(() => {
    states = new SafeStates();
    device = new Device();
  });

  for (const [name, outcome, isKept] of OUTCOMES) {
    it(`${isKept ? "is wanted on" : "is done with"} when it was ${name}`, () => {
      states.note(run, STOP, outcome);
      assert.equal(states.size, isKept ? 1 : 0);
    });
  }

  it("is given again and again until the device shows it, and then no more", async () => {
    states.note(run, STOP, UNKNOWN);
    device.shown = START;
    for (let turn = 0; turn < 3; turn += 1) await states.assertAgain(device.commander, CALL);
    device.shown = undefined;
    await states.assertAgain(device.commander, CALL);
    assert.deepEqual(device.sent, [STOP, STOP, STOP, STOP], "not to be seen is not seen");
    device.shown = STOP;
    await states.assertAgain(device.commander, CALL);
    await states.assertAgain(device.commander, CALL);
    assert.equal(device.sent.length, 4);
    assert.equal(states.size, 0);
  });

  it("is wanted no more when something else is commanded, also while it is looked for", async () => {
    states.note(run, STOP, UNKNOWN);
    device.shown = START;
    device.onShown = () => {
      states.supersede(run.point.ordinal);
    };
    await states.assertAgain(device.commander, CALL);
    assert.deepEqual(device.sent, []);
    assert.equal(states.size, 0);
  });

  it("is the only thing given twice: no start, and no setpoint, ever is", async () => {
    states.note(run, START, UNKNOWN);
    const power = writable("active-power-setpoint");
    for (const value of [0, 1e6]) states.note(power, value, UNKNOWN);
    await states.assertAgain(device.commander, CALL);
    assert.deepEqual([device.sent, states.size], [[], 0]);
  });
});
