import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
import type { DemoState } from "../../../src/app/demo/demo-state.ts";
import { widthOf } from "../../../src/app/demo/ink.ts";
import { FIRST_KEYS, type KeyState } from "../../../src/app/demo/keys.ts";
import { largeScreen } from "../../../src/app/demo/large-screen.ts";
import { screenOf } from "../../../src/app/demo/panels.ts";
import { noteOf } from "../../../src/app/demo/site-detail.ts";
import { smallScreen } from "../../../src/app/demo/small-screen.ts";
import { PICTURE_MS } from "../../../src/app/demo/view.ts";

const recorded = JSON.parse(
  readFileSync(new URL("readme-state.json", import.meta.url), "utf8"),
) as DemoState;
const readme = readFileSync(new URL("../../../README.md", import.meta.url), "utf8");

function changed(change: {
  readonly plant?: Partial<DemoState["plant"]>;
  readonly detail?: Partial<DemoState["detail"]>;
  readonly rest?: Partial<DemoState>;
}): DemoState {
  return {
    ...recorded,
    ...change.rest,
    plant: { ...recorded.plant, ...change.plant },
    detail: { ...recorded.detail, ...change.detail },
  };
}

const NO_ANSWER = { text: "no-communication 3 s", isBad: true };

/** The grid meter is lost, ups-3 too, and a pump of cdu-3 stands. */
const WRONG = changed({
  plant: {
    power_w: { ...recorded.plant.power_w, grid: null },
    quality: { good: 480, uncertain: 0, bad: 27 },
    ups: recorded.plant.ups.map((unit) =>
      unit.id === "ups-3"
        ? { ...unit, state: null, w: null, load_pct: null, runtime_s: null }
        : unit,
    ),
  },
  detail: {
    cdu: recorded.detail.cdu.map((unit) =>
      unit.id === "cdu-3" ? { ...unit, pumpFlows: [900, 0, 900, 900] } : unit,
    ),
    notes: { "pcc-meter/active-power": NO_ANSWER, "ups-3/active-power": NO_ANSWER },
  },
});

describe("pictures of the demonstration", () => {
  it("stand in the README as the recorded state makes them (npm run snapshot renews it)", () => {
    const picture = smallScreen(recorded, false).join("\n");
    assert.ok(readme.includes(`\`\`\`\n${picture}\n\`\`\``), `README.md lacks:\n${picture}`);
  });

  it("have exactly the rows of their terminal and never more than its columns", () => {
    for (const state of [recorded, WRONG])
      for (const hasColour of [false, true])
        for (const [lines, columns, rows] of [
          [smallScreen(state, hasColour), 80, 24],
          [smallScreen(state, hasColour, 30), 80, 30],
          [largeScreen(state, hasColour), 120, 40],
          [largeScreen(state, hasColour, 50), 120, 50],
        ] as const) {
          assert.equal(lines.length, rows);
          for (const line of lines) assert.ok(widthOf(line) <= columns, line);
        }
  });

  it("show a dash with its reason for a bad value, and no last number", () => {
    const [, , , grid] = smallScreen(WRONG, false);
    assert.match(grid ?? "", /^ grid import +— no-communicat… [ ▁-█]+$/);
    const text = smallScreen(WRONG, false).join("\n");
    assert.match(text, /DEGRADED/);
    assert.match(text, / 3 — no-communication 3 s/);
    assert.match(text, /3 PUMP 2 NO FLOW {2}4 ok/);
    const large = largeScreen(WRONG, false).join("\n");
    assert.match(large, /3\/4 STOP/);
    assert.match(large, /3 — no-communicati…/);
  });

  it("say without colour all that they say with it", () => {
    for (const screen of [smallScreen, largeScreen]) {
      const plain = screen(WRONG, false).join("\n");
      const painted = screen(WRONG, true).join("\n");
      assert.equal(plain.includes("\u001b"), false);
      assert.ok(painted.includes("\u001b[31m"));
      assert.equal(painted.replaceAll(/\u001b\[[0-9;]*m/g, ""), plain);
    }
  });

  it("keep the width of their numbers while the battery turns from giving to taking", () => {
    const columns = [12.3e6, -9.99e6, 0].map((bess) => {
      const state = changed({ plant: { power_w: { ...recorded.plant.power_w, bess } } });
      return smallScreen(state, false)[4]?.indexOf("load");
    });
    assert.deepEqual(columns, [38, 38, 38]);
  });

  it("do not come in step with a load that swings once a second", () => {
    const phases = new Set(Array.from({ length: 10 }, (_, at) => (at * PICTURE_MS) % 1_000));
    assert.equal(phases.size, 10);
  });
});

describe("panels of the demonstration", () => {
  const points = [
    { id: "bess-1/active-power", value: 1, quality: "good", ageMs: 20, sourceTime: 0, unit: "W" },
    { id: "ups-3/x", value: null, quality: "bad/no-communication", ageMs: 5, sourceTime: 7_000 },
  ];
  const panel = (keys: Partial<KeyState>, size = { columns: 80, rows: 24 }): string[] =>
    screenOf({
      state: recorded,
      keys: { ...FIRST_KEYS, ...keys },
      points,
      devices: Array.from({ length: 28 }, (_, at) => `device-${at}`),
      nowMs: 1_000,
      utcMs: 10_000,
      hasColour: false,
      size,
    });

  it("take the larger picture where there is room, and fill whatever terminal there is", () => {
    assert.deepEqual(panel({}, { columns: 120, rows: 40 }), largeScreen(recorded, false));
    assert.deepEqual(panel({}, { columns: 119, rows: 40 }), smallScreen(recorded, false, 40));
    for (const name of ["points", "why", "devices", "faults", "reset", "help"] as const)
      assert.equal(panel({ panel: name }).length, 24, name);
  });

  it("list points with quality and age, narrowed by the filter", () => {
    assert.match(
      panel({ panel: "points" }).join("\n"),
      /ups-3\/x +— +5 ms {2}no-communication 3 s$/m,
    );
    const some = panel({ panel: "points", filter: "bess" }).join("\n");
    assert.match(some, /POINTS {2}1 of 2 {3}\/bess/);
    assert.equal(some.includes("ups-3"), false);
  });

  it("keep the chosen line of a long menu in sight", () => {
    assert.ok(panel({ panel: "devices", line: 27 }).some((line) => line === " > device-27"));
    assert.ok(panel({ panel: "devices", line: 0 }).some((line) => line === " > device-0"));
  });

  it("warn before an emergency stop", () => {
    assert.match(panel({ estopAt: 900 }).at(-1) ?? "", /press e once more/);
    assert.equal((panel({}).at(-1) ?? "").includes("once more"), false);
  });

  it("say why a value is not good since it was last good", () => {
    assert.deepEqual(noteOf(points[1], 10_000), NO_ANSWER);
    assert.equal(noteOf(points[0], 10_000), undefined);
    assert.equal(noteOf(undefined, 0)?.isBad, true);
  });
});
