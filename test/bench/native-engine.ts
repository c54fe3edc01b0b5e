import { EngineChoice } from "../../src/drivers/iec61850/native-engine.ts";
import { TimerWheel } from "../../src/drivers/wheel.ts";
import { SystemClock } from "../../src/platform/clock.ts";
import { findLibrary } from "../interop/pyiec61850.ts";
import type { BenchEngine } from "./iec61850.ts";

/** libiec61850, where its wheel is installed; else it is said that it is not. */
export function nativeEngines(): readonly BenchEngine[] {
  const library = findLibrary();
  if (library === undefined) {
    process.stderr.write("iec61850: no libiec61850 here (LIBIEC61850_PYTHON); ours alone\n");
    return [];
  }
  const clock = new SystemClock();
  const choice = new EngineChoice({ clock, wheel: new TimerWheel(clock), random: Math.random });
  return [{ name: "libiec61850", make: () => choice.engineFor({ library }) }];
}
