/**
 * `node main.ts <site file> <model JSON>`: the meter and the battery of a control loop as Modbus
 * TCP servers, and nothing else in the process. They stand for machines of their own, so this
 * process does not queue for a processor behind what else runs here. A line `steps <JSON>` on
 * standard input lets the load make steps; `answers` then tells on standard output how each was
 * answered.
 */
import { createInterface } from "node:readline";
import { ProfileFiles } from "../../../src/app/profile-files.ts";
import { profileRoots } from "../../../src/app/profile-roots.ts";
import { loadContext, type SiteContext } from "../../../src/app/site-context.ts";
import { SystemClock } from "../../../src/platform/clock.ts";
import { runInRealTime } from "../../../src/platform/scheduling.ts";
import { listenForStop } from "../../../src/platform/stop.ts";
import type { SimulatedDevice } from "../../../src/simulator/device.ts";
import { nextUniform, randomState } from "../../../src/simulator/physics/random.ts";
import { Simulation, type SimulationDevice } from "../../../src/simulator/simulation.ts";
import { CYCLIC_UNIT } from "../bench-site.ts";
import { monotonicNow } from "../mqtt-wire.ts";
import { type LoopModel, LoopPlant, makeSteps, type StepTerms } from "../response-model.ts";

const METER = "pcc-meter";
const SEED = 11;
const NOMINAL_HZ = 50;
const FREQUENCY_NOISE_HZ = 0.01;
const RATING_W = 10_000_000;

const context = await loadContext(process.argv[2] ?? "");
const model = JSON.parse(process.argv[3] ?? "") as LoopModel & { readonly firstW: number };
const stop = listenForStop(process, process.stdin);
const uniform = randomState(SEED);
const random = (): number => nextUniform(uniform);
const plant = new LoopPlant(model, model.firstW, monotonicNow(), random);
const simulation = new Simulation({
  devices: simulated(context),
  plant: undefined,
  clock: new SystemClock(),
  seed: SEED,
  preset: "d30",
});
serveMeter(simulation.device(METER));
serveBattery(simulation.device(CYCLIC_UNIT));
const { finished } = await simulation.start(stop.signal);
createInterface({ input: process.stdin }).on("line", obey);
process.stdout.write(`scheduling ${runInRealTime(process.pid)}\nup\n`);
await finished;
stop.dispose();
process.exit(0);

function simulated({ site, file, devices }: SiteContext): SimulationDevice[] {
  const files = new ProfileFiles(profileRoots(site, file));
  return devices.flatMap(({ connection, config, profile, definition }) => {
    const isOurs = definition.id === METER || definition.id === CYCLIC_UNIT;
    if (!isOurs || connection.protocol !== "modbus-tcp") return [];
    const { host, port = 0 } = connection;
    return {
      id: definition.id,
      profile,
      nominal: files.nominal(config.profile, profile, config.parameters),
      endpoint: { protocol: "modbus-tcp", host, port },
      unitId: config.unit,
    };
  });
}

function obey(line: string): void {
  if (line === "answers") process.stdout.write(`answers ${JSON.stringify(plant.answers())}\n`);
  else if (line.startsWith("steps ")) {
    const terms = JSON.parse(line.slice("steps ".length)) as Omit<StepTerms, "startMs">;
    const steps = makeSteps({ ...terms, startMs: monotonicNow() }, random);
    plant.follow(steps);
    process.stdout.write(`until ${steps.at(-1)?.atMs ?? 0}\n`);
  }
}

/** The registers are written when somebody reads them; all of them are renewed together. */
function serveMeter(device: SimulatedDevice): void {
  const pen = device.pen("active-power");
  const frequency = device.pen("frequency");
  const view = device.view.bind(device);
  let shownW = Number.NaN;
  device.view = (...place) => {
    const powerW = plant.meterW(monotonicNow());
    pen.set(powerW);
    if (powerW !== shownW) frequency.set(NOMINAL_HZ + FREQUENCY_NOISE_HZ * (random() - 0.5));
    shownW = powerW;
    return view(...place);
  };
}

function serveBattery(device: SimulatedDevice): void {
  device.setState("operating-state", "running");
  device.setPoint("discharge-power-limit", RATING_W);
  device.setPoint("charge-power-limit", RATING_W);
  const pen = device.pen("active-power");
  const view = device.view.bind(device);
  device.view = (...place) => {
    pen.set(plant.batteryW(monotonicNow()));
    return view(...place);
  };
  device.listen({
    onWrite: (id, value) => {
      if (id === "active-power-setpoint") plant.write(monotonicNow(), value);
    },
  });
}
