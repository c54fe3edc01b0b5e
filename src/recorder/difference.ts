/** Where two values of plain data are not alike: the way to the place, and what is there. */
export interface Difference {
  readonly path: string;
  readonly recorded: unknown;
  readonly replayed: unknown;
}

const DEPTH_MAX = 64;

/** The first place where two values differ, −0 and 0 told apart; undefined: they are alike. */
export function firstDifference(
  recorded: unknown,
  replayed: unknown,
  path = "",
  seen = new Map<object, object>(),
): Difference | undefined {
  if (Object.is(recorded, replayed)) return undefined;
  const other = { path, recorded, replayed };
  if (!isObject(recorded) || !isObject(replayed)) return other;
  // Two that share an object in two places are looked at once.
  if (seen.get(recorded) === replayed) return undefined;
  seen.set(recorded, replayed);
  const parts = partsOf(recorded);
  const theirs = partsOf(replayed);
  const isDeep = path.split(".").length > DEPTH_MAX;
  if (parts === undefined || theirs === undefined || isDeep) return other;
  return parts.length === theirs.length ? partDifference(parts, theirs, path, seen) : other;
}

function partDifference(
  parts: Parts,
  theirs: Parts,
  path: string,
  seen: Map<object, object>,
): Difference | undefined {
  for (const [at, [name, part]] of parts.entries()) {
    const [theirName, theirPart] = theirs[at] ?? [];
    if (name !== theirName) return { path, recorded: name, replayed: theirName };
    const below = path === "" ? String(name) : `${path}.${String(name)}`;
    const found = firstDifference(part, theirPart, below, seen);
    if (found !== undefined) return found;
  }
  return undefined;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

type Parts = readonly (readonly [name: unknown, part: unknown])[];

/** What an object is made of, in its order; undefined for what is no plain data. */
function partsOf(value: object): Parts | undefined {
  if (value instanceof Map) return [...(value as Map<unknown, unknown>)].flatMap(mapParts);
  if (value instanceof Set) return [...(value as Set<unknown>)].map((item, at) => [at, item]);
  if (ArrayBuffer.isView(value)) {
    const column = value as unknown as ArrayLike<number>;
    return Array.from(column, (item, at) => [at, item] as const);
  }
  return Object.entries(value);
}

/** The names of a map's entries are values themselves. */
function mapParts([name, part]: [unknown, unknown], at: number): Parts {
  return isObject(name)
    ? [
        [`${at} name`, name],
        [`${at}`, part],
      ]
    : [[name, part]];
}
