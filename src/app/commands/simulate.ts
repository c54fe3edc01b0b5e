import { readFile } from "node:fs/promises";
import { isModbus } from "../../config/connection-port.ts";
import { problemLine } from "../../config/problem.ts";
import { parseYaml } from "../../config/yaml-text.ts";
import { SystemClock } from "../../platform/clock.ts";
import { LOAD_MODES, type LoadMode } from "../../simulator/physics/plant-model.ts";
import { parsePlantFile, type PlantFile } from "../../simulator/plant-file.ts";
import { PlantWatch } from "../../simulator/plant-watch.ts";
import { isSiteOrder } from "../../simulator/scenes.ts";
import type { SceneEvent, Simulation } from "../../simulator/simulation.ts";
import { simulatedSite } from "../plant.ts";
import { loadContext, type SiteContext } from "../site-context.ts";
import {
  type CommandCall,
  type ExitStatus,
  numberOption,
  type Terminal,
  textOption,
} from "../terminal.ts";
import { ordersOf } from "./order-lines.ts";
import { siteFile } from "./roles.ts";
import { orderLine, sceneLine } from "./scene-line.ts";
import { keyHelp, SimulateKeys } from "./simulate-keys.ts";
import { simulateScl } from "./simulate-scl.ts";

const PRESETS = ["d30", "d95", "d225", "d300"] as const;
const SNAPSHOT_MS = 1_000;
const SETTLE_S = 5;
const EMPTY_PLANT: PlantFile = { start: {}, ratings: {}, orders: [] };

interface SimulateTerms {
  readonly preset: (typeof PRESETS)[number];
  readonly load: LoadMode | undefined;
  readonly seed: number | undefined;
  readonly scene: number | undefined;
  readonly plant: PlantFile;
}

/**
 * `simulate`: every device of a site as a real protocol server on the site's own addresses; with
 * `--scl` an IED of that file instead, see `simulateScl`. Takes orders as lines of JSON on standard
 * input, or over the channel of the process that started it: `{"load":"full"}`,
 * `{"device":"ups-1","fault":"silent"}`, `{"trip":"bess-1","cause":"fault"}`; a person at a
 * terminal presses keys. Says `{ready: true}` over that channel when every device is up, then a
 * snapshot of the plant each second, and what a scene asks of whoever plays it.
 */
export async function simulate(call: CommandCall): Promise<ExitStatus> {
  const { terminal, signal } = call;
  const scl = textOption(call, "scl");
  if (scl !== undefined) return simulateScl(call, scl);
  const terms = await termsOf(call);
  if (typeof terms === "string") {
    terminal.err(terms);
    return 2;
  }
  const context = await loadContext(siteFile(call));
  const { preset, seed, plant } = terms;
  const simulation = simulatedSite({
    context,
    clock: new SystemClock(),
    preset,
    ratings: plant.ratings,
    ...(seed === undefined ? {} : { seed }),
    tell: (event) => {
      tellScene(event, simulation, terminal);
    },
  });
  const hasPlant = simulation.snapshot() !== undefined;
  if (!hasPlant && (textOption(call, "plant") ?? textOption(call, "scene")) !== undefined) {
    terminal.err("this site has no device that a plant moves: --plant and --scene have no use");
    return 2;
  }
  if (hasPlant) beginPlant(simulation, terms);
  const { ports, finished } = await simulation.start(signal);
  for (const [endpoint, port] of ports) terminal.out(`${endpoint} listens on port ${port}`);
  terminal.out(`${context.devices.length} devices are up`);
  process.send?.({ ready: true });
  const obey = async (order: unknown): Promise<void> => {
    const problem = await simulation.order(order);
    if (problem !== undefined) terminal.err(problem);
    else terminal.out(orderLine(order, simulation.snapshot()?.timeS ?? 0));
  };
  if (terms.scene !== undefined) await obey({ scene: terms.scene });
  process.on("message", (message) => void obey(message));
  const orders = takeOrders(context, terminal, obey);
  if (hasPlant) watchPlant(simulation, terminal, signal);
  await finished;
  orders.close();
  process.stdin.destroy();
  return 0;
}

async function termsOf(call: CommandCall): Promise<SimulateTerms | string> {
  const preset = PRESETS.find((name) => name === (textOption(call, "preset") ?? "d95"));
  if (preset === undefined) return `--preset is one of ${PRESETS.join(", ")}`;
  const load = LOAD_MODES.find((mode) => mode === textOption(call, "load"));
  if (load === undefined && textOption(call, "load") !== undefined) {
    return `--load is one of ${LOAD_MODES.join(", ")}`;
  }
  const plant = await plantFile(textOption(call, "plant"));
  if (typeof plant === "string") return plant;
  const seed = numberOption(call, "seed");
  return { preset, load, seed, scene: numberOption(call, "scene"), plant };
}

/** The plant file, or everything that is wrong with it, a sentence a line. */
async function plantFile(file: string | undefined): Promise<PlantFile | string> {
  if (file === undefined) return EMPTY_PLANT;
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    return `${file}: ${(error as Error).message}`;
  }
  const yaml = parseYaml(text);
  if ("problem" in yaml) return problemLine(file, yaml.problem);
  const parsed = parsePlantFile(yaml.content);
  if (!("problems" in parsed)) return parsed;
  return parsed.problems.map((problem) => `${file}: ${problem}`).join("\n");
}

function beginPlant(simulation: Simulation, { load, plant }: SimulateTerms): void {
  const { load: startLoad = "full", ...surroundings } = plant.start;
  simulation.begin(load ?? startLoad, surroundings);
  simulation.settle(SETTLE_S);
  simulation.schedule(plant.orders);
}

/** Keys from a person, lines from everybody else. */
function takeOrders(
  context: SiteContext,
  terminal: Terminal,
  obey: (order: unknown) => Promise<void>,
): { readonly close: () => void } {
  if (!process.stdin.isTTY) return ordersOf(process.stdin, (order) => void obey(order));
  const keys = new SimulateKeys(
    context.devices
      .filter(({ connection }) => isModbus(connection))
      .map(({ definition, profile }) => ({
        id: definition.id,
        deviceClass: profile.deviceClass,
      })),
  );
  terminal.out(keyHelp());
  process.stdin.setRawMode(true);
  process.stdin.on("data", (bytes: Buffer) => {
    for (const key of bytes.toString("utf8")) {
      const pressed = keys.press(key);
      if (pressed === "help") terminal.out(keyHelp());
      else if (pressed === "quit") process.kill(process.pid, "SIGINT");
      else for (const order of pressed) void obey(order);
    }
  });
  return { close: () => process.stdin.setRawMode(false) };
}

function tellScene(event: SceneEvent, simulation: Simulation, terminal: Terminal): void {
  const timeS = simulation.snapshot()?.timeS ?? 0;
  terminal.out(sceneLine(event, timeS));
  // Brokers, stop chains and commands are not the plant's: who started it has to do that.
  if (event.kind === "step" && isSiteOrder(event.step.order)) {
    process.send?.({ siteOrder: event.step.order });
  }
}

/** What the plant itself knows, for the picture of the demonstration; changes for people. */
function watchPlant(simulation: Simulation, terminal: Terminal, signal: AbortSignal): void {
  const watch = new PlantWatch();
  const timer = setInterval(() => {
    const snapshot = simulation.snapshot();
    if (snapshot === undefined) return;
    for (const line of watch.changes(snapshot)) terminal.out(line);
    process.send?.({ snapshot });
  }, SNAPSHOT_MS);
  signal.addEventListener("abort", () => {
    clearInterval(timer);
    if (process.connected) process.disconnect();
  });
}
