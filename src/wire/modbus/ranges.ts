/** Both ends belong to it. */
type Range = readonly [first: number, last: number];

/** Where registers or bits lie. */
export interface Span {
  readonly address: number;
  readonly count: number;
}

/** Ranges in order; those that overlap or touch are one. */
export function mergeRanges(ranges: readonly Range[]): Range[] {
  const merged: [number, number][] = [];
  for (const [first, last] of [...ranges].sort((a, b) => a[0] - b[0])) {
    const previous = merged.at(-1);
    if (previous === undefined || first > previous[1] + 1) merged.push([first, last]);
    else previous[1] = Math.max(previous[1], last);
  }
  return merged;
}

/** True when two spans of one table share a place. */
export function spansOverlap(a: Span, b: Span): boolean {
  return a.address < b.address + b.count && b.address < a.address + a.count;
}
