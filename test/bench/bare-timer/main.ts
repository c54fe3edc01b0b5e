/**
 * `node main.ts <period ms>`: a timer and nothing else, with the scheduling of gateway-control: how
 * late this machine wakes anybody. `mark` on standard input begins anew, `tell` tells the counts.
 */
import { createInterface } from "node:readline";
import { monotonicMs } from "../../../src/domain/time.ts";
import { SystemClock } from "../../../src/platform/clock.ts";
import { JitterHistogram } from "../../../src/platform/histogram.ts";
import { PreciseTimer } from "../../../src/platform/precise-timer.ts";
import { runInRealTime } from "../../../src/platform/scheduling.ts";

const periodMs = Number(process.argv[2]);
const clock = new SystemClock();
const timer = new PreciseTimer(clock);
const lateness = new JitterHistogram();
const stop = new AbortController();
createInterface({ input: process.stdin })
  .on("line", (line) => {
    if (line === "mark") lateness.reset();
    else if (line === "tell") process.stdout.write(`lateness ${tellOf(lateness)}\n`);
  })
  .on("close", () => process.exit(0));
process.stdout.write(`scheduling ${runInRealTime(process.pid)}\n`);
process.stdout.write("up\n");

let deadline = clock.now() + periodMs;
for (;;) {
  await timer.waitUntil(monotonicMs(deadline), stop.signal);
  lateness.record(clock.now() - deadline);
  deadline += periodMs * Math.max(1, Math.ceil((clock.now() - deadline) / periodMs));
}

function tellOf(histogram: JitterHistogram): string {
  const [p50, p99, p999] = [0.5, 0.99, 0.999].map((share) => histogram.percentileMs(share));
  return JSON.stringify({ cycles: histogram.count, p50, p99, p999, max: histogram.maxMs });
}
