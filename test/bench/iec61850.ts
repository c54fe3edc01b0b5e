import { fork, type ChildProcess } from "node:child_process";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import { TsEngine } from "../../src/drivers/iec61850/association.ts";
import type { Association, Engine, ReportPlan } from "../../src/drivers/iec61850/engine.ts";
import { ReportMemory } from "../../src/drivers/iec61850/report-memory.ts";
import { TimerWheel } from "../../src/drivers/wheel.ts";
import { SystemClock } from "../../src/platform/clock.ts";
import type { Reference } from "../../src/wire/mms/names.ts";
import { type Cut, SupervisedRelay } from "../drivers/iec61850/supervised-relay.ts";
import { type AddFigure, quantilesOf } from "./figures.ts";
import type { BenchTerms } from "./telemetry.ts";

const LD = "DCPIBENCH1";
const NODES = 20;
const OBJECTS = 50;
const REPORTS_PER_S = 500;
const SETTLE_MS = 500;
const READ_WINDOW_MS = 3_000;
const OUTSTANDING = 5;
const THOUSAND_ROUNDS = 20;
const NS_PER_MS = 1e6;

/** What is measured: another engine is one more of these. */
export interface BenchEngine {
  readonly name: string;
  readonly make: () => Engine;
}

export const OURS: BenchEngine = {
  name: "ts",
  make: () => {
    const clock = new SystemClock();
    return new TsEngine({ clock, wheel: new TimerWheel(clock) });
  },
};

interface Bench {
  readonly association: Association;
  readonly server: ChildProcess;
  readonly add: AddFigure;
  readonly signal: AbortSignal;
  readonly windowS: number;
}

const CASES: Readonly<Record<string, (bench: Bench) => Promise<void>>> = {
  reads: readCase,
  objects: objectCase,
  "1000-objects": thousandCase,
  reports: reportCase,
};

/** How a line breaks, and how soon it must be noticed, ms. */
const CUTS: readonly { readonly cut: Cut; readonly name: string; readonly mostMs: number }[] = [
  { cut: "reset", name: "RST", mostMs: 100 },
  { cut: "finish", name: "FIN", mostMs: 100 },
  { cut: "blackhole", name: "black hole", mostMs: 2_500 },
];
const CUTS_EACH = 3;
/** Until the first value of the general interrogation after the line is back. */
const BACK_MOST_MS = 2_000;
const CUT_FOR_MS = 3_000;
const LOOK_EVERY_MS = 5;
const LINK_PATIENCE_MS = 20_000;

/**
 * Reads and reports of every engine against our own server in a process of its own, and what a
 * supervised driver makes of a line that breaks.
 */
export async function iec61850Bench(
  terms: BenchTerms & { readonly only: string },
  engines: readonly BenchEngine[],
): Promise<void> {
  for (const engine of engines) {
    for (const [name, run] of Object.entries(CASES)) {
      const title = `${engine.name} ${name}`;
      if (!title.startsWith(terms.only) && !name.startsWith(terms.only)) continue;
      terms.sink.say(`iec61850: ${title}`);
      await runCase(engine, run, { add: terms.sink.forCase(title), windowS: terms.windowS });
    }
    const title = `${engine.name} link`;
    if (!title.startsWith(terms.only) && !"link".startsWith(terms.only)) continue;
    terms.sink.say(`iec61850: ${title}`);
    await linkCase(engine, terms.sink.forCase(title));
  }
}

async function runCase(
  engine: BenchEngine,
  run: (bench: Bench) => Promise<void>,
  terms: Pick<Bench, "add" | "windowS">,
): Promise<void> {
  const file = fileURLToPath(new URL("station/main.ts", import.meta.url));
  const server = fork(file, { execArgv: process.execArgv });
  const { signal } = new AbortController();
  try {
    const port = await new Promise<number>((resolve, reject) => {
      server.once("message", (message) => {
        resolve((message as { readonly port: number }).port);
      });
      server.once("exit", () => {
        reject(new Error("the server ended"));
      });
    });
    const association = await engine.make().associate({ host: "127.0.0.1", port }, signal);
    await run({ association, server, signal, ...terms });
    await association.release({ signal });
  } finally {
    server.disconnect();
  }
}

function object(node: number, at: number): Reference {
  return { ld: LD, ln: `GGIO${node}`, fc: "MX", path: [`AnIn${at}`] };
}

function leaf(node: number, at: number): Reference {
  const { path, ...rest } = object(node, at);
  return { ...rest, path: [...path, "mag", "f"] };
}

const ALL = Array.from({ length: NODES * OBJECTS }, (_, at) =>
  object(1 + Math.floor(at / OBJECTS), 1 + (at % OBJECTS)),
);

/** One value in one request, one after the other and five at once. */
async function readCase(bench: Bench): Promise<void> {
  const { add } = bench;
  for (const outstanding of [1, OUTSTANDING]) {
    const perS = await rate(outstanding, async (count) => readOne(bench, count));
    add(`reads, ${outstanding} outstanding`, perS, "1/s");
  }
}

async function readOne({ association, signal }: Bench, count: number): Promise<number> {
  const [value] = await association.read([leaf(1 + (count % NODES), 1 + (count % OBJECTS))], {
    signal,
  });
  if (value?.kind !== "float") throw new Error("no value");
  return 1;
}

/** Fifty data objects in one request, with quality and time. */
async function objectCase({ association, signal, add }: Bench): Promise<void> {
  const perS = await rate(1, async (count) => {
    const from = (count % NODES) * OBJECTS;
    const values = await association.read(ALL.slice(from, from + OBJECTS), { signal });
    return values.filter(({ kind }) => kind === "structure").length;
  });
  add("objects, 50 in a request", perS, "1/s");
}

async function thousandCase({ association, signal, add }: Bench): Promise<void> {
  const tookMs: number[] = [];
  for (let round = 0; round < THOUSAND_ROUNDS; round += 1) {
    const startedAt = performance.now();
    const values = await association.read(ALL, { signal });
    tookMs.push(performance.now() - startedAt);
    if (values.some(({ kind }) => kind !== "structure")) throw new Error("a value is missing");
  }
  const { p50, max } = quantilesOf(tookMs);
  add("1,000 objects p50", p50, "ms", { must: 250 });
  add("1,000 objects max", max, "ms", { must: 250 });
}

/** 500 reports a second with ten entries each. */
async function reportCase({ association, server, signal, add, windowS }: Bench): Promise<void> {
  const latenciesMs: number[] = [];
  let entries = 0;
  let lost = 0;
  let isMeasured = false;
  const result = await association.subscribe(
    plan(),
    {
      report: ({ report }) => {
        if (!isMeasured || report.entryTimeMs === undefined) return;
        latenciesMs.push(Date.now() - report.entryTimeMs);
        entries += report.entries.length;
      },
      gap: (gap) => {
        if (gap.gap === "sequence") lost += (gap.got - gap.expected + 256) % 256;
      },
      lost: () => {
        lost += 1;
      },
      silent: () => undefined,
    },
    { signal },
  );
  if (result.result !== "subscribed") throw new Error(`the block is ${result.result}`);
  server.send({ reportsPerS: REPORTS_PER_S });
  await pause(SETTLE_MS);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const cpuBefore = process.cpuUsage();
  delay.enable();
  isMeasured = true;
  await pause(windowS * 1_000);
  isMeasured = false;
  delay.disable();
  const { user, system } = process.cpuUsage(cpuBefore);
  server.send({ reportsPerS: 0 });
  const { p50, p99, max, count } = quantilesOf(latenciesMs);
  add("reports", count / windowS, "1/s");
  add("entries", entries / windowS, "1/s");
  add("lost reports", lost, "reports", { must: 0 });
  add("entry time to sink p50", p50, "ms");
  add("entry time to sink p99", p99, "ms", { must: 20 });
  add("entry time to sink max", max, "ms");
  add("event-loop delay p99", delay.percentile(99) / NS_PER_MS, "ms", { must: 10 });
  add("core", (100 * (user + system)) / (windowS * 1e6), "%", { must: 50 });
  await result.subscription.stop({ signal });
}

/** The slowest of some cuts of each kind, by what the driver tells of its points. */
async function linkCase(engine: BenchEngine, add: AddFigure): Promise<void> {
  const clock = new SystemClock();
  const relay = await SupervisedRelay.start(clock, engine.make());
  try {
    await until("the first value", () => relay.live.length > 0);
    for (const { cut, name, mostMs } of CUTS) {
      const noticedMs: number[] = [];
      const backMs: number[] = [];
      for (let count = 0; count < CUTS_EACH; count += 1) {
        const { lostAt, live } = relay;
        const [losses, values] = [lostAt.length, live.length];
        const cutAt = clock.now();
        relay.line.cut(cut);
        await until(`the loss by ${name}`, () => lostAt.length > losses);
        noticedMs.push((lostAt[losses] ?? Infinity) - cutAt);
        await pause(CUT_FOR_MS);
        const healedAt = clock.now();
        relay.line.heal();
        await until(`the return after ${name}`, () => live.length > values);
        backMs.push((live[values]?.atMs ?? Infinity) - healedAt);
        await pause(SETTLE_MS);
      }
      add(`${name} noticed`, Math.max(...noticedMs), "ms", { must: mostMs });
      add(`interrogated after ${name}`, Math.max(...backMs), "ms", { must: BACK_MOST_MS });
    }
  } finally {
    await relay.stop();
  }
}

async function until(what: string, is: () => boolean): Promise<void> {
  const startedAt = performance.now();
  while (!is()) {
    if (performance.now() - startedAt > LINK_PATIENCE_MS) throw new Error(`${what} did not come`);
    await pause(LOOK_EVERY_MS);
  }
}

function plan(): ReportPlan {
  return {
    ld: LD,
    ln: "LLN0",
    isBuffered: false,
    names: ["urcbBench"],
    triggers: ["data-change"],
    integrityMs: 0,
    bufferMs: 0,
    reserveS: 0,
    isInterrogated: false,
    memory: new ReportMemory(undefined),
  };
}

/** What `work` gets done in a second, so many of it at once. */
async function rate(
  outstanding: number,
  work: (count: number) => Promise<number>,
): Promise<number> {
  const startedAt = performance.now();
  let count = 0;
  let done = 0;
  await Promise.all(
    Array.from({ length: outstanding }, async () => {
      while (performance.now() - startedAt < READ_WINDOW_MS) {
        count += 1;
        done += await work(count);
      }
    }),
  );
  return (1_000 * done) / (performance.now() - startedAt);
}

async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}
