import type { DeviceConfig, EnvelopeConfig, SiteConfig } from "../config/schema.ts";

/** Who may drive a device: see the site file's `drive`. */
export type Drive = NonNullable<DeviceConfig["drive"]>;

/** Machines whose own controllers know best: nothing is written to them unless the site says so. */
const OBSERVED_CLASSES: ReadonlySet<string> = new Set(["chiller", "cdu"]);

/** What the site says, else what is usual for the class of equipment. */
export function driveOf(site: SiteConfig, device: DeviceConfig, deviceClass: string): Drive {
  if (device.drive !== undefined) return device.drive;
  const batteries = site.control?.batteries ?? [];
  if (batteries.some(({ units }) => units.includes(device.id))) return "control";
  if (isDrivenForCoolant(site, device.id, deviceClass)) return "control";
  return OBSERVED_CLASSES.has(deviceClass) ? "observe" : "request";
}

/** True where the site's thermal controllers are told to drive it. */
function isDrivenForCoolant({ thermal }: SiteConfig, id: string, deviceClass: string): boolean {
  if (thermal === undefined) return false;
  const own = [...thermal.zones, ...thermal.deliveries].find(({ device }) => device === id);
  if (own === undefined && deviceClass !== "cdu") return false;
  return (own?.mode ?? thermal.mode) === "control";
}

const STRENGTH: readonly Drive[] = ["observe", "request", "control"];

/** The weaker of two. */
export function weaker(one: Drive, other: Drive): Drive {
  return STRENGTH.indexOf(one) <= STRENGTH.indexOf(other) ? one : other;
}

/** The lines of the envelope that count: nothing can write to a device that is only observed. */
export function effectiveEnvelope(
  site: SiteConfig,
  classOf: (device: DeviceConfig) => string,
): readonly EnvelopeConfig[] {
  const observed = new Set(
    site.devices
      .filter((device) => driveOf(site, device, classOf(device)) === "observe")
      .map(({ id }) => id),
  );
  return site.envelope.filter(({ device }) => !observed.has(device));
}
