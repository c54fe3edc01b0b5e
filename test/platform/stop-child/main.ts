import { appendFileSync } from "node:fs";
import { listenForStop } from "../../../src/platform/stop.ts";

/**
 * A role that ends when its pipe breaks.
 * Arguments: a name, a file that gets a line at start and end, and `stubborn` to stay.
 */
const [name = "", record = "", habit] = process.argv.slice(2);
const { signal } = listenForStop(process, process.stdin);
appendFileSync(record, `${name} started\n`);
const alive = setInterval(() => undefined, 1000);
signal.addEventListener("abort", () => {
  appendFileSync(record, `${name} stops: ${(signal.reason as Error).message}\n`);
  if (habit !== "stubborn") clearInterval(alive);
});
