import type { PlantEvent } from "../domain/event.ts";
import {
  type PointDefinition,
  type PointIndex,
  pointIndex,
  type StreamId,
} from "../domain/point.ts";
import { GOOD, qualityCode } from "../domain/quality.ts";
import type { Reading, Round } from "../domain/round.ts";
import { type AlarmRule, AlarmWatch } from "../points/alarms.ts";
import { ThresholdWatch } from "../points/thresholds.ts";
import { FrozenDetector, type FrozenWatch, type Heartbeat } from "../points/frozen.ts";
import type { BoundPoint } from "../profiles/binding.ts";
import { thresholdsOf } from "./device-thresholds.ts";
import type { DeviceContext, SiteContext } from "./site-context.ts";

/** Where the profile does not say it: a heartbeat stands still after so many poll periods … */
const HEARTBEAT_PERIODS = 5;
/** … and at least this long: heartbeats count seconds. */
const HEARTBEAT_AFTER_MIN_MS = 2_000;
const HEARTBEAT = "heartbeat";
const GRID_LOSS = "grid-loss";
/** Of a unit that it drives, control tells this itself, with what it does about it. */
const UNIT_FAULT = "pcs-fault";

export interface RoundSinks {
  /** Gets every round with its final quality. */
  readonly onRound: (round: Round) => void;
  readonly onEvent: (event: PlantEvent) => void;
}

/**
 * What a producer does with a round before anybody sees it: marks values that are frozen, raises
 * and clears the alarms of the profile, then hands it to the image and the link.
 */
export class RoundTap {
  readonly #sinks: RoundSinks;
  readonly #detectors = new Map<StreamId, FrozenDetector>();
  readonly #alarms: AlarmWatch | undefined;
  readonly #thresholds: ThresholdWatch;
  /** Meters of a grid connection, by stream. */
  readonly #gridOf = new Map<StreamId, string>();
  readonly #events: PlantEvent[] = [];
  /** By stream: where its `link-up` stands, and what was said of it last. */
  readonly #links = new Map<StreamId, { readonly point: PointIndex; isUp: boolean | undefined }>();

  constructor(context: SiteContext, devices: readonly DeviceContext[], sinks: RoundSinks) {
    this.#sinks = sinks;
    const { points } = context.table;
    for (const device of devices) {
      const detector = frozenDetector(device, points);
      const { stream, firstPoint, pointCount: count } = device.definition;
      if (detector !== undefined) this.#detectors.set(stream, detector);
      if (device.profile.deviceClass === "grid-connection")
        this.#gridOf.set(stream, device.definition.id);
      this.#links.set(stream, { point: pointIndex(firstPoint + count - 1), isUp: undefined });
    }
    const trips = new Set(context.site.control?.trips);
    // Control tells of its trips itself, latched and with their first-out.
    const units = new Set(context.site.control?.batteries.flatMap((battery) => battery.units));
    const rules = devices
      .flatMap(alarmRules)
      .filter(({ id }) => !trips.has(id))
      .filter(({ id, device }) => id !== UNIT_FAULT || !units.has(device));
    this.#alarms = rules.length > 0 ? new AlarmWatch(rules, points.length) : undefined;
    this.#thresholds = new ThresholdWatch(thresholdsOf(context, devices), points.length);
  }

  /** Called by the supervisor for every round of its device. */
  readonly emit = (round: Round): void => {
    if (round.isHistory === true) {
      // What was is no reason for an alarm now.
      this.#sinks.onRound(round);
      return;
    }
    const events = this.#events;
    let reading: Reading = round;
    this.#thresholds.apply(reading, events);
    const grid = this.#gridOf.get(round.stream);
    // A dead bus reads zeros that do not move: that is the truth.
    if (grid === undefined || !this.#thresholds.isRaised(GRID_LOSS, grid))
      reading = this.#detectors.get(round.stream)?.apply(reading, events) ?? reading;
    this.#alarms?.apply(reading, events);
    reading = this.#withLinkState(reading, round.stream);
    const { stream, seq } = round;
    this.#sinks.onRound(reading === round ? round : { ...reading, stream, seq });
    if (events.length === 0) return;
    for (const event of events) this.#sinks.onEvent(event);
    events.length = 0;
  };

  /** `link-up` is said when it changes, in the round by which it did. */
  #withLinkState(reading: Reading, stream: StreamId): Reading {
    const link = this.#links.get(stream);
    if (link === undefined) return reading;
    const isUp = answers(reading);
    if (isUp === link.isUp) return reading;
    link.isUp = isUp;
    return withValue(reading, link.point, isUp ? 1 : 0);
  }
}

/** The qualities that only a supervisor gives, to a device that does not answer. */
const SILENT = new Set([
  qualityCode("no-communication"),
  qualityCode("configuration"),
  qualityCode("never-read"),
]);

function answers(reading: Reading): boolean {
  for (const code of reading.quality) if (!SILENT.has(code)) return true;
  return false;
}

/** The reading with one more value; its other columns are copied. */
function withValue(reading: Reading, point: PointIndex, value: number): Reading {
  const count = reading.points.length;
  const points = new Uint32Array(count + 1);
  const values = new Float64Array(count + 1);
  const quality = new Uint8Array(count + 1);
  points.set(reading.points);
  values.set(reading.values);
  quality.set(reading.quality);
  points[count] = point;
  values[count] = value;
  quality[count] = GOOD;
  if (reading.sourceTimes === undefined) return { ...reading, points, values, quality };
  const sourceTimes = new Float64Array(count + 1);
  sourceTimes.set(reading.sourceTimes);
  sourceTimes[count] = reading.receivedUtc;
  return { ...reading, points, values, quality, sourceTimes };
}

function frozenDetector(
  device: DeviceContext,
  points: readonly PointDefinition[],
): FrozenDetector | undefined {
  const watches = device.profile.points
    .filter((point) => point.frozenAfterMs !== undefined)
    .map((point): FrozenWatch => ({
      point: placeOf(device, point.ordinal),
      pointName: point.id,
      afterMs: point.frozenAfterMs ?? Infinity,
      resolution: resolutionOf(point),
    }));
  if (watches.length === 0) return undefined;
  const heartbeat = heartbeatOf(device, points);
  return new FrozenDetector({ device: device.definition.id, watches, heartbeat });
}

/**
 * The device's own counter, where it has one that is polled. When it stands still nothing behind it
 * measures any more, so it spoils all that is measured. A setpoint is no measurement: its register
 * holds what was written last, whether the device lives or not. Nor is what is read once.
 */
function heartbeatOf(
  device: DeviceContext,
  points: readonly PointDefinition[],
): Heartbeat | undefined {
  const { firstPoint, pointCount } = device.definition;
  const own = points.slice(firstPoint, firstPoint + pointCount);
  const counter = own.find(({ name }) => name === HEARTBEAT);
  if (counter?.everyMs === undefined) return undefined;
  const said = device.profile.points.find(({ id }) => id === HEARTBEAT)?.frozenAfterMs;
  return {
    point: counter.index,
    pointName: counter.name,
    afterMs: said ?? Math.max(HEARTBEAT_AFTER_MIN_MS, counter.everyMs * HEARTBEAT_PERIODS),
    spoils: own
      .filter(({ everyMs, writable }) => everyMs !== undefined && !writable)
      .map(({ index }) => index),
  };
}

/** Half a step of an integer register; any change of a float. */
function resolutionOf(point: BoundPoint): number {
  const conversion = point.read?.conversion;
  if (conversion === undefined || conversion.raw.startsWith("float")) return 0;
  return conversion.sf === undefined ? Math.abs(conversion.scale) / 2 : 0;
}

function alarmRules(device: DeviceContext): AlarmRule[] {
  const { definition, profile } = device;
  return profile.alarms.map((alarm) => ({
    id: alarm.id,
    severity: alarm.severity,
    text: alarm.text,
    device: definition.id,
    point: placeOf(device, alarm.ordinal),
    pointName: profile.points[alarm.ordinal]?.id ?? "",
    when: alarm.when,
    isActiveLow: alarm.isActiveLow,
  }));
}

function placeOf(device: DeviceContext, ordinal: number): PointIndex {
  return pointIndex(device.definition.firstPoint + ordinal);
}
