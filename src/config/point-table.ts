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
import { pollPeriodMs } from "../profiles/poll-period.ts";
import {
  type ControlConfig,
  type DeviceConfig,
  READ_ONLY_CYCLE_MS,
  type SiteConfig,
} from "./schema.ts";

/** Name of the point by which the gateway says whether it talks to a device. */
const LINK_UP = "link-up";

/** Begins the names of the points that tell each battery's delay. */
export const UNIT_DELAY = "x-unit-delay.";

/** Begin the names of the points that tell of each publisher of GOOSE: 1 while it is so, else 0. */
export const GOOSE_DEMANDS = "x-goose-demands.";
export const GOOSE_LOST = "x-goose-lost.";

/** What the gateway says of itself, by the process that says it. Durations in s, loads in %. */
export const GATEWAY_POINTS = {
  control: [
    own("gateway-mode"),
    own("cycle-overruns"),
    extra("x-cycle-overruns-stolen", "int", "1"),
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
    extra("x-alarms-standing", "int", "1"),
    extra("x-alarms-unacknowledged", "int", "1"),
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
      points.push(
        pointOf(bound, device, points.length, everyMsOf(bound, { profile, config, site })),
      );
    points.push(linkUpOf(device, points.length));
  }
  for (const role of Object.keys(GATEWAY_POINTS) as RoleName[]) {
    const own = [...GATEWAY_POINTS[role], ...pointsOfSite(role, site)];
    hash.update(`|${role} ${JSON.stringify(own)}`);
    const device = deviceAt(devices.length, points.length, {
      id: gatewayDeviceId(role),
      deviceClass: "gateway",
      profile: "gateway",
      producer: role,
      pointCount: own.length,
    });
    devices.push(device);
    for (const point of own)
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

/** Poll period of a group of a device, as its driver polls it, ms; 0: once. */
export function groupPeriodMs(
  group: { readonly name: string; readonly everyMs: number },
  device: {
    readonly profile: CompiledProfile;
    readonly config: Pick<DeviceConfig, "pollMs" | "process">;
  },
  { control }: Pick<SiteConfig, "control">,
): number {
  const { profile, config } = device;
  const isInCycle = config.process === "control";
  return pollPeriodMs(group, {
    pollMs: config.pollMs,
    minimumPeriodMs: profile.modbus.minimumPeriodMs,
    cycleMs: isInCycle ? (control?.periodMs ?? READ_ONLY_CYCLE_MS) : undefined,
  });
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

interface PolledDevice {
  readonly profile: CompiledProfile;
  readonly config: DeviceConfig;
  readonly site: SiteConfig;
}

function everyMsOf(bound: BoundPoint, device: PolledDevice): number | undefined {
  const { profile, site } = device;
  if (bound.group === undefined) return derivedEveryMs(bound, device);
  const group = profile.groups[bound.group];
  if (group === undefined) return undefined;
  const periodMs = groupPeriodMs(group, device, site);
  return periodMs === 0 ? undefined : periodMs;
}

/** A derived point is as slow as the slowest group of its device that is polled at all. */
function derivedEveryMs(bound: BoundPoint, device: PolledDevice): number | undefined {
  const { profile, site } = device;
  if (!profile.derived.some((derived) => derived.ordinal === bound.ordinal)) return undefined;
  const periods = profile.groups.map((group) => groupPeriodMs(group, device, site));
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

/** What control says of itself only where the site has it. */
function pointsOfSite(role: RoleName, { control }: SiteConfig): readonly GatewayPoint[] {
  if (role !== "control" || control === undefined) return [];
  return [...smoothingPoints(control), ...goosePoints(control)];
}

/** Of each publisher by its name. */
function goosePoints({ goose }: ControlConfig): readonly GatewayPoint[] {
  if (goose === undefined) return [];
  return [
    extra("x-goose-malformed", "int", "1"),
    ...goose.subscriptions.flatMap(({ name }) => [
      extra(`${GOOSE_DEMANDS}${name}`, "int", "1"),
      extra(`${GOOSE_LOST}${name}`, "int", "1"),
    ]),
  ];
}

/** Only where the load is smoothed; of each battery by its name. */
function smoothingPoints(control: ControlConfig): readonly GatewayPoint[] {
  if (control.smoothing === undefined) return [];
  return [
    extra("x-loop-delay", "float", "s"),
    extra("x-workload-steps", "int", "1"),
    extra("x-desk-restarts", "int", "1"),
    ...control.batteries
      .flatMap(({ units }) => units)
      .map((unit) => extra(`${UNIT_DELAY}${unit}`, "float", "s")),
  ];
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
