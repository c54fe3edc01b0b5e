import { createHash } from "node:crypto";
import {
  deviceId,
  type DeviceDefinition,
  type PointDefinition,
  pointId,
  pointIndex,
  type PointTable,
  type PointType,
  type RoleName,
  streamId,
} from "../domain/point.ts";
import {
  CANONICAL_POINTS,
  ENUM_TEXTS,
  fieldOfExtraPoint,
} from "../domain/vocabulary/vocabulary.ts";
import type { BoundPoint, CompiledProfile } from "../profiles/binding.ts";
import type { DeviceConfig, SiteConfig } from "./schema.ts";

/** Name of the point by which the gateway says whether it talks to a device. */
const LINK_UP = "link-up";

/** What the gateway says of itself, by the process that says it. Durations in s, loads in %. */
export const GATEWAY_POINTS = {
  control: [
    own("gateway-mode"),
    own("cycle-overruns"),
    extra("x-cycles", "int", "1"),
    extra("x-cycle-lateness.p50", "float", "s"),
    extra("x-cycle-lateness.p99", "float", "s"),
    extra("x-cycle-lateness.p999", "float", "s"),
    extra("x-cycle-lateness.maximum", "float", "s"),
    extra("x-cycle-duration.p99", "float", "s"),
    extra("x-cycle-duration.maximum", "float", "s"),
    extra("x-cycle-slew", "float", "s"),
    extra("x-meter-locked", "int", "1"),
    extra("x-read-lead", "float", "s"),
    extra("x-reads-late", "int", "1"),
    extra("x-battery-setpoint", "float", "W"),
    extra("x-site-load", "float", "W"),
    extra("x-leases", "int", "1"),
    extra("x-trips", "int", "1"),
    extra("x-cpu", "float", "%"),
  ],
  field: [
    extra("x-requests", "int", "1"),
    extra("x-timeouts", "int", "1"),
    extra("x-busiest-bus", "float", "%"),
    extra("x-cpu", "float", "%"),
  ],
  services: [
    own("upstream-connected"),
    extra("x-outbox-waiting", "int", "1"),
    extra("x-outbox-oldest", "float", "s"),
    extra("x-outbox-lost", "int", "1"),
    extra("x-store-bytes", "int", "1"),
    extra("x-store-written-per-day", "float", "1"),
    extra("x-store-commit.p99", "float", "s"),
    extra("x-cpu", "float", "%"),
  ],
} as const satisfies Record<RoleName, readonly GatewayPoint[]>;

interface GatewayPoint {
  readonly name: string;
  readonly type: PointType;
  readonly unit: string | undefined;
  readonly field: string;
  readonly texts: readonly string[] | undefined;
}

/** Period of the gateway's own points. */
export const OWN_POINTS_MS = 1_000;

/**
 * Every point of the site in one order: the devices of the site file with the points of their
 * profiles and `link-up`, then the gateway's own. A function of its arguments: each process builds
 * it for itself and compares the hash with its peers.
 *
 * @param profiles compiled profile by device id, one for each device of the site
 */
export function buildPointTable(
  site: SiteConfig,
  profiles: ReadonlyMap<string, CompiledProfile>,
): PointTable {
  const devices: DeviceDefinition[] = [];
  const points: PointDefinition[] = [];
  const hash = createHash("sha256").update(`${site.site}/${site.gateway}`);
  for (const config of site.devices) {
    const profile = profiles.get(config.id);
    if (profile === undefined) continue;
    hash.update(`|${config.id} ${profile.hash} ${config.process}`);
    const device = deviceAt(devices.length, points.length, {
      id: config.id,
      deviceClass: profile.deviceClass,
      profile: profile.name,
      producer: config.process,
      pointCount: profile.points.length + 1,
      ...(config.sameAs === undefined ? {} : { isSecondSight: true }),
    });
    devices.push(device);
    for (const bound of profile.points)
      points.push(pointOf(bound, device, points.length, everyMsOf(bound, profile, config)));
    points.push(linkUpOf(device, points.length));
  }
  for (const role of Object.keys(GATEWAY_POINTS) as RoleName[]) {
    hash.update(`|${role} ${JSON.stringify(GATEWAY_POINTS[role])}`);
    const device = gatewayDevice(role, devices.length, points.length);
    devices.push(device);
    for (const point of GATEWAY_POINTS[role])
      points.push({ ...gatewayPoint(point, device, points.length), everyMs: OWN_POINTS_MS });
  }
  return {
    hash: hash.digest("hex").slice(0, 16),
    devices,
    points,
    indexById: new Map(points.map((point) => [point.id as string, point.index])),
  };
}

/** The device under which a process of the gateway publishes its own points. */
export function gatewayDeviceId(role: RoleName): string {
  return `gateway-${role}`;
}

/** Poll period of a group of a device: the site's word before the profile's; 0: once. */
export function groupPeriodMs(
  group: { readonly name: string; readonly everyMs: number },
  config: Pick<DeviceConfig, "pollMs">,
): number {
  return config.pollMs[group.name] ?? group.everyMs;
}

function deviceAt(
  stream: number,
  firstPoint: number,
  rest: Pick<
    DeviceDefinition,
    "deviceClass" | "profile" | "producer" | "pointCount" | "isSecondSight"
  > & {
    readonly id: string;
  },
): DeviceDefinition {
  return { ...rest, id: deviceId(rest.id), stream: streamId(stream), firstPoint };
}

function everyMsOf(
  bound: BoundPoint,
  profile: CompiledProfile,
  config: DeviceConfig,
): number | undefined {
  if (bound.group === undefined) return derivedEveryMs(bound, profile, config);
  const group = profile.groups[bound.group];
  if (group === undefined) return undefined;
  const periodMs = groupPeriodMs(group, config);
  return periodMs === 0 ? undefined : periodMs;
}

/** A derived point is as slow as the slowest group of its device that is polled at all. */
function derivedEveryMs(
  bound: BoundPoint,
  profile: CompiledProfile,
  config: DeviceConfig,
): number | undefined {
  if (!profile.derived.some((derived) => derived.ordinal === bound.ordinal)) return undefined;
  const periods = profile.groups.map((group) => groupPeriodMs(group, config));
  const slowest = Math.max(0, ...periods);
  return slowest === 0 ? undefined : slowest;
}

function pointOf(
  bound: BoundPoint,
  device: DeviceDefinition,
  index: number,
  everyMs: number | undefined,
): PointDefinition {
  return {
    index: pointIndex(index),
    id: pointId(`${device.id}/${bound.id}`),
    device: device.id,
    name: bound.id,
    field: bound.field,
    type: bound.type,
    unit: bound.unit,
    texts: bound.texts,
    range: bound.range,
    writable: bound.access !== "r",
    readable: bound.access !== "w",
    everyMs,
  };
}

function linkUpOf(device: DeviceDefinition, index: number): PointDefinition {
  return gatewayPoint(own(LINK_UP), device, index);
}

function gatewayDevice(role: RoleName, stream: number, firstPoint: number): DeviceDefinition {
  return deviceAt(stream, firstPoint, {
    id: gatewayDeviceId(role),
    deviceClass: "gateway",
    profile: "gateway",
    producer: role,
    pointCount: GATEWAY_POINTS[role].length,
  });
}

function gatewayPoint(
  point: GatewayPoint,
  device: DeviceDefinition,
  index: number,
): PointDefinition {
  return {
    ...point,
    index: pointIndex(index),
    id: pointId(`${device.id}/${point.name}`),
    device: device.id,
    range: undefined,
    writable: false,
    readable: true,
    everyMs: undefined,
  };
}

/** A canonical point that only the gateway makes. */
function own(name: string): GatewayPoint {
  const canonical = CANONICAL_POINTS.get(name);
  const texts = canonical?.enumName === undefined ? undefined : ENUM_TEXTS.get(canonical.enumName);
  return {
    name,
    type: canonical?.type ?? "float",
    unit: canonical?.unit,
    field: canonical?.telemetryField ?? fieldOfExtraPoint(name, undefined),
    texts,
  };
}

function extra(name: string, type: PointType, unit: string): GatewayPoint {
  return { name, type, unit, field: fieldOfExtraPoint(name, unit), texts: undefined };
}
