/**
 * What a controller may do with an asset. `observe`: it computes and tells what it would do, and
 * writes nothing; so are chillers and coolant units unless the site file says otherwise. `request`:
 * it asks for load to be shed as well. `control`: it writes setpoints, too.
 */
export type ThermalMode = "observe" | "request" | "control";

export const THERMAL_MODES: readonly ThermalMode[] = ["observe", "request", "control"];
