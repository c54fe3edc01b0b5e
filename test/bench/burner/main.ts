/** `node main.ts <seconds>`: keeps one core busy for a while, or until its standard input ends. */
const untilMs = performance.now() + Number(process.argv[2]) * 1_000;
const SLICE_MS = 50;
process.stdin.on("end", () => process.exit(0)).resume();
process.stdout.write("up\n");
burn();

/** In slices, so that it hears when it shall end. */
function burn(): void {
  const sliceMs = performance.now() + SLICE_MS;
  let sum = 0;
  while (performance.now() < sliceMs) sum += Math.sqrt(sum + 1);
  if (performance.now() < untilMs && sum > 0) setImmediate(burn);
  else process.exit(0);
}
