import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { type BenchSite, CYCLIC_UNIT, makeBenchSite } from "./bench-site.ts";

export interface LoopShape {
  /** Control cycle and poll period of meter and battery, ms. */
  readonly periodMs: number;
  /** 100,000 points a second in gateway-field. */
  readonly hasFleet: boolean;
  /** How often the meter has a new reading, ms. */
  readonly meterMs: number;
  /** Steps are answered by smoothing, and not by a peak cap below every load. */
  readonly isSmoothed: boolean;
}

export interface LoopSite extends BenchSite {
  /** The devices that are not part of the loop. */
  readonly fleetFile: string;
}

/** Above it the battery gives what the load takes: the step of the one is the other's. */
export const CAP_W = 30_000_000;
/** The load of a smoothed site stays within these. */
const SMOOTHED_KW = { loadMinKw: 30_000, loadMaxKw: 36_000 };
/** So slow that a step of the load is the battery's for as long as it is looked at. */
const SMOOTHED_RAMP_KW_PER_S = 50;
const METER = "pcc-meter";
const FLEET = { devices: 10, points: 1_000, periodMs: 100, hasControl: true };
/** A meter tells what was `meterMs` ago at most; the rest is the way of the answer. */
const LAG_MARGIN_MS = 10;
const LAG_LEAST_MS = 20;
/** Shortest period of a meter that a site file can tell. */
const LEAST_METER_MS = 5;

type SiteDocument = Readonly<Record<string, unknown>> & {
  readonly devices: readonly (Readonly<Record<string, unknown>> & { readonly id: string })[];
  readonly connections: Readonly<Record<string, object>>;
  readonly control: Readonly<Record<string, unknown>> & { readonly grid: object };
};

/** A bench's site whose loop answers each step: by a peak cap below every load, or by smoothing. */
export async function makeLoopSite(shape: LoopShape): Promise<LoopSite> {
  const { periodMs, hasFleet } = shape;
  const site = await makeBenchSite({ ...FLEET, devices: hasFleet ? FLEET.devices : 0 });
  const document = JSON.parse(await readFile(site.file, "utf8")) as SiteDocument;
  const isInLoop = (id: string): boolean => id === METER || id === CYCLIC_UNIT;
  const devices = document.devices.map((device) =>
    isInLoop(device.id) ? { ...device, pollMs: { fast: periodMs } } : device,
  );
  await writeFile(
    site.file,
    JSON.stringify({ ...document, devices, control: controlOf(document, shape) }),
  );
  const fleetFile = path.join(site.folder, "fleet.yaml");
  const { connections } = document;
  await writeFile(
    fleetFile,
    JSON.stringify({
      ...document,
      connections: Object.fromEntries(Object.entries(connections).filter(([id]) => !isInLoop(id))),
      devices: devices.filter(({ id }) => !isInLoop(id)),
      control: undefined,
      envelope: undefined,
    }),
  );
  return { ...site, fleetFile };
}

function controlOf({ control }: SiteDocument, shape: LoopShape): object {
  const { periodMs, meterMs, isSmoothed } = shape;
  const meterLagMs = Math.max(LAG_LEAST_MS, meterMs + LAG_MARGIN_MS);
  const grid = { ...control.grid, meterLagMs };
  if (!isSmoothed) return { ...control, periodMs, grid: { ...grid, peakCapKw: CAP_W / 1_000 } };
  return {
    ...control,
    periodMs,
    grid: {
      ...grid,
      rampUpKwPerS: SMOOTHED_RAMP_KW_PER_S,
      rampDownKwPerS: SMOOTHED_RAMP_KW_PER_S,
    },
    smoothing: { ...SMOOTHED_KW, meterPeriodMs: Math.max(meterMs, LEAST_METER_MS) },
  };
}
