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
}

export interface LoopSite extends BenchSite {
  /** The devices that are not part of the loop. */
  readonly fleetFile: string;
}

/** Above it the battery gives what the load takes: the step of the one is the other's. */
export const CAP_W = 30_000_000;
const METER = "pcc-meter";
const FLEET = { devices: 10, points: 1_000, periodMs: 100, hasControl: true };
/** A meter tells what was `meterMs` ago at most; the rest is the way of the answer. */
const LAG_MARGIN_MS = 10;
const LAG_LEAST_MS = 20;

type SiteDocument = Readonly<Record<string, unknown>> & {
  readonly devices: readonly (Readonly<Record<string, unknown>> & { readonly id: string })[];
  readonly connections: Readonly<Record<string, object>>;
  readonly control: Readonly<Record<string, unknown>> & { readonly grid: object };
};

/** A bench's site whose loop has a peak cap below every load, so that it answers each step. */
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

function controlOf({ control }: SiteDocument, { periodMs, meterMs }: LoopShape): object {
  const meterLagMs = Math.max(LAG_LEAST_MS, meterMs + LAG_MARGIN_MS);
  return {
    ...control,
    periodMs,
    grid: { ...control.grid, peakCapKw: CAP_W / 1_000, meterLagMs },
  };
}
