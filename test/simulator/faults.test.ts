import { strict as assert } from "node:assert";
import { FAULT_KINDS, parseFaultOrder } from "../../src/simulator/faults.ts";

describe("fault orders", () => {
  it("reads every fault by its name", () => {
    const device = "bess-1";
    const extra: Record<string, object> = { slow: { ms: 500 }, exception: { code: 4 } };
    for (const kind of FAULT_KINDS) {
      const order = parseFaultOrder({ device, fault: kind, ...extra[kind] });
      assert.ok(!("problem" in order), kind);
      assert.equal(order.fault?.kind, kind);
    }
    assert.deepEqual(parseFaultOrder({ device, fault: "none" }), { device, fault: undefined });
    assert.deepEqual(parseFaultOrder({ device, fault: "absent", points: ["a"] }), {
      device,
      fault: { kind: "absent", points: ["a"] },
    });
    assert.deepEqual(parseFaultOrder({ device, fault: "reboot", ms: 10 }), {
      device,
      fault: { kind: "reboot", downMs: 10 },
    });
  });

  it("says what is wrong with an order", () => {
    const cases: [unknown, RegExp][] = [
      [null, /is an object/],
      [[], /is an object/],
      [{ fault: "silent" }, /device/],
      [{ device: "a" }, /fault must be a name/],
      [{ device: "a", fault: "tired" }, /unknown fault "tired"; known: none, silent/],
      [{ device: "a", fault: "slow" }, /ms must be/],
      [{ device: "a", fault: "slow", ms: -1 }, /ms must be/],
      [{ device: "a", fault: "exception", code: 300 }, /code must be/],
      [{ device: "a", fault: "reboot", ms: "long" }, /ms must be/],
      [{ device: "a", fault: "absent", points: [1] }, /list of point ids/],
    ];
    for (const [message, problem] of cases) {
      const order = parseFaultOrder(message);
      assert.ok("problem" in order && problem.test(order.problem), JSON.stringify(message));
    }
  });
});
