import type { ThermalMode } from "../control/thermal/thermal-mode.ts";
import { type Drive, driveOf, weaker } from "./drive.ts";
import type { SiteContext } from "./site-context.ts";

/**
 * What a thermal controller is in force as: it writes only to what it may drive, and to nothing
 * that people at the box keep. To ask for load to go is to write nothing: only its own mode keeps
 * it from that.
 */
export function coolantMode(
  asked: ThermalMode,
  device: { readonly drive: Drive; readonly isLeftAlone: boolean },
): ThermalMode {
  const mayWrite = device.drive === "control" && !device.isLeftAlone;
  return mayWrite ? asked : weaker(asked, "request");
}

/** The same for the devices of a site. */
export function coolantModes(
  { site, deviceById }: Pick<SiteContext, "site" | "deviceById">,
  isLeftAlone: (asset: string) => boolean,
): (asset: string, asked: ThermalMode) => ThermalMode {
  return (asset, asked) => {
    const device = deviceById.get(asset);
    if (device === undefined) return asked;
    const drive = driveOf(site, device.config, device.profile.deviceClass);
    return coolantMode(asked, { drive, isLeftAlone: isLeftAlone(asset) });
  };
}
