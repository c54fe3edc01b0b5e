/** `node main.ts <seconds>`: keeps one core busy for a while, or until its standard input ends. */
import { monotonicNow } from "../mqtt-wire.ts";

const untilMs = monotonicNow() + Number(process.argv[2]) * 1_000;
const SLICE_MS = 50;
process.stdin.on("end", () => process.exit(0)).resume();
process.stdout.write("up\n");
burn();

/** In slices, so that it hears when it shall end. */
function burn(): void {
  const sliceMs = monotonicNow() + SLICE_MS;
  let sum = 0;
  while (monotonicNow() < sliceMs) sum += Math.sqrt(sum + 1);
  if (monotonicNow() < untilMs && sum > 0) setImmediate(burn);
  else process.exit(0);
}
