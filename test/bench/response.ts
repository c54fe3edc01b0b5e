import { cpuSeconds, type Started } from "../support/processes.ts";
import { controlIsUp, type ControlTiming, controlTiming } from "./control-timing.ts";
import { type AddFigure, type Bounds, quantilesOf } from "./figures.ts";
import { monotonicNow } from "./mqtt-wire.ts";
import type { Answer, LoopModel, StepTerms } from "./response-model.ts";
import { CAP_W, type LoopShape, type LoopSite, makeLoopSite } from "./response-site.ts";
import { nextLine, pause, Rig } from "./rig.ts";
import type { BenchTerms } from "./telemetry.ts";

interface ResponseCase extends LoopShape {
  readonly name: string;
  /** p99 from the step to the write, ms. */
  readonly aim: number | undefined;
}

/** p99 from the step to the write, ms: what the standard asks, and what we must do. */
const STANDARD_MS = 250;
const MUST_MS = 120;
const AIM_50_MS = 60;
const AIM_20_MS = 30;
/** Its readings are as good as new ones. */
const INSTANT_MS = 1;

const ALONE = { hasFleet: false, meterMs: INSTANT_MS, isSmoothed: false } as const;
const BUSY = { ...ALONE, hasFleet: true } as const;
const SMOOTHED = { ...ALONE, isSmoothed: true } as const;

const CASES: readonly ResponseCase[] = [
  { name: "alone-50ms", periodMs: 50, ...ALONE, aim: AIM_50_MS },
  { name: "alone-20ms", periodMs: 20, ...ALONE, aim: AIM_20_MS },
  { name: "busy-50ms", periodMs: 50, ...BUSY, aim: AIM_50_MS },
  { name: "busy-20ms", periodMs: 20, ...BUSY, aim: AIM_20_MS },
  // A reading that is up to a period old before anybody can read it.
  { name: "slow-meter-50ms", periodMs: 50, ...ALONE, meterMs: 50, aim: undefined },
  { name: "smoothed-50ms", periodMs: 50, ...SMOOTHED, aim: AIM_50_MS },
  { name: "smoothed-20ms", periodMs: 20, ...SMOOTHED, aim: AIM_20_MS },
];

const W_PER_MW = 1e6;
const MS_PER_S = 1_000;
/** Writes after a step that was not answered that are told. */
const TOLD_WRITES = 24;
const WARM_UP_MS = 12_000;
const FLOOR_WARM_UP_MS = 2_000;
const FLOOR_STEPS = 250;
/** Steps come when the battery has settled from the one before. */
const LEAST_GAP_MS = 180;
/** Rarer where a load that steps four times a second would be learned as what it is. */
const SMOOTHED_GAP_MS = 600;
const LOW_W = CAP_W + 500_000;
const HIGH_W = CAP_W + 5_500_000;
const LEAST_STEP_W = 1_000_000;
/** What is left after the last step. */
const LAST_MS = 1_500;
/** The meter's clock is so fast that its phase passes through all of a period in 200 s. */
const MODEL = { deadMs: 5, tauMs: 10, noiseW: 500, firstW: LOW_W, meterDrift: 250e-6 };
/** In the worst place against a read on a whole multiple of the period. */
const METER_PHASE_MS = 7.3;

export interface ResponseTerms extends BenchTerms {
  readonly steps: number;
}

/** From a step of the load at the meter to the battery's register, and to the battery's power. */
export async function responseBench(terms: ResponseTerms): Promise<void> {
  for (const each of CASES) if (each.name.startsWith(terms.only)) await runCase(each, terms);
}

async function runCase(each: ResponseCase, terms: ResponseTerms): Promise<void> {
  const { sink, profileFolder, steps } = terms;
  sink.say(`response ${each.name}: floor (${FLOOR_STEPS} steps), then gateway (${steps} steps)`);
  const site = await makeLoopSite(each);
  const rig = new Rig({ site, profileFolder });
  try {
    await rig.broker();
    const fleet = each.hasFleet ? await rig.plant(site.fleetFile) : undefined;
    const floor = await measureFloor(rig, site, each);
    const plant = await rig.loopPlant(site.file, modelOf(each));
    const gateway = rig.gateway();
    await controlIsUp(site);
    await pause(WARM_UP_MS);
    const processes = new Map<string, Started>([
      ...gateway,
      ["simulated meter and battery", plant],
      ...(fleet === undefined ? [] : [["simulated fleet", fleet] as const]),
    ]);
    const { cores } = await letStep(plant, stepTerms(each, steps), processes);
    const timing = await controlTiming(site);
    await rig.end(gateway.values());
    const answers = await answersOf(plant);
    tell(each, { answers, cores, floor }, sink.forCase(each.name));
    for (const missed of answers.filter(({ writeMs }) => writeMs === undefined))
      sink.say(`  not answered: ${describe(missed, answers[0]?.atMs ?? 0)}`);
    tellReads(timing, sink.forCase(each.name));
  } finally {
    await rig.close();
  }
}

function modelOf({ meterMs }: ResponseCase): LoopModel & { readonly firstW: number } {
  return { ...MODEL, meterMs, meterPhaseMs: METER_PHASE_MS };
}

function stepTerms(each: ResponseCase, count: number): Omit<StepTerms, "startMs"> {
  const { periodMs, isSmoothed } = each;
  return {
    count,
    leastGapMs: isSmoothed ? SMOOTHED_GAP_MS : LEAST_GAP_MS,
    spreadMs: isSmoothed ? SMOOTHED_GAP_MS : 2 * periodMs,
    lowW: LOW_W,
    highW: HIGH_W,
    leastW: LEAST_STEP_W,
  };
}

/** MW: how far the load stepped, and what was asked of the battery one write after the other. */
function describe({ atMs, moveW, askedW }: Answer, startMs: number): string {
  const asked = askedW.slice(0, TOLD_WRITES).map((powerW) => (powerW / W_PER_MW).toFixed(2));
  const at = ((atMs - startMs) / MS_PER_S).toFixed(2);
  return `${(moveW / W_PER_MW).toFixed(2)} MW at ${at} s, asked ${asked.join(" ")}`;
}

interface Measured {
  readonly answers: readonly Answer[];
  readonly cores: ReadonlyMap<string, number>;
}

/** The same steps answered by raw sockets on a timer, before the gateway and without its load. */
async function measureFloor(rig: Rig, site: LoopSite, each: ResponseCase): Promise<Measured> {
  const plant = await rig.loopPlant(site.file, modelOf(each));
  const floor = await rig.loopFloor(site.file, each.periodMs, CAP_W);
  await pause(FLOOR_WARM_UP_MS);
  const { cores } = await letStep(plant, stepTerms(each, FLOOR_STEPS), new Map([["floor", floor]]));
  await rig.end([floor]);
  const answers = await answersOf(plant);
  await rig.end([plant]);
  return { answers, cores };
}

async function letStep(
  plant: Started,
  terms: Omit<StepTerms, "startMs">,
  processes: ReadonlyMap<string, Started>,
): Promise<Pick<Measured, "cores">> {
  const before = new Map([...processes].map(([name, { pid }]) => [name, cpuSeconds(pid)]));
  const startedMs = monotonicNow();
  const told = nextLine(plant, "until ");
  plant.child.stdin?.write(`steps ${JSON.stringify(terms)}\n`);
  await pause(Number(await told) - monotonicNow() + LAST_MS);
  const spentS = (monotonicNow() - startedMs) / 1_000;
  const cores = new Map(
    [...processes].map(([name, { pid }]) => [
      name,
      (cpuSeconds(pid) - (before.get(name) ?? 0)) / spentS,
    ]),
  );
  return { cores };
}

/** Asked when nobody reads the plant any more: it takes a while to work them out. */
async function answersOf(plant: Started): Promise<readonly Answer[]> {
  const answers = nextLine(plant, "answers ");
  plant.child.stdin?.write("answers\n");
  return JSON.parse(await answers) as readonly Answer[];
}

function tell(
  each: ResponseCase,
  { answers, cores, floor }: Measured & { readonly floor: Measured },
  add: AddFigure,
): void {
  const toWrite = quantilesOf(timesOf(answers, "writeMs"));
  const floorToWrite = quantilesOf(timesOf(floor.answers, "writeMs"));
  const aim = each.aim === undefined ? {} : { aim: each.aim };
  const at = (key: keyof typeof toWrite, bounds: Bounds = {}): void => {
    if (key === "count") return;
    add(`step to write ${key}`, toWrite[key], "ms", { floor: floorToWrite[key], ...bounds });
  };
  at("p50");
  at("p95");
  at("p99", { must: MUST_MS, ...aim });
  add("step to write max of the answered", greatestOf(answers), "ms");
  const toPower = quantilesOf(timesOf(answers, "powerMs"));
  add("step to 90 % of the answer in the power p99", toPower.p99, "ms", { must: STANDARD_MS });
  add("steps", answers.length, "steps");
  const missed = answers.filter(({ writeMs }) => writeMs === undefined).length;
  add("steps without an answer", missed, "steps", each.isSmoothed ? {} : { must: 0 });
  for (const [limit, ms] of limitsOf(each)) add(`${limit} kept`, toWrite.p99 <= ms ? 1 : 0, "1");
  for (const [name, share] of cores) add(`cpu ${name}`, share, "cores");
}

function greatestOf(answers: readonly Answer[]): number {
  return Math.max(...timesOf(answers, "writeMs").filter(Number.isFinite));
}

/** How the gateway's own reads stood to its cycles, since its start. */
function tellReads({ cycles, overruns, reads }: ControlTiming, add: AddFigure): void {
  add("cycles", cycles, "cycles");
  add("cycle overruns", overruns, "cycles");
  for (const { device, leadMs, roundP50Ms, roundP99Ms, rounds, late, phase } of reads) {
    if (phase !== undefined) add(`cycle locked to ${device}`, phase === "locked" ? 1 : 0, "1");
    add(`${device} reads begin before the cycle`, leadMs, "ms");
    add(`${device} round p50`, roundP50Ms ?? Number.NaN, "ms");
    add(`${device} round p99`, roundP99Ms ?? Number.NaN, "ms");
    add(`${device} rounds that missed the cycle`, (100 * late) / rounds, "%");
  }
}

/** The limits that the p99 is held against, by name. */
function limitsOf({ aim }: ResponseCase): ReadonlyMap<string, number> {
  const limits = new Map([
    [`standard p99 ${STANDARD_MS} ms`, STANDARD_MS],
    [`must p99 ${MUST_MS} ms`, MUST_MS],
  ]);
  return aim === undefined ? limits : limits.set(`aim p99 ${aim} ms`, aim);
}

/** Times of all steps: one that was not answered took for ever. */
function timesOf(answers: readonly Answer[], key: "writeMs" | "powerMs"): readonly number[] {
  return answers.map((answer) => answer[key] ?? Infinity);
}
