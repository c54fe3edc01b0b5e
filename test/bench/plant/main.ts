/**
 * `node main.ts <site file>`: every device of a bench's site in one process. A fleet device stamps
 * its first point when it is read, so that a subscriber can tell how long the way was; a write of a
 * battery's setpoint is told on standard output with its moment.
 */
import { profileRoots } from "../../../src/app/profile-roots.ts";
import { loadContext, type SiteContext } from "../../../src/app/site-context.ts";
import { ProfileFiles } from "../../../src/app/profile-files.ts";
import { SystemClock } from "../../../src/platform/clock.ts";
import { listenForStop } from "../../../src/platform/stop.ts";
import type { SimulatedDevice } from "../../../src/simulator/device.ts";
import { FLEET_FIRST_ADDRESS, FLEET_TICKS_PER_S } from "../../../src/simulator/fleet-values.ts";
import { DEMO_PLANT } from "../../../src/simulator/plant.ts";
import { Simulation, type SimulationDevice } from "../../../src/simulator/simulation.ts";
import { monotonicNow } from "../mqtt-wire.ts";

const SETPOINT = "active-power-setpoint";
const SETTLE_S = 5;
const SEED = 7;
const MOVE_MS = 100;
const REGISTER_WRAP = 2 ** 16;

const context = await loadContext(process.argv[2] ?? "");
const stop = listenForStop(process, process.stdin);
const hasPlant = context.site.control !== undefined;
const simulation = new Simulation({
  devices: simulated(context),
  plant: hasPlant ? { ...DEMO_PLANT, meters: new Map([["pcc-meter", "grid"]]) } : undefined,
  clock: new SystemClock(),
  seed: SEED,
  preset: "d30",
});
if (hasPlant) simulation.settle(SETTLE_S);
const fleet: SimulatedDevice[] = [];
for (const { definition } of context.devices) {
  const device = simulation.device(definition.id);
  if (isFleet(definition.id)) fleet.push(device);
  else if (device.has(SETPOINT)) tellWrites(device);
}
const moving = setInterval(moverOf(fleet), MOVE_MS);
for (const device of fleet) stampWhenRead(device);
const { finished } = await simulation.start(stop.signal);
process.stdout.write("up\n");
await finished;
clearInterval(moving);
stop.dispose();

function simulated({ site, file, devices }: SiteContext): SimulationDevice[] {
  const files = new ProfileFiles(profileRoots(site, file));
  return devices.flatMap((device) => {
    const { connection, config, profile, definition } = device;
    if (connection.protocol !== "modbus-tcp") return [];
    const { host, port = 0 } = connection;
    const isSynthetic = isFleet(definition.id);
    return {
      id: definition.id,
      profile,
      nominal: isSynthetic ? [] : files.nominal(config.profile, profile, config.parameters),
      endpoint: { protocol: "modbus-tcp", host, port },
      unitId: config.unit,
    };
  });
}

function isFleet(id: string): boolean {
  return id.startsWith("fleet-");
}

/** Makes every value of the fleet a counter. */
function moverOf(devices: readonly SimulatedDevice[]): () => void {
  const views = devices.flatMap((device) => {
    const { units, profile } = device;
    const bytes = device.view(units[0] ?? 0, "holding", FLEET_FIRST_ADDRESS, profile.points.length);
    return bytes === undefined ? [] : [new DataView(bytes.buffer, bytes.byteOffset, bytes.length)];
  });
  let moves = 0;
  return () => {
    moves += 1;
    for (const view of views)
      for (let at = 2; at < view.byteLength; at += 2)
        view.setUint16(at, (moves + at / 2) % REGISTER_WRAP);
  };
}

/** The first request of a round reads the stamp: its age holds the rest of the round as well. */
function stampWhenRead(device: SimulatedDevice): void {
  const view = device.view.bind(device);
  device.view = (unit, table, address, count) => {
    const bytes = view(unit, table, address, count);
    if (bytes !== undefined && address === FLEET_FIRST_ADDRESS)
      new DataView(bytes.buffer, bytes.byteOffset).setUint16(
        0,
        Math.floor((monotonicNow() * FLEET_TICKS_PER_S) / 1_000) % REGISTER_WRAP,
      );
    return bytes;
  };
}

function tellWrites(device: SimulatedDevice): void {
  const write = device.write.bind(device);
  device.write = (unit, place, values) => {
    const answer = write(unit, place, values);
    const line = { device: device.id, value: device.readPoint(SETPOINT), atMs: monotonicNow() };
    process.stdout.write(`${JSON.stringify(line)}\n`);
    return answer;
  };
}
