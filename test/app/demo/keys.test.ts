import { strict as assert } from "node:assert";
import {
  ESTOP_MS,
  FIRST_KEYS,
  type KeyOrder,
  type KeyState,
  keysOf,
  pressed,
} from "../../../src/app/demo/keys.ts";

const DEVICES = ["pcc-meter", "bess-1", "bess-2"];

/** Presses keys one after the other; a number lets that many ms pass. */
function press(...keys: (string | number)[]): { state: KeyState; orders: KeyOrder[] } {
  let state = FIRST_KEYS;
  let nowMs = 0;
  const orders: KeyOrder[] = [];
  for (const key of keys) {
    if (typeof key === "number") {
      nowMs += key;
      continue;
    }
    const result = pressed(state, key, { nowMs, devices: DEVICES, unitCount: 2 });
    ({ state } = result);
    orders.push(...result.orders);
  }
  return { state, orders };
}

describe("keys of the demonstration", () => {
  it("start scenes, the story and the broker, and quit", () => {
    assert.deepEqual(press("3", "0", "b", "q", "interrupt").orders, [
      { do: "scene", number: 3 },
      { do: "normal" },
      { do: "broker" },
      { do: "quit" },
      { do: "quit" },
    ]);
  });

  it("stop the batteries only when e comes twice within two seconds, and nothing between", () => {
    assert.deepEqual(press("e", ESTOP_MS, "e").orders, [{ do: "estop" }]);
    assert.deepEqual(press("e", ESTOP_MS + 1, "e").orders, []);
    assert.deepEqual(press("e", "x", "e").orders, []);
    assert.deepEqual(press("e", "e", "e").orders, [{ do: "estop" }]);
  });

  it("reset only after a yes", () => {
    assert.deepEqual(press("r").orders, []);
    assert.equal(press("r").state.panel, "reset");
    assert.deepEqual(press("r", "y").orders, [{ do: "reset" }]);
    const no = press("r", "n");
    assert.deepEqual([no.orders, no.state.panel], [[], "plant"]);
    assert.deepEqual(press("r", "q").orders, []);
  });

  it("choose a device, then its fault", () => {
    const menu = press("f", "down", "enter");
    assert.deepEqual([menu.state.panel, menu.state.device], ["faults", "bess-1"]);
    assert.deepEqual(press("f", "down", "enter", "down", "enter").orders, [
      { do: "fault", device: "bess-1", fault: "silent" },
    ]);
    assert.deepEqual(press("f", "page-down", "enter", "enter").orders, [
      { do: "fault", device: "bess-2", fault: "none" },
    ]);
    assert.deepEqual(press("f", "enter", "escape").orders, []);
  });

  it("filter the table of points by what is typed, also by letters that are keys elsewhere", () => {
    const typed = press("p", "/", "b", "e", "q", "back");
    assert.deepEqual([typed.state.filter, typed.orders], ["be", []]);
    assert.equal(press("p", "/", "b", "enter").state.isFiltering, false);
    assert.equal(press("p", "/", "b", "enter", "down").state.line, 1);
    assert.equal(press("p", "/", "b", "escape").state.filter, "");
    assert.equal(press("p", "escape").state.panel, "plant");
  });

  it("go from battery to battery in why, and stop the picture alone by space", () => {
    assert.equal(press("w", "w").state.selectedUnit, 1);
    assert.equal(press("w", "w", "down").state.selectedUnit, 0);
    assert.equal(press("w", "up").state.selectedUnit, 1);
    const still = press(" ");
    assert.deepEqual([still.state.isFrozen, still.orders], [true, []]);
    assert.equal(press(" ", " ").state.isFrozen, false);
    assert.equal(press(" ", "escape").state.isFrozen, true);
  });

  it("never leave the list of a menu", () => {
    assert.equal(press("f", "up").state.line, 0);
    assert.equal(press("f", "page-down", "down").state.line, DEVICES.length - 1);
  });

  it("are told from the sequences that a terminal sends", () => {
    assert.deepEqual(keysOf("a\u001b[A\u001b[6~\u001b\r\u007f\u0003\u001b[15~\u0001°"), [
      "a",
      "up",
      "page-down",
      "escape",
      "enter",
      "back",
      "interrupt",
      "°",
    ]);
  });
});
