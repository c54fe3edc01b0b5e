import { SystemClock } from "../../src/platform/clock.ts";
import { askOnce } from "../../src/app/queries.ts";
import type { SiteRun } from "../integration/site-run.ts";

/** What control says of itself on the box, as `status --json` shows it. */
export interface ControlSight {
  readonly source: "meter" | "feeders" | "none";
  readonly gridW?: number;
  readonly totalW: number;
  readonly bindingLevel: string;
  readonly peakNeedW: number;
  readonly units: readonly {
    readonly asset: string;
    readonly mode: string;
    readonly setpointW?: number;
    readonly powerW?: number;
  }[];
  readonly leases: readonly { readonly commandId: string; readonly partW: number }[];
  readonly trips: readonly { readonly id: string; readonly isFirstOut: boolean }[];
}

export interface ServicesSight {
  readonly state: string;
  readonly quality: { readonly good: number; readonly bad: number };
  readonly publisher: { readonly connected: boolean; readonly sent: number };
  readonly gate: {
    readonly offered: number;
    readonly overflowed: number;
    readonly oversize: number;
    readonly refused: number;
  };
  readonly store: { readonly waitingRows: number; readonly lostRowsByClass: readonly number[] };
}

const clock = new SystemClock();

/** Asks control over its own socket; fails when it is not there. */
export async function controlSight(run: SiteRun): Promise<ControlSight> {
  const { runtimeDirectory } = run;
  const purpose = "control/local" as const;
  const answer = await askOnce({ runtimeDirectory, purpose, clock }, "status", {});
  return (answer as { readonly control: ControlSight }).control;
}

export async function servicesSight(run: SiteRun): Promise<ServicesSight> {
  const { runtimeDirectory } = run;
  const purpose = "services/queries" as const;
  return (await askOnce({ runtimeDirectory, purpose, clock }, "status", {})) as ServicesSight;
}

/** The same as `undefined` while nobody answers. */
export async function ifThere<T>(sight: Promise<T>): Promise<T | undefined> {
  return sight.catch(() => undefined);
}
