import type { ControlConfig } from "../config/schema.ts";
import type { FrequencyConfig } from "../config/schema-levels.ts";
import type { FrequencySettings } from "../control/frequency-response.ts";
import { droopShape } from "../control/frequency-shape.ts";
import type { SmoothingSettings } from "../control/smoothing/settings.ts";

/** Around the nominal frequency a grid runs inside these, Hz. */
const RUNS_WITHIN_HZ = 5;
/** Faster than any grid whose machines still run together, Hz/s. */
const FASTEST_HZ_PER_S = 5;
const NOISE_HZ = 0.02;
const CONFIRM_MS = 150;
const FILTER_MS = 60;
/** Standards ask for all of it within a second of the deviation: the converters need some of it. */
const FULL_IN_MS = 400;
const HOLD_MS = 1_000;
const RESTORE_S = 7_200;
const W_PER_KW = 1_000;
const HZ_PER_MHZ = 1e-3;
const S_PER_MIN = 60;

/** Of the batteries, as smoothing counts with them: there is no duty without it. */
type Efficiencies = Pick<SmoothingSettings, "dischargeEfficiency" | "chargeEfficiency">;

/** What is promised for the grid's frequency, from the site file. */
export function frequencySettings(
  { grid }: Pick<ControlConfig, "grid">,
  config: FrequencyConfig,
  { dischargeEfficiency, chargeEfficiency }: Efficiencies,
): FrequencySettings {
  const { powerKw, direction, nominalHz } = config;
  const powerW = powerKw * W_PER_KW;
  return {
    reading: {
      nominalHz,
      lowHz: nominalHz - RUNS_WITHIN_HZ,
      highHz: nominalHz + RUNS_WITHIN_HZ,
      maxRateHzPerS: FASTEST_HZ_PER_S,
      noiseHz: NOISE_HZ,
      confirmMs: CONFIRM_MS,
      filterMs: FILTER_MS,
    },
    shape: droopShape({
      deadBandHz: config.deadBandMhz * HZ_PER_MHZ,
      fullAtHz: config.fullAtMhz * HZ_PER_MHZ,
      direction,
    }),
    dischargeW: direction === "high" ? 0 : powerW,
    chargeW: direction === "low" ? 0 : powerW,
    fullInMs: FULL_IN_MS,
    holdMs: HOLD_MS,
    releaseWPerS: Math.min(grid.rampUpKwPerS, grid.rampDownKwPerS) * W_PER_KW,
    sustainS: config.sustainMinutes * S_PER_MIN,
    restoreS: RESTORE_S,
    dischargeEfficiency,
    chargeEfficiency,
  };
}
