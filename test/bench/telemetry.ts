import { type FleetShape, makeBenchSite } from "./bench-site.ts";
import type { FigureSink } from "./figures.ts";
import { type GatewayRole, pause, Rig, ROLES, type Usage } from "./rig.ts";
import { missedPolls, type WindowReport } from "./window-report.ts";

interface TelemetryCase {
  readonly name: string;
  readonly shape: FleetShape;
  /** Cores of field and services together for 10,000 points a second. */
  readonly must: number | undefined;
  readonly aim: number | undefined;
  /** Every commit of the store takes this much longer. */
  readonly commitDelayMs?: number;
}

export interface BenchTerms {
  readonly sink: FigureSink;
  readonly windowS: number;
  readonly profileFolder: string | undefined;
  /** Only cases whose name begins so. */
  readonly only: string;
}

export const TELEMETRY_CASES: readonly TelemetryCase[] = [
  {
    name: "10x1000@1Hz",
    shape: { devices: 10, points: 1_000, periodMs: 1_000, hasControl: false },
    must: 0.087,
    aim: 0.035,
  },
  {
    name: "10x1000@10Hz",
    shape: { devices: 10, points: 1_000, periodMs: 100, hasControl: false },
    must: 0.03,
    aim: 0.012,
  },
  {
    name: "500x30@1Hz",
    shape: { devices: 500, points: 30, periodMs: 1_000, hasControl: false },
    must: 0.1,
    aim: 0.05,
  },
  {
    name: "with-control",
    shape: { devices: 10, points: 1_000, periodMs: 100, hasControl: true },
    must: undefined,
    aim: undefined,
  },
  {
    name: "slow-disk",
    shape: { devices: 10, points: 1_000, periodMs: 100, hasControl: true },
    must: undefined,
    aim: undefined,
    commitDelayMs: 20,
  },
];

const PER_POINTS = 10_000;
const WARM_UP_MS = 12_000;
const FLOOR_WARM_UP_MS = 3_000;
const CONTROL_MUST_CORES = 0.1;
const LATENCY_MUST_MS = 100;
const LATENCY_AIM_MS = 10;
/** A cycle that waited for a commit would be late by at least the delay. */
const LATENESS_MUST_MS = 20;

/** Devices to subscriber through the whole gateway, with its durable store. */
export async function telemetryBench(terms: BenchTerms): Promise<void> {
  for (const each of TELEMETRY_CASES)
    if (each.name.startsWith(terms.only)) await runCase(each, terms);
}

async function runCase(each: TelemetryCase, terms: BenchTerms): Promise<void> {
  const { sink, windowS, profileFolder } = terms;
  sink.say(`telemetry ${each.name}: floor, then gateway, ${windowS} s each`);
  const site = await makeBenchSite(each.shape);
  const rig = new Rig({ site, profileFolder });
  try {
    await rig.broker();
    await rig.plant();
    await rig.subscriber();
    const floor = await rig.floor();
    await pause(FLOOR_WARM_UP_MS);
    const least = await rig.window(windowS, new Map([["floor", floor]]));
    await rig.end([floor]);
    const gateway = rig.gateway(
      each.commitDelayMs === undefined
        ? {}
        : { DCPI_FAULT_DELAY_COMMIT_MS: String(each.commitDelayMs) },
    );
    await pause(WARM_UP_MS);
    const { report, usage } = await rig.window(windowS, gateway);
    await rig.end(gateway.values());
    tellCost(each, { report, usage, floor: { ...least, usage: least.usage.get("floor") } }, sink);
    tellWay(each, { report, floor: least.report }, sink);
    tellOwn(each, report, sink);
  } finally {
    await rig.close();
  }
}

/** Cores for 10,000 points a second of what arrived. */
function costOf(cores: number, report: WindowReport): number {
  return (cores * PER_POINTS) / (report.values / report.seconds);
}

function tellCost(
  { name, shape, must, aim }: TelemetryCase,
  measured: {
    readonly report: WindowReport;
    readonly usage: ReadonlyMap<GatewayRole, Usage>;
    readonly floor: { readonly report: WindowReport; readonly usage: Usage | undefined };
  },
  sink: FigureSink,
): void {
  const { report, usage, floor } = measured;
  const add = sink.forCase(name);
  const coresOf = (role: GatewayRole): number => usage.get(role)?.cores ?? Number.NaN;
  const together = costOf(coresOf("field") + coresOf("services"), report);
  const least = costOf(floor.usage?.cores ?? Number.NaN, floor.report);
  const unit = "cores/10k points/s";
  add("field + services", together, unit, {
    floor: least,
    ...(must === undefined ? {} : { must }),
    ...(aim === undefined ? {} : { aim }),
  });
  add("field", costOf(coresOf("field"), report), unit);
  add("services", costOf(coresOf("services"), report), unit);
  if (shape.hasControl) add("control", coresOf("control"), "cores", { must: CONTROL_MUST_CORES });
  for (const role of ROLES)
    add(`resident ${role}`, usage.get(role)?.residentMb ?? Number.NaN, "MB");
}

function tellWay(
  { name, shape }: TelemetryCase,
  { report, floor }: { readonly report: WindowReport; readonly floor: WindowReport },
  sink: FigureSink,
): void {
  const add = sink.forCase(name);
  const expected = (shape.devices * shape.points * 1_000) / shape.periodMs;
  const arrived = report.values / report.seconds;
  const { latencyMs } = report;
  add("values expected", expected, "1/s");
  add("values received", arrived, "1/s");
  add("values not received", Math.max(0, (100 * (expected - arrived)) / expected), "%", {
    must: 1,
  });
  add("bad values", report.bad, "values", { must: 0 });
  add("lost rounds", report.gaps, "rounds", { must: 0 });
  add("duplicates", report.duplicates, "rounds");
  add("missed polls", missedPolls(report, shape.periodMs), "polls", {
    floor: missedPolls(floor, shape.periodMs),
  });
  add("bytes per value", report.bytes / report.values, "bytes");
  add("latency p50", latencyMs.p50, "ms", { floor: floor.latencyMs.p50 });
  add("latency p99", latencyMs.p99, "ms", {
    floor: floor.latencyMs.p99,
    must: LATENCY_MUST_MS,
    aim: LATENCY_AIM_MS,
  });
  add("latency max", latencyMs.max, "ms", { floor: floor.latencyMs.max });
}

function tellOwn(each: TelemetryCase, report: WindowReport, sink: FigureSink): void {
  const own = (device: string, field: string): number =>
    Number(report.own[device]?.[field] ?? Number.NaN);
  const add = sink.forCase(each.name);
  add("cycle lateness p99", 1_000 * own("gateway-control", "x_cycle_lateness_p99_s"), "ms", {
    must: LATENESS_MUST_MS,
  });
  add("cycle lateness max", 1_000 * own("gateway-control", "x_cycle_lateness_maximum_s"), "ms");
  add("cycle overruns", own("gateway-control", "cycle_overruns"), "cycles");
  add("commit p99", 1_000 * own("gateway-services", "x_store_commit_p99_s"), "ms");
  add("request time-outs", own("gateway-field", "x_timeouts"), "requests");
}
