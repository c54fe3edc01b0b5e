import { pointerOf, readJson } from "../wire/json/reader.ts";

/** Where a part of a JSON text stands; both count from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Positions of every value by JSON pointer: "" is the whole, `/points/3/at` a value. */
export type Positions = ReadonlyMap<string, Position>;

export type JsonResult =
  | { readonly value: unknown; readonly positions: Positions }
  | { readonly problem: string; readonly position: Position };

/** A file is written by hand or by a tool, and bounded in bytes before it is read. */
const LIMITS = { maxDepth: 33, maxNodes: 262_144 } as const;

/** Reads JSON (RFC 8259) and remembers where each value stands. */
export function parseJson(text: string): JsonResult {
  const lineStarts = lineStartsOf(text);
  const positions = new Map<string, Position>();
  const read = readJson(text, LIMITS, (path, offset) => {
    positions.set(pointerOf(path), positionIn(lineStarts, offset));
  });
  if ("value" in read) return { value: read.value, positions };
  const { sentence, offset } = read.failure;
  return { problem: sentence, position: positionIn(lineStarts, offset) };
}

function lineStartsOf(text: string): readonly number[] {
  const starts = [0];
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return starts;
}

function positionIn(lineStarts: readonly number[], offset: number): Position {
  let low = 0;
  let high = lineStarts.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((lineStarts[middle] ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return { line: low + 1, column: offset - (lineStarts[low] ?? 0) + 1 };
}
