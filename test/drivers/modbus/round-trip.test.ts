import { strict as assert } from "node:assert";
import fc from "fast-check";
import { CostModel, DurationWindow } from "../../../src/drivers/modbus/round-trip.ts";

describe("cost of modbus requests", () => {
  it("begins with the first guess", () => {
    const { requestMs, registerMs } = new CostModel({ requestMs: 5, registerMs: 0.02 }).cost();
    assert.ok(Math.abs(requestMs - 5) < 1e-9);
    assert.ok(Math.abs(registerMs - 0.02) < 1e-9);
  });

  it("learns what a request and a register cost, and forgets what was", () => {
    const model = new CostModel({ requestMs: 5, registerMs: 0.02 });
    const feed = (requestMs: number, registerMs: number) => {
      for (let reply = 0; reply < 3_000; reply += 1) {
        const registers = 1 + ((reply * 37) % 120);
        model.add(registers, requestMs + registers * registerMs);
      }
      return model.cost();
    };
    const slow = feed(30, 2.3);
    assert.ok(Math.abs(slow.requestMs - 30) < 0.1, `${slow.requestMs} ms`);
    assert.ok(Math.abs(slow.registerMs - 2.3) < 0.01, `${slow.registerMs} ms`);
    const fast = feed(3, 0.01);
    assert.ok(Math.abs(fast.requestMs - 3) < 0.1, `${fast.requestMs} ms`);
  });

  it("stays within reason whatever a link does", () => {
    const reply = fc.tuple(
      fc.integer({ min: 1, max: 125 }),
      fc.double({ min: 0, max: 5e3, noNaN: true }),
    );
    fc.assert(
      fc.property(fc.array(reply, { maxLength: 300 }), (replies) => {
        const model = new CostModel({ requestMs: 5, registerMs: 0.02 });
        for (const [registers, ms] of replies) model.add(registers, ms);
        const { requestMs, registerMs } = model.cost();
        assert.ok(requestMs >= 1 && requestMs <= 2_000);
        assert.ok(registerMs >= 0 && registerMs <= requestMs / 5);
      }),
    );
  });
});

describe("durations", () => {
  it("gives median and 99th percentile of the last 256", () => {
    const window = new DurationWindow();
    assert.equal(window.quantile(0.5), undefined);
    for (let ms = 1; ms <= 100; ms += 1) window.add(ms);
    assert.ok(Math.abs((window.quantile(0.5) ?? 0) - 51) <= 16);
    for (let ms = 0; ms < 300; ms += 1) window.add(ms % 100 === 0 ? 500 : 7);
    assert.equal(window.quantile(0.5), 7);
    assert.equal(window.quantile(0.999), 500);
    assert.equal(window.count, 400);
  });

  it("knows the first durations at once", () => {
    const window = new DurationWindow();
    window.add(3);
    assert.equal(window.quantile(0.99), 3);
    window.add(9);
    assert.equal(window.quantile(0.99), 9);
  });
});
