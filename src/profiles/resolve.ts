import type { ProblemList } from "./problems.ts";
import type { ParameterLine, Profile, Scalar } from "./schema.ts";
import type { PointLine } from "./schema-point.ts";

/** A point line with its repeats expanded and its parameters filled in. */
export interface ExpandedLine {
  readonly line: PointLine;
  /** JSON pointer of the line in the file; that of the file itself for a line of the base. */
  readonly path: string;
  /** Added to every plain address of the line. */
  readonly shift: number;
}

export interface ResolveOptions {
  readonly parameters: Readonly<Record<string, Scalar>>;
  readonly firmware: string | undefined;
  readonly library: (name: string) => Profile | undefined;
}

interface PlacedLine {
  readonly line: PointLine;
  readonly path: string;
}

export interface Resolved {
  /** One profile without `extends`, `remove` and `variants`; parameters are not filled in. */
  readonly profile: Profile;
  readonly lines: readonly PlacedLine[];
}

/** Most points that a repeat rule may make of one line. */
const REPEAT_MAX = 512;

/** Merges the base and the first variant that fits: lines replace whole lines, by point id. */
export function resolveProfile(
  profile: Profile,
  options: ResolveOptions,
  problems: ProblemList,
): Resolved {
  const base = baseOf(profile, options, problems);
  const own = profile.points.map((line, index) => ({ line, path: `/points/${index}` }));
  let lines: readonly PlacedLine[] = replaceLines(
    (base?.points ?? []).map((line) => ({ line, path: "/extends" })),
    own,
  );
  lines = removeLines(lines, profile.remove ?? [], (name) => {
    problems.add("/remove", `"${name}" is not a point of the base`);
  });
  const variant = chosenVariant(profile, options);
  if (variant !== undefined) {
    const path = `/variants/${variant.index}`;
    const points = (variant.points ?? []).map((line, index) => ({
      line,
      path: `${path}/points/${index}`,
    }));
    lines = removeLines(replaceLines(lines, points), variant.remove ?? [], (name) => {
      problems.add(`${path}/remove`, `"${name}" is not a point of this profile`);
    });
  }
  const merged = base === undefined ? profile : mergeSections(base, profile);
  const resolved = { ...merged, points: lines.map(({ line }) => line) };
  delete resolved.extends;
  delete resolved.remove;
  delete resolved.variants;
  return { profile: resolved, lines };
}

/** Values of all parameters: the site's where it gives one, else the default. */
export function parameterValues(
  profile: Profile,
  given: Readonly<Record<string, Scalar>>,
  problems: ProblemList,
): ReadonlyMap<string, Scalar> {
  const declared = profile.parameters ?? {};
  const values = chosenValues(declared, given);
  for (const name of Object.keys(given)) {
    if (declared[name] === undefined) {
      problems.add("/parameters", `this profile has no parameter "${name}"`);
    }
  }
  for (const [name, line] of Object.entries(declared)) {
    const value = values.get(name);
    const path = `/parameters/${name}`;
    if (value === undefined) {
      problems.add(path, `the parameter "${name}" has no value and no default`);
      continue;
    }
    const complaint = complaintAbout(line, value);
    if (complaint !== undefined) problems.add(path, `the parameter "${name}" ${complaint}`);
  }
  return values;
}

/** Values of the parameters that have one, whether they fit or not. */
export function chosenValues(
  declared: NonNullable<Profile["parameters"]>,
  given: Readonly<Record<string, Scalar>>,
): ReadonlyMap<string, Scalar> {
  const values = new Map<string, Scalar>();
  for (const [name, line] of Object.entries(declared)) {
    const value = given[name] ?? line.default;
    if (value !== undefined) values.set(name, value);
  }
  return values;
}

/** Fills parameters into every text of a value. */
export function fillIn<T>(value: T, values: ReadonlyMap<string, Scalar>): T {
  return values.size === 0 ? value : (fill(value, values) as T);
}

/** One line per repeat; `{n}` in every text becomes the number. */
export function expandRepeats(
  { line, path }: PlacedLine,
  problems: ProblemList,
): readonly ExpandedLine[] {
  const { repeat, ...rest } = line;
  if (repeat === undefined) return [{ line, path, shift: 0 }];
  const { stride, ...ranges } = repeat;
  const [entry] = Object.entries(ranges);
  const [name, range] = entry ?? ["", 0];
  if (typeof range === "number" || Object.keys(ranges).length !== 1) {
    problems.add(`${path}/repeat`, "a repeat rule counts exactly one name");
    return [];
  }
  const from = Number(range[0]);
  const to = Number(range[1]);
  if (!Number.isInteger(from) || !Number.isInteger(to) || to < from || to - from >= REPEAT_MAX) {
    problems.add(`${path}/repeat`, `"${name}" must count upwards, at most ${REPEAT_MAX} times`);
    return [];
  }
  return Array.from({ length: to - from + 1 }, (_, index) => ({
    line: fillIn(rest, new Map([[name, from + index]])),
    path,
    shift: index * (typeof stride === "number" ? stride : 0),
  }));
}

/** True when `version` (`2.1.3`) lies in a range such as `>=2.1 <3`. */
export function firmwareMatches(version: string, range: string): boolean {
  return range
    .trim()
    .split(/\s+/)
    .every((condition) => {
      const parts = /^(>=|<=|>|<|=)?v?([0-9.]+)$/.exec(condition);
      if (parts?.[2] === undefined) return false;
      const order = compareVersions(version, parts[2]);
      switch (parts[1]) {
        case ">=":
          return order >= 0;
        case "<=":
          return order <= 0;
        case ">":
          return order > 0;
        case "<":
          return order < 0;
        default:
          return order === 0;
      }
    });
}

function baseOf(
  profile: Profile,
  options: ResolveOptions,
  problems: ProblemList,
): Profile | undefined {
  if (profile.extends === undefined) return undefined;
  const base = options.library(profile.extends);
  if (base === undefined) {
    problems.add("/extends", `there is no profile "${profile.extends}"`);
  } else if (base.extends !== undefined) {
    problems.add("/extends", `"${profile.extends}" extends another profile itself`, 20);
  }
  return base;
}

function chosenVariant(
  profile: Profile,
  options: ResolveOptions,
): (NonNullable<Profile["variants"]>[number] & { readonly index: number }) | undefined {
  for (const [index, variant] of (profile.variants ?? []).entries()) {
    const { firmware, parameter, identify } = variant.when;
    const isFirmware =
      firmware === undefined ||
      (options.firmware !== undefined && firmwareMatches(options.firmware, firmware));
    const isParameter = Object.entries(parameter ?? {}).every(
      ([name, value]) =>
        (options.parameters[name] ?? profile.parameters?.[name]?.default) === value,
    );
    // What a fingerprint found is not known here; such a variant is chosen by a site parameter.
    if (isFirmware && isParameter && identify === undefined) return { ...variant, index };
  }
  return undefined;
}

function replaceLines(
  lines: readonly PlacedLine[],
  by: readonly PlacedLine[],
): readonly PlacedLine[] {
  const replacements = new Map(by.map((placed) => [placed.line.point, placed]));
  const known = new Set(lines.map(({ line }) => line.point));
  const kept = lines.map((placed) => replacements.get(placed.line.point) ?? placed);
  return [...kept, ...by.filter(({ line }) => !known.has(line.point))];
}

function removeLines(
  lines: readonly PlacedLine[],
  names: readonly string[],
  complain: (name: string) => void,
): readonly PlacedLine[] {
  for (const name of names) {
    if (!lines.some(({ line }) => line.point === name)) complain(name);
  }
  return lines.filter(({ line }) => !names.includes(line.point));
}

/** Named entries of the file replace those of the base; lists of the file come after the base's. */
function mergeSections(base: Profile, profile: Profile): Profile {
  const derived = [
    ...(base.derived ?? []).filter(
      (line) => profile.derived?.some((own) => own.point === line.point) !== true,
    ),
    ...(profile.derived ?? []),
  ];
  return {
    ...base,
    ...profile,
    sources: { ...base.sources, ...profile.sources },
    parameters: { ...base.parameters, ...profile.parameters },
    modbus: { ...base.modbus, ...profile.modbus },
    models: { ...base.models, ...profile.models },
    groups: { ...base.groups, ...profile.groups },
    interlocks: { ...base.interlocks, ...profile.interlocks },
    keepAlive: { ...base.keepAlive, ...profile.keepAlive },
    missing: { ...base.missing, ...profile.missing },
    derived,
    alarms: [...(base.alarms ?? []), ...(profile.alarms ?? [])],
    quirks: [...(base.quirks ?? []), ...(profile.quirks ?? [])],
    capabilities: profile.capabilities ?? base.capabilities ?? [],
    vectors: profile.vectors ?? [],
  };
}

function complaintAbout(line: ParameterLine, value: Scalar): string | undefined {
  const isOfType =
    line.type === undefined ||
    (line.type === "integer" ? Number.isInteger(value) : typeof value === line.type);
  if (!isOfType) return `must be of type ${line.type ?? ""}`;
  if (line.values !== undefined && !line.values.includes(value)) {
    return `must be one of: ${line.values.map((allowed) => String(allowed)).join(", ")}`;
  }
  const { range } = line;
  if (range !== undefined && (Number(value) < range[0] || Number(value) > range[1])) {
    return `must be between ${range[0]} and ${range[1]}`;
  }
  return undefined;
}

function fill(value: unknown, values: ReadonlyMap<string, Scalar>): unknown {
  if (typeof value === "string") {
    return value.replaceAll(/\{([A-Za-z][A-Za-z0-9]*)\}/g, (whole: string, name: string) => {
      const replacement = values.get(name);
      return replacement === undefined ? whole : String(replacement);
    });
  }
  if (Array.isArray(value)) return value.map((item) => fill(item, values));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fill(item, values)]));
}

function compareVersions(a: string, b: string): number {
  const left = a.split(".").map(Number);
  const right = b.split(".").map(Number);
  for (let index = 0; index < Math.max(left.length, right.length); index += 1) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
