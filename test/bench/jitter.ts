import { recordedBetween } from "../../src/platform/histogram.ts";
import type { Started } from "../support/processes.ts";
import { controlIsUp, type ControlTiming, controlTiming } from "./control-timing.ts";
import type { AddFigure } from "./figures.ts";
import type { LoopModel } from "./response-model.ts";
import { makeLoopSite } from "./response-site.ts";
import { nextLine, pause, Rig } from "./rig.ts";
import type { BenchTerms } from "./telemetry.ts";

interface JitterCase {
  readonly name: string;
  readonly periodMs: number;
  /** 100,000 points a second in gateway-field. */
  readonly hasFleet: boolean;
  /** Processes that never wait, one for each core. */
  readonly burners: number;
}

const CORES = 2;
const CASES: readonly JitterCase[] = [50, 20].flatMap((periodMs) => [
  { name: `idle-${periodMs}ms`, periodMs, hasFleet: false, burners: 0 },
  { name: `busy-${periodMs}ms`, periodMs, hasFleet: true, burners: 0 },
  { name: `saturated-${periodMs}ms`, periodMs, hasFleet: true, burners: CORES },
]);
export const JITTER_SECONDS = 300;
const FLOOR_SECONDS = 20;
const WARM_UP_MS = 12_000;
/** A burner ends by itself this long after everything should be over. */
const BURNER_SPARE_S = 60;
const MUST_MS = 5;
const AIM_MS = 1;
const WORST_MUST_MS = 10;
const INSTANT_MS = 1;
const STILL: LoopModel & { readonly firstW: number } = {
  meterMs: INSTANT_MS,
  meterPhaseMs: 0,
  meterDrift: 0,
  deadMs: 5,
  tauMs: 10,
  noiseW: 500,
  firstW: 30_500_000,
};

interface Lateness {
  readonly cycles: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** How late gateway-control begins its cycles, beside a timer that does nothing else. */
export async function jitterBench(terms: BenchTerms): Promise<void> {
  for (const each of CASES) if (each.name.startsWith(terms.only)) await runCase(each, terms);
}

async function runCase(each: JitterCase, terms: BenchTerms): Promise<void> {
  const { sink, windowS, profileFolder } = terms;
  const { periodMs, hasFleet, burners } = each;
  sink.say(`jitter ${each.name}: gateway ${windowS} s, then a bare timer ${FLOOR_SECONDS} s`);
  // With smoothing: its refits run beside the cycle.
  const site = await makeLoopSite({ periodMs, hasFleet, meterMs: INSTANT_MS, isSmoothed: true });
  const rig = new Rig({ site, profileFolder });
  try {
    await rig.broker();
    if (hasFleet) await rig.plant(site.fleetFile);
    await rig.loopPlant(site.file, STILL);
    const gateway = rig.gateway();
    await controlIsUp(site);
    await pause(WARM_UP_MS);
    const burning: Started[] = [];
    for (let count = 0; count < burners; count += 1)
      burning.push(await rig.burner(windowS + FLOOR_SECONDS + BURNER_SPARE_S));
    const before = await controlTiming(site);
    await pause(windowS * 1_000);
    const after = await controlTiming(site);
    const control = gateway.get("control");
    // Control ends first, so that two real-time timers do not wait for each other.
    if (control !== undefined) await rig.end([control]);
    const floor = await measureFloor(rig, periodMs);
    await rig.end(burning);
    tell({ before, after, floor }, sink.forCase(each.name));
  } finally {
    await rig.close();
  }
}

async function measureFloor(rig: Rig, periodMs: number): Promise<Lateness> {
  const timer = await rig.bareTimer(periodMs);
  await pause(1_000);
  timer.child.stdin?.write("mark\n");
  await pause(FLOOR_SECONDS * 1_000);
  const told = nextLine(timer, "lateness ");
  timer.child.stdin?.write("tell\n");
  const lateness = JSON.parse(await told) as Lateness;
  await rig.end([timer]);
  return lateness;
}

function tell(
  {
    before,
    after,
    floor,
  }: {
    readonly before: ControlTiming;
    readonly after: ControlTiming;
    readonly floor: Lateness;
  },
  add: AddFigure,
): void {
  const { count, percentileMs } = recordedBetween(before.latenessCounts, after.latenessCounts);
  add("cycles", count, "cycles");
  add("overruns", after.overruns - before.overruns, "cycles");
  const stolen = after.overrunsStolen - before.overrunsStolen;
  add("overruns by the host that kept the processors", stolen, "cycles");
  add("overruns of all cycles", (after.overruns - before.overruns) / count, "1", { must: 1e-4 });
  add("lateness p50", percentileMs(0.5), "ms", { floor: floor.p50 });
  add("lateness p99", percentileMs(0.99), "ms", { floor: floor.p99, must: MUST_MS, aim: AIM_MS });
  add("lateness p99.9", percentileMs(0.999), "ms", { floor: floor.p999, must: WORST_MUST_MS });
  add("lateness max", percentileMs(1), "ms", { floor: floor.max });
  for (const { device, leadMs, rounds, late } of after.reads) {
    const was = before.reads.find((read) => read.device === device);
    add(`${device} reads begin before the cycle`, leadMs, "ms");
    add(
      `${device} rounds that missed the cycle`,
      (100 * (late - (was?.late ?? 0))) / (rounds - (was?.rounds ?? 0)),
      "%",
    );
  }
}
