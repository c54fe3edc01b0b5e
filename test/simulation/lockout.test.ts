import { strict as assert } from "node:assert";
import { VirtualSite } from "../support/virtual-site.ts";
import { smallSite } from "../support/virtual-world.ts";

const WRITES = new Set([5, 6, 15, 16]);

/** A running site, and every write that reaches a battery. */
async function open() {
  const written: string[] = [];
  const site: VirtualSite = await VirtualSite.open({
    change: (text) => smallSite(text, "peak-cap"),
    control: "peak-cap",
    load: "full",
    seed: 7,
    wire: {
      troubleOf: () => undefined,
      onRequest: (device, frame) => {
        if (WRITES.has(frame[7] ?? 0)) written.push(device);
      },
      onAnswer: () => undefined,
    },
  });
  const order = async (kind: "stop" | "lockout" | "unlock" | "release"): Promise<string> => {
    const answer = site.order({ kind, asset: "bess-2", by: "kim" });
    await site.run(0.2);
    const { result, reason } = await answer;
    return reason === undefined ? result : `${result} ${reason}`;
  };
  const writesTo = async (device: string, seconds: number): Promise<number> => {
    written.length = 0;
    await site.run(seconds);
    return written.filter((one) => one === device).length;
  };
  return { site, order, writesTo };
}

describe("lockout of a battery", function () {
  this.timeout(60_000);

  it("ends every write to it, its heartbeat too, and leaves the other one alone", async () => {
    const { site, order, writesTo } = await open();
    await site.run(3);
    assert.equal(await order("stop"), "done");
    assert.ok(
      (await writesTo("bess-2", 5)) > 5,
      "a stopped one is told zero and has its heartbeat",
    );
    assert.equal(await order("lockout"), "done");
    assert.equal(await writesTo("bess-2", 30), 0);
    assert.ok((await writesTo("bess-1", 5)) > 5);
    assert.equal(await order("unlock"), "done");
    assert.equal(await order("release"), "done");
    await site.run(3);
    const unit = site.status.units.find(({ asset }) => asset === "bess-2");
    assert.ok((unit?.powerW ?? 0) > 1e6, "it gives its part again");
    await site.close();
  });
});
