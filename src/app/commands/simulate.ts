import { createInterface, type Interface } from "node:readline";
import type { Readable } from "node:stream";
import { SystemClock } from "../../platform/clock.ts";
import { LOAD_MODES, type LoadMode } from "../../simulator/physics/plant-model.ts";
import { simulatedSite } from "../plant.ts";
import { loadContext } from "../site-context.ts";
import { type CommandCall, type ExitStatus, textOption } from "../terminal.ts";
import { siteFile } from "./roles.ts";

const PRESETS = ["d30", "d95", "d225", "d300"] as const;
const SNAPSHOT_MS = 1_000;
const SETTLE_S = 5;

/**
 * `simulate`: every device of a site as a real protocol server on the site's own addresses. Takes
 * orders as lines of JSON on standard input, or over the channel of the process that started it:
 * `{"load":"full"}`, `{"device":"ups-1","fault":"silent"}`, `{"trip":"bess-1","cause":"fault"}`.
 * Says `{ready: true}` over that channel when every device is up.
 */
export async function simulate(call: CommandCall): Promise<ExitStatus> {
  const { terminal, signal } = call;
  const preset = PRESETS.find((name) => name === (textOption(call, "preset") ?? "d95"));
  const load = LOAD_MODES.find((mode) => mode === (textOption(call, "load") ?? "full"));
  if (preset === undefined || load === undefined) {
    terminal.err(
      `--preset is one of ${PRESETS.join(", ")}; --load one of ${LOAD_MODES.join(", ")}`,
    );
    return 2;
  }
  const context = await loadContext(siteFile(call));
  const simulation = simulatedSite({ context, clock: new SystemClock(), preset });
  const hasPlant = simulation.snapshot() !== undefined;
  if (hasPlant) {
    simulation.load(load);
    simulation.settle(SETTLE_S);
  }
  const { ports, finished } = await simulation.start(signal);
  for (const [endpoint, port] of ports) terminal.out(`${endpoint} listens on port ${port}`);
  terminal.out(`${context.devices.length} devices are up`);
  process.send?.({ ready: true });
  const obey = async (message: unknown): Promise<void> => {
    const problem = await obeyOrder(simulation, message);
    if (problem !== undefined) terminal.err(problem);
  };
  process.on("message", (message) => void obey(message));
  const orders = ordersOf(process.stdin, (order) => void obey(order));
  if (process.send !== undefined && hasPlant) tellSnapshots(simulation, signal);
  await finished;
  orders.close();
  process.stdin.destroy();
  return 0;
}

/** Every line is one order, however it was cut on its way. */
export function ordersOf(input: Readable, obey: (order: unknown) => void): Interface {
  return createInterface({ input }).on("line", (line) => {
    if (line.trim() !== "") obey(parseLine(line));
  });
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return line;
  }
}

type Running = ReturnType<typeof simulatedSite>;

async function obeyOrder(simulation: Running, message: unknown): Promise<string | undefined> {
  const order = (typeof message === "object" && message !== null ? message : {}) as Readonly<
    Record<string, unknown>
  >;
  const load = LOAD_MODES.find((mode): mode is LoadMode => mode === order["load"]);
  if (load !== undefined) simulation.load(load);
  else if (typeof order["clearCause"] === "string") simulation.clearCause(order["clearCause"]);
  else if (typeof order["trip"] === "string")
    simulation.trip(order["trip"], tripCause(order["cause"]));
  else return simulation.order(message);
  return undefined;
}

function tripCause(cause: unknown): "emergency-stop" | "fault" {
  return cause === "emergency-stop" ? "emergency-stop" : "fault";
}

/** What the plant itself knows, for the picture of the demonstration. */
function tellSnapshots(simulation: Running, signal: AbortSignal): void {
  const timer = setInterval(() => {
    process.send?.({ snapshot: simulation.snapshot() });
  }, SNAPSHOT_MS);
  signal.addEventListener("abort", () => {
    clearInterval(timer);
    if (process.connected) process.disconnect();
  });
}
