import { strict as assert } from "node:assert";
import { sceneLine } from "../../../src/app/commands/scene-line.ts";
import { keyHelp, SimulateKeys } from "../../../src/app/commands/simulate-keys.ts";
import { parseOrder } from "../../../src/simulator/orders.ts";
import { sceneOf } from "../../../src/simulator/scenes.ts";

const DEVICES = [
  { id: "pcc", deviceClass: "grid-connection" },
  { id: "b-1", deviceClass: "bess" },
  { id: "u-1", deviceClass: "ups" },
  { id: "c-1", deviceClass: "cdu" },
  { id: "c-2", deviceClass: "cdu" },
];

describe("keys of the simulator", () => {
  it("break something with one press and repair it with the next", () => {
    const keys = new SimulateKeys(DEVICES);
    assert.deepEqual(keys.press("p"), [{ failPump: "c-1", pump: 2 }]);
    assert.deepEqual(keys.press("g"), [{ grid: "lost" }]);
    assert.deepEqual(keys.press("p"), [{ repairPump: "c-1" }]);
    assert.deepEqual(keys.press("g"), [{ grid: "back" }]);
    assert.deepEqual(keys.press("f"), [{ device: "pcc", fault: "frozen" }]);
    assert.deepEqual(keys.press("f"), [{ device: "pcc", fault: "none" }]);
  });

  it("begin scenes, which repair everything", () => {
    const keys = new SimulateKeys(DEVICES);
    keys.press("u");
    assert.deepEqual(keys.press("5"), [{ scene: 5 }]);
    assert.deepEqual(keys.press("u"), [{ failUps: "u-1", to: "lost" }]);
  });

  it("give only orders that the plant takes, and mean nothing where the site lacks the device", () => {
    const rich = new SimulateKeys(DEVICES);
    const poor = new SimulateKeys([]);
    for (const key of "0123456789abcdefghijklmnopqrstuvwxyz") {
      for (const keys of [rich, poor]) {
        const pressed = keys.press(key);
        if (typeof pressed === "string") continue;
        for (const order of pressed) assert.ok(!("problem" in parseOrder(order)), key);
      }
    }
    assert.deepEqual(new SimulateKeys([]).press("p"), []);
    assert.deepEqual(new SimulateKeys(DEVICES).press("z"), []);
  });

  it("ask for help and for the end", () => {
    const keys = new SimulateKeys(DEVICES);
    assert.equal(keys.press("?"), "help");
    assert.equal(keys.press("q"), "quit");
    assert.equal(keys.press("\u0003"), "quit");
    assert.match(keyHelp(), /g grid lost/);
  });
});

describe("lines about a scene", () => {
  const scene = sceneOf(2);

  it("name it, and say what the gateway still lacks for it", () => {
    assert.ok(scene !== undefined);
    assert.match(sceneLine({ kind: "begins", scene }, 3661), /^01:01:01 scene 2: training at 1 Hz/);
    const waiting = sceneOf(11);
    assert.ok(waiting !== undefined);
    assert.match(sceneLine({ kind: "begins", scene: waiting }, 0), /needs the fast loop/);
    assert.equal(sceneLine({ kind: "ends", scene }, 90), "00:01:30 scene 2 is over");
  });

  it("tell each step, and what went wrong with it", () => {
    const step = { atS: 10, order: { grid: "lost" } } as const;
    assert.equal(
      sceneLine({ kind: "step", step, problem: undefined }, 10),
      '00:00:10 {"grid":"lost"}',
    );
    assert.equal(
      sceneLine({ kind: "step", step, problem: "no" }, 10),
      '00:00:10 {"grid":"lost"}: no',
    );
    assert.equal(sceneLine({ kind: "warning", text: "no" }, 10), "00:00:10 warning: no");
    const other = { atS: 10, order: "estop" } as const;
    assert.match(sceneLine({ kind: "step", step: other, problem: undefined }, 10), /demonstration/);
  });
});
