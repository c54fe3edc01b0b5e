/** `npm run bench -- <name> [--json] [--only <case>] …`: what each takes is in README.md. */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { commandBench } from "./command.ts";
import { FigureSink } from "./figures.ts";
import { iec61850Bench, OURS } from "./iec61850.ts";
import { nativeEngines } from "./native-engine.ts";
import { JITTER_SECONDS, jitterBench } from "./jitter.ts";
import { responseBench, type ResponseTerms } from "./response.ts";
import { smoothingBench } from "./smoothing.ts";
import { telemetryBench } from "./telemetry.ts";

const BENCHES: Readonly<Record<string, (terms: ResponseTerms) => Promise<void>>> = {
  telemetry: telemetryBench,
  command: commandBench,
  response: responseBench,
  jitter: jitterBench,
  iec61850: async (terms) => iec61850Bench(terms, [OURS, ...nativeEngines()]),
  smoothing: async (terms) => {
    smoothingBench(terms);
    return Promise.resolve();
  },
};
const WINDOW_S = 20;
/** Of benches that need longer. */
const SECONDS: Readonly<Record<string, number>> = { jitter: JITTER_SECONDS, iec61850: 60 };
const STEPS = 1_000;
/** proc(5) */
const STEAL_COLUMN = 7;
const TICKS_PER_S = 100;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: "boolean", default: false },
    only: { type: "string", default: "" },
    seconds: { type: "string" },
    steps: { type: "string", default: String(STEPS) },
    "cpu-prof": { type: "string" },
  },
});
process.exitCode = await main(positionals[0] ?? "");

async function main(name: string): Promise<number> {
  const bench = Object.hasOwn(BENCHES, name) ? BENCHES[name] : undefined;
  const windowS = Number(values.seconds ?? SECONDS[name] ?? WINDOW_S);
  const steps = Number(values.steps);
  if (bench === undefined || !(windowS > 0) || !(steps > 0)) {
    process.stderr.write(
      `usage: npm run bench -- ${Object.keys(BENCHES).join("|")} ` +
        "[--json] [--only <case>] [--seconds N] [--steps N] [--cpu-prof <folder>]\n",
    );
    return 2;
  }
  const sink = new FigureSink(name, values.json);
  sink.say(`load average before: ${loadAverage()}`);
  const stolenBefore = stolenSeconds();
  await bench({ sink, windowS, steps, profileFolder: values["cpu-prof"], only: values.only });
  sink.say(`stolen by the machine below: ${(stolenSeconds() - stolenBefore).toFixed(1)} core s`);
  sink.say(`load average after: ${loadAverage()}; ${sink.missed} figures missed`);
  return sink.missed === 0 ? 0 : 1;
}

/** Time in which a core of this virtual machine was ready and another machine had it, s. */
function stolenSeconds(): number {
  const [, ...ticks] = (readFileSync("/proc/stat", "utf8").split("\n")[0] ?? "").split(/ +/);
  return Number(ticks[STEAL_COLUMN]) / TICKS_PER_S;
}

function loadAverage(): string {
  return readFileSync("/proc/loadavg", "utf8").split(" ").slice(0, 3).join(" ");
}
