import { createInterface, type Interface } from "node:readline";
import type { Readable } from "node:stream";

/** Every line is one order, however it was cut on its way. */
export function ordersOf(input: Readable, obey: (order: unknown) => void): Interface {
  return createInterface({ input }).on("line", (line) => {
    if (line.trim() !== "") obey(parseLine(line));
  });
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return line;
  }
}
