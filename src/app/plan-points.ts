import type { EnvelopeConfig, SiteConfig } from "../config/schema.ts";
import type { InputPoint } from "../control/plan.ts";
import { GatewayError } from "../domain/errors.ts";
import type { DeviceDefinition, PointIndex } from "../domain/point.ts";
import type {
  BoundPoint,
  CompiledProfile,
  ReadBackRule,
  WriteBinding,
} from "../profiles/binding.ts";
import { isSelected } from "../profiles/compile-node-write.ts";
import type { SiteContext } from "./site-context.ts";

/** Age limit of what is read once per connection. */
const ONCE_MAX_AGE_MS = 24 * 3_600_000;

export function maxAgeOf(context: SiteContext, point: PointIndex): number {
  return Math.min(context.maxAgesMs[point] ?? ONCE_MAX_AGE_MS, ONCE_MAX_AGE_MS);
}

export function input(context: SiteContext, device: string, name: string): InputPoint | undefined {
  const point = pointOf(context, device, name);
  return point === undefined ? undefined : { point, maxAgeMs: maxAgeOf(context, point) };
}

export function requireInput(context: SiteContext, device: string, name: string): InputPoint {
  const point = requirePoint(context, device, name);
  return { point, maxAgeMs: maxAgeOf(context, point) };
}

export function pointOf(
  context: SiteContext,
  device: string,
  name: string,
): PointIndex | undefined {
  return context.table.indexById.get(`${device}/${name}`);
}

export function requirePoint(context: SiteContext, device: string, name: string): PointIndex {
  const point = pointOf(context, device, name);
  if (point === undefined) throw invalid(context.site, `${device} has no point ${name}`);
  return point;
}

export function boundOf(
  context: SiteContext,
  device: string,
  name: string,
): BoundPoint | undefined {
  return context.deviceById.get(device)?.profile.points.find((point) => point.id === name);
}

export interface WriteRule extends Pick<WriteBinding, "needs" | "settleMs" | "step"> {
  readonly readBack: Pick<ReadBackRule, "withinMs" | "tolerance"> | undefined;
  /** It is given in two steps, select and operate. */
  readonly isSelected: boolean;
}

/** Of registers or of nodes: what a write has to wait for. */
export function writeRule(
  context: SiteContext,
  device: string,
  name: string,
): WriteRule | undefined {
  const bound = boundOf(context, device, name);
  if (bound === undefined) return undefined;
  const node = context.deviceById.get(device)?.profile.iec61850?.writes.get(bound.ordinal);
  if (bound.write !== undefined) return { ...bound.write, isSelected: false };
  return node && { ...node, readBack: node.feedback, isSelected: isSelected(node.target) };
}

export function requireDevice(context: SiteContext, name: string): DeviceDefinition {
  const device = context.table.devices.find((candidate) => candidate.id === name);
  if (device === undefined) throw invalid(context.site, `there is no device ${name}`);
  return device;
}

export function requireProfile(
  context: SiteContext,
  name: string,
): { readonly definition: DeviceDefinition; readonly profile: CompiledProfile } {
  const device = context.deviceById.get(name);
  if (device === undefined) throw invalid(context.site, `${name} has no profile`);
  return device;
}

export function invalid(site: SiteConfig, problem: string): GatewayError {
  return new GatewayError("CONFIG_INVALID", { site: site.site, problem });
}

export function envelopeOf(
  context: SiteContext,
  device: string,
  point: string,
): EnvelopeConfig | undefined {
  return context.site.envelope.find((entry) => entry.device === device && entry.point === point);
}
