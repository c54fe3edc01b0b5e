import { strict as assert } from "node:assert";
import { LinkRates } from "../../../src/app/demo/link-rates.ts";
import { Program } from "../../../src/app/demo/program.ts";
import { actAt, repairOrders, STORY, STORY_LENGTH_S } from "../../../src/app/demo/story.ts";
import { parseOrder } from "../../../src/simulator/orders.ts";

describe("story of the demonstration", () => {
  it("has acts in order that begin anew when it is over", () => {
    const starts = STORY.map(({ fromS }) => fromS);
    assert.deepEqual(
      starts,
      [...starts].sort((a, b) => a - b),
    );
    assert.equal(actAt(0)?.title, actAt(STORY_LENGTH_S)?.title);
    assert.notEqual(actAt(0)?.name, actAt(STORY_LENGTH_S)?.name);
    assert.equal(actAt(62)?.title, "act 4/7  cdu-3 loses a pump");
  });

  it("repairs whatever it breaks before it begins anew", () => {
    const broken = new Set<string>();
    for (const { does } of STORY)
      for (const order of does) {
        if (order === "broker-off") broken.add("broker");
        else if (order === "broker-on") broken.delete("broker");
        else if (typeof order === "string") continue;
        else if ("failPump" in order) broken.add(order.failPump);
        else if ("repairPump" in order) broken.delete(order.repairPump);
        else if ("device" in order && order.fault !== "none") broken.add(order.device);
        else if ("device" in order) broken.delete(order.device);
      }
    assert.deepEqual([...broken], []);
  });

  it("gives only orders that the plant knows, and titles for which there is room", () => {
    const orders = [
      ...STORY.flatMap(({ does }) => does),
      ...repairOrders(["bess-1", "ups-1", "cdu-3", "chiller-2"]),
    ];
    for (const order of orders)
      if (typeof order !== "string")
        assert.equal("problem" in parseOrder(order), false, JSON.stringify(order));
    for (const { title } of STORY) assert.ok(Array.from(title).length <= 34, title);
  });
});

describe("program of the demonstration", () => {
  it("tells each act once, and a scene with its end", () => {
    const program = new Program(false);
    assert.match(program.begins(0)?.line ?? "", /^act 1/);
    assert.equal(program.begins(1), undefined);
    assert.equal(program.scene(7, 20), true);
    assert.deepEqual(program.begins(20)?.does, [{ scene: 7 }]);
    assert.equal(program.begins(339), undefined);
    assert.match(program.begins(340)?.line ?? "", /is over$/);
    program.story(400);
    assert.match(program.begins(400)?.line ?? "", /^act 1/);
    assert.equal(program.scene(99, 0), false);
  });
});

describe("links of the picture", () => {
  it("have requests per second, and the age of their newest good value", () => {
    const rates = new LinkRates();
    const link = { connection: "a", devices: ["d"], roundTripMs: 1, requests: 100, errors: 0 };
    const points = new Map(
      [
        { id: "d/x", value: 1, quality: "good", ageMs: 300, sourceTime: 0 },
        { id: "d/y", value: null, quality: "bad/no-communication", ageMs: 5, sourceTime: 0 },
      ].map((point) => [point.id, point]),
    );
    assert.equal(rates.rows(0, [link], points)[0]?.requestsPerS, null);
    const [row] = rates.rows(2_000, [{ ...link, requests: 110 }], points);
    assert.deepEqual([row?.requestsPerS, row?.ageMs], [5, 300]);
  });
});
