import type { GridPlan } from "./plan.ts";

/**
 * The least that the batteries must give so that the grid stays below its cap, W; negative where
 * they may still charge; −Infinity without a cap.
 */
export function peakFloor(grid: GridPlan, loadW: number): number {
  return grid.peakCapW === undefined ? -Infinity : loadW - grid.peakCapW;
}

/** The powers of the batteries that keep the connection inside its import and export limits, W. */
export function connectionRange(
  grid: GridPlan,
  load: { readonly leastW: number; readonly mostW: number },
): { readonly lowW: number; readonly highW: number } {
  return { lowW: load.leastW - grid.importLimitW, highW: load.mostW + grid.exportLimitW };
}
