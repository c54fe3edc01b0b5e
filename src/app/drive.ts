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
  return OBSERVED_CLASSES.has(deviceClass) ? "observe" : "request";
}

/** The lines of the envelope that count: a device that is only observed has no way to be written. */
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
