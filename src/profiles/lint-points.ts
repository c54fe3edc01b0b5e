import { CANONICAL_POINTS } from "../domain/vocabulary/vocabulary.ts";
import { spansOverlap } from "../wire/modbus/ranges.ts";
import type { BoundPoint, CompiledProfile, ReadBinding } from "./binding.ts";
import { pathOf, type ProblemList } from "./problems.ts";
import type { Profile } from "./schema.ts";
import type { PointLine } from "./schema-point.ts";

/** Classes whose power setpoints need something that ends them when we are gone. */
const POWER_CLASSES: ReadonlySet<string> = new Set(["bess", "pcs", "genset"]);
const POWER_SETPOINTS: ReadonlySet<string> = new Set([
  "active-power-setpoint",
  "active-power-limit",
  "reactive-power-setpoint",
]);

/** What a capability is made of. */
const IMPLIED_POINTS: Readonly<Record<string, readonly string[]>> = {
  "active-power-setpoint": ["active-power-setpoint"],
  "active-power-limit": ["active-power-limit"],
  "reactive-power-setpoint": ["reactive-power-setpoint"],
  run: ["run-command"],
  "pump-speed-setpoint": ["pump-speed-setpoint"],
  "fan-speed-setpoint": ["fan-speed-setpoint"],
  "capacity-limit": ["capacity-limit"],
  breaker: ["breaker-command"],
  transfer: ["transfer-command"],
};

/** Rules 3, 4, 7, 10, 11 and 12: what is bound, what is missing, what ends a setpoint. */
export function lintPoints(
  profile: Profile,
  compiled: CompiledProfile,
  problems: ProblemList,
): void {
  lintClass(profile, compiled, problems);
  lintOverlaps(profile, compiled, problems);
  lintCapabilities(compiled, problems);
  lintSetpoints(profile, compiled, problems);
  for (const [name, line] of Object.entries(profile.keepAlive ?? {})) {
    const { everyMs, deviceTimeoutMs } = line;
    if (deviceTimeoutMs !== undefined && everyMs > deviceTimeoutMs / 2) {
      const message = `"${name}" beats later than half of the device's ${deviceTimeoutMs} ms`;
      problems.add(`/keepAlive/${name}/everyMs`, message, 12);
    }
  }
}

function lintClass(profile: Profile, compiled: CompiledProfile, problems: ProblemList): void {
  const bound = new Set(compiled.points.map((point) => point.id));
  for (const { id } of compiled.points) {
    const canonical = CANONICAL_POINTS.get(id);
    if (canonical !== undefined && !canonical.classes.has(compiled.deviceClass)) {
      const message = `a ${compiled.deviceClass} has no point "${id}"; name it "x-${id}"`;
      problems.add(pathOf(profile, id), message, 3);
    }
  }
  for (const [id, canonical] of CANONICAL_POINTS) {
    const isRequired = canonical.classes.get(compiled.deviceClass) === "required";
    if (!isRequired || canonical.madeByGateway || bound.has(id)) continue;
    if (!compiled.missing.has(id)) {
      const message = `a ${compiled.deviceClass} needs "${id}", or a reason in missing`;
      problems.add("/missing", message, 4);
    }
  }
  for (const id of compiled.missing.keys()) {
    if (bound.has(id)) problems.add(`/missing/${id}`, `"${id}" is not missing: it is bound`, 4);
  }
}

/** Rule 7: two readings of one register are a mistake, unless they are slices or said to be one. */
function lintOverlaps(profile: Profile, compiled: CompiledProfile, problems: ProblemList): void {
  const lines = new Map(profile.points.map((line) => [line.point, line]));
  const read = compiled.points.filter((point) => point.read !== undefined);
  read.forEach((point, index) => {
    for (const other of read.slice(index + 1)) {
      if (!isClash(point, other) || isAlias(lines, point.id) || isAlias(lines, other.id)) continue;
      const message = `"${point.id}" and "${other.id}" read the same registers differently`;
      problems.add(pathOf(profile, other.id), message, 7);
    }
  });
}

function isAlias(lines: ReadonlyMap<string, PointLine>, id: string): boolean {
  return lines.get(id)?.alias === true;
}

function isClash(a: BoundPoint, b: BoundPoint): boolean {
  if (a.read === undefined || b.read === undefined || !overlap(a.read, b.read)) return false;
  const isSamePlace = a.read.address === b.read.address && a.read.count === b.read.count;
  return !isSamePlace || !(isPart(a.read) || isPart(b.read));
}

function overlap(a: ReadBinding, b: ReadBinding): boolean {
  return a.table === b.table && a.unit === b.unit && spansOverlap(a, b);
}

function isPart({ conversion }: ReadBinding): boolean {
  return conversion.slice !== undefined || conversion.raw.startsWith("uint8-");
}

function lintCapabilities(compiled: CompiledProfile, problems: ProblemList): void {
  const writable = new Set(
    compiled.points.filter(({ access }) => access !== "r").map(({ id }) => id),
  );
  compiled.capabilities.forEach((capability, index) => {
    for (const id of IMPLIED_POINTS[capability.can] ?? []) {
      if (!writable.has(id)) {
        const message = `"${capability.can}" needs the point "${id}" with a write section`;
        problems.add(`/capabilities/${index}`, message, 10);
      }
    }
    if (capability.reversion !== undefined && !compiled.keepAlives.has(capability.reversion)) {
      const message = `there is no keep-alive "${capability.reversion}"`;
      problems.add(`/capabilities/${index}/reversion`, message, 11);
    }
  });
}

/** Rule 11: a setpoint must not outlive its giver, or a person must have said why it may. */
function lintSetpoints(profile: Profile, compiled: CompiledProfile, problems: ProblemList): void {
  const reverting = new Set<string>();
  for (const { can, reversion } of compiled.capabilities) {
    if (reversion !== undefined) reverting.add(can);
  }
  for (const point of compiled.points) {
    if (!isSetpoint(point, compiled) || reverting.has(point.id)) continue;
    const isPower = POWER_CLASSES.has(compiled.deviceClass) && POWER_SETPOINTS.has(point.id);
    if (!isPower && isSaidToHold(profile, point.id)) continue;
    const wanted = isPower ? "a keepAlive or a reversion" : 'a keepAlive, or "none" with a reason';
    problems.add(pathOf(profile, point.id), `"${point.id}" needs ${wanted}`, 11);
  }
}

function isSaidToHold(profile: Profile, id: string): boolean {
  const line = profile.points.find((candidate) => candidate.point === id);
  return line?.write?.keepAlive === "none";
}

/** True for a setpoint that is written and has no keep-alive. */
function isSetpoint({ id, ordinal, write }: BoundPoint, compiled: CompiledProfile): boolean {
  const keepAlive = (write ?? compiled.iec61850?.writes.get(ordinal))?.keepAlive;
  if (keepAlive === undefined || keepAlive.length > 0) return false;
  return id.endsWith("-setpoint") || id.endsWith("-limit");
}
