import { strict as assert } from "node:assert";
import { readFileSync, statSync } from "node:fs";
import { COMMANDS } from "../../src/app/commands/table.ts";
import { controlPlan } from "../../src/app/control-settings.ts";
import { simulatedSite } from "../../src/app/plant.ts";
import { contextOf } from "../../src/app/site-context.ts";
import { parseSite } from "../../src/config/load.ts";
import { parseYaml } from "../../src/config/yaml-text.ts";
import { FAULT_KINDS } from "../../src/simulator/faults.ts";
import { STATION_FAULT_KINDS } from "../../src/simulator/iec61850/fault-order.ts";
import { ORDER_NAMES, parseOrder } from "../../src/simulator/orders.ts";
import { LOAD_MODES } from "../../src/simulator/physics/plant-model.ts";
import { TRACE_NAMES } from "../../src/simulator/physics/traces.ts";
import { parsePlantFile, type PlantFile } from "../../src/simulator/plant-file.ts";
import { SCENES } from "../../src/simulator/scenes.ts";
import { SimClock } from "../support/sim-clock.ts";

const PAGE = readFileSync("docs/simulate.md", "utf8");
const [SITE = "", PLANT = ""] = [...PAGE.matchAll(/^```yaml\n(.*?)^```$/gms)].map(
  ([, text = ""]) => text,
);

function plantOfPage(): PlantFile {
  const yaml = parseYaml(PLANT);
  assert.ok("content" in yaml);
  const plant = parsePlantFile(yaml.content);
  assert.ok(!("problems" in plant), JSON.stringify(plant));
  return plant;
}

describe("docs/simulate.md", () => {
  it("has a site file and a plant file that move a plant", async () => {
    const parsed = parseSite(SITE);
    assert.ok("site" in parsed, JSON.stringify(parsed));
    const context = contextOf(parsed.site, "site.yaml");
    assert.doesNotThrow(() => controlPlan(context));
    assert.equal(context.devices.length, 5);
    const plant = plantOfPage();
    const simulation = simulatedSite({
      context,
      clock: new SimClock(),
      preset: "d95",
      hasPorts: false,
      ratings: plant.ratings,
    });
    const { load = "full", ...surroundings } = plant.start;
    simulation.begin(load, surroundings);
    simulation.settle(5);
    const gridW = simulation.snapshot()?.gridW ?? NaN;
    assert.ok(gridW > 6e6 && gridW < 8.5e6, `the grid gives ${gridW} W`);
    assert.ok(plant.orders.length > 0);
    for (const { order } of plant.orders) assert.equal(await simulation.order(order), undefined);
  });

  it("names every order, fault, load, trace and scene", () => {
    for (const name of ORDER_NAMES) assert.ok(PAGE.includes(`| \`{"${name}":`), name);
    const stationFaults = STATION_FAULT_KINDS.filter((kind) => kind !== "frozen");
    for (const name of [...FAULT_KINDS, ...stationFaults, ...LOAD_MODES, ...TRACE_NAMES]) {
      assert.ok(PAGE.includes(`\`${name}\``), name);
    }
    for (const { number, title } of SCENES) {
      assert.ok(PAGE.includes(`| ${number} | ${title} |`), title);
    }
  });

  it("shows orders that are understood", () => {
    const shown = [...PAGE.matchAll(/^\| `(\{.*?\})` \|/gm)].map(([, text = ""]) => text);
    assert.equal(shown.length, ORDER_NAMES.length);
    for (const text of shown) assert.ok(!("problem" in parseOrder(JSON.parse(text))), text);
  });
});

/** Lines to type in the fenced blocks of a page: what stands behind the name of the program. */
function typedIn(page: string): readonly string[] {
  return [...page.matchAll(/^```\n(.*?)^```$/gms)]
    .flatMap(([, block = ""]) => block.split("\n"))
    .flatMap((line) => [...line.matchAll(/(?:^|\| )(\S*dcpi-gateway) (?!demo +hall)(.*)$/g)])
    .map(([, program = "", rest = ""]) => {
      assert.equal(program, "./dcpi-gateway", `one form everywhere: ${rest}`);
      return rest.replace(/ [#>].*$/, "").trim();
    });
}

describe("commands in the README and in docs/simulate.md", () => {
  const pages = { "README.md": readFileSync("README.md", "utf8"), "docs/simulate.md": PAGE };

  it("are given in the form that works in a clone", () => {
    const counts = Object.values(pages).map((page) => typedIn(page).length);
    assert.deepEqual(counts, [4, 8]);
    for (const page of Object.values(pages)) assert.ok(!page.includes("npx "), "needs a build");
    assert.notEqual(statSync("dcpi-gateway").mode & 0o111, 0, "it can be executed");
  });

  it("exist, with these options", () => {
    for (const line of Object.values(pages).flatMap(typedIn)) {
      const command = COMMANDS.find(({ words }) => `${line} `.startsWith(`${words} `));
      assert.ok(command !== undefined, line);
      for (const [, option = ""] of line.matchAll(/--([a-z-]+)/g)) {
        assert.ok(option === "json" || option in command.options, `${line}: --${option}`);
      }
    }
  });
});
