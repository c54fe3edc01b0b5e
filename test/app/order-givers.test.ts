import { strict as assert } from "node:assert";
import { OrderGivers } from "../../src/app/order-givers.ts";
import { monotonicMs } from "../../src/domain/time.ts";

function start() {
  const letGo: string[] = [];
  const holder = (name: string) => ({
    letGo: () => {
      letGo.push(name);
    },
  });
  const givers = new OrderGivers(monotonicMs(0));
  const look = (connections: number, now: number) => givers.look(connections, monotonicMs(now));
  return { givers, letGo, holder, look };
}

describe("givers of orders", () => {
  it("hold their devices while one is connected", () => {
    const { givers, letGo, holder, look } = start();
    givers.note(holder("a"));
    for (let now = 0; now < 60_000; now += 500) assert.equal(look(1, now), 0);
    assert.deepEqual(letGo, []);
  });

  it("are gone when no other came within the grace: what they asked for ends, once", () => {
    const { givers, letGo, holder, look } = start();
    const a = holder("a");
    givers.note(a);
    givers.note(a);
    givers.note(holder("b"));
    look(1, 10_000);
    assert.equal(look(0, 14_999), 0);
    assert.equal(look(0, 15_000), 2);
    assert.deepEqual(letGo, ["a", "b"]);
    assert.equal(look(0, 30_000), 0);
    givers.note(a);
    assert.equal(look(1, 31_000), 0, "an order of the next one holds again");
  });

  it("may come back within the grace", () => {
    const { givers, letGo, holder, look } = start();
    givers.note(holder("a"));
    look(1, 10_000);
    look(0, 14_500);
    look(1, 15_000);
    look(0, 19_500);
    assert.deepEqual(letGo, []);
  });
});
