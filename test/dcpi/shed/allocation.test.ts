import { strict as assert } from "node:assert";
import fc from "fast-check";
import { PRIORITIES } from "../../../src/dcpi/flexibility.ts";
import { type Ability, allocateShed, SHARE_MIN_W } from "../../../src/dcpi/shed/allocation.ts";
import { MW, sightOf } from "./workloads.ts";

const ability = (...sight: Parameters<typeof sightOf>): Ability => {
  const { workload, powerW, flexibility } = sightOf(...sight);
  return { workload, powerW, ...flexibility };
};

/** `job throttle 3+2`: it may draw 3 MW, which saves 2. */
const said = (needMw: number, ...abilities: readonly Ability[]) => {
  const { shares, restW } = allocateShed(needMw * MW, abilities);
  return [
    ...shares.map(
      ({ workload, action, targetW, savesW }) =>
        `${workload} ${action} ${targetW / MW}+${savesW / MW}`,
    ),
    `rest ${restW / MW}`,
  ];
};

describe("the allocation of a shed", () => {
  const throttled = (id: string, priority: Ability["priority"]) =>
    ability(id, 5, { throttleToW: 3 * MW, canPause: true, priority });
  const low = throttled("low", "low");
  const normal = throttled("normal", "normal");
  const critical = throttled("critical", "critical");

  for (const [what, needMw, abilities, expected] of [
    ["nobody is there", 2, [], ["rest 2"]],
    ["nothing has to go", 0, [low], ["rest 0"]],
    ["the lowest priority first", 1, [critical, normal, low], ["low throttle 4+1", "rest 0"]],
    [
      "then the next one, each not below its least power",
      3,
      [critical, normal, low],
      ["low throttle 3+2", "normal throttle 4+1", "rest 0"],
    ],
    [
      "everybody is throttled before anybody is paused",
      8,
      [critical, normal, low],
      ["low pause 0+5", "normal throttle 3+2", "critical throttle 3+2", "rest 0"],
    ],
    [
      "what even pausing all does not give is left",
      20,
      [normal, low],
      ["low pause 0+5", "normal pause 0+5", "rest 10"],
    ],
    ["who can only pause", 1, [ability("p", 4, { canPause: true })], ["p pause 0+4", "rest 0"]],
    [
      "who can only throttle",
      9,
      [ability("t", 4, { throttleToW: MW })],
      [...["t throttle 1+3", "rest 6"]],
    ],
    ["who can do neither", 1, [ability("n", 4)], ["rest 1"]],
    [
      "who draws less than its least power",
      1,
      [ability("n", 1, { throttleToW: 2 * MW })],
      ["rest 1"],
    ],
    [
      "of the same priority who can give more",
      1,
      [ability("a", 2, { canPause: true }), ability("b", 6, { canPause: true })],
      ["b pause 0+6", "rest 0"],
    ],
    [
      "of the same that too, by name",
      1,
      [ability("b", 2, { canPause: true }), ability("a", 2, { canPause: true })],
      ["a pause 0+2", "rest 0"],
    ],
  ] as const)
    it(`asks: ${what}`, () => {
      assert.deepEqual(said(needMw, ...abilities), expected);
    });

  it("never asks for more than can be given, and leaves nothing that could be", () => {
    const abilities = fc.array(
      fc.record({
        workload: fc.string({ minLength: 1, maxLength: 8 }),
        priority: fc.constantFrom(...PRIORITIES),
        powerW: fc.integer({ min: 0, max: 20 * MW }),
        throttleToW: fc.option(fc.integer({ min: 0, max: 20 * MW }), { nil: undefined }),
        canPause: fc.boolean(),
      }),
      { maxLength: 20 },
    );
    const distinct = abilities.map((list) => [
      ...new Map(list.map((each) => [each.workload, each])).values(),
    ]);
    fc.assert(
      fc.property(distinct, fc.integer({ min: 0, max: 100 * MW }), (list, needW) => {
        const { shares, restW } = allocateShed(needW, list);
        let savesW = 0;
        for (const share of shares) {
          const of = list.find(({ workload }) => workload === share.workload);
          assert.ok(of !== undefined);
          assert.equal(share.targetW + share.savesW, of.powerW);
          if (share.action === "pause") assert.ok(of.canPause && share.targetW === 0);
          else assert.ok(of.throttleToW !== undefined && share.targetW >= of.throttleToW);
          savesW += share.savesW;
        }
        assert.ok(savesW + restW >= needW - 1e-3);
        const most = list.reduce((sum, { powerW, throttleToW, canPause }) => {
          const leastW = canPause ? 0 : Math.min(powerW, throttleToW ?? powerW);
          return sum + powerW - leastW;
        }, 0);
        if (restW >= SHARE_MIN_W) assert.ok(savesW >= most - list.length * SHARE_MIN_W);
      }),
    );
  });
});
