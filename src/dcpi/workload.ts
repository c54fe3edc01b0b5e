import { Ajv, type ValidateFunction } from "ajv";
import type { UtcMs } from "../domain/time.ts";
import { utcMs } from "../domain/time.ts";
import type { JsonValue } from "../wire/json/reader.ts";
import type { Dialect } from "./command-request.ts";
import { W_PER_MW } from "./document.ts";
import { type Flexibility, readFlexibility } from "./flexibility.ts";
import {
  instant,
  memberOf,
  mustBeHere,
  mustFit,
  readWorkloadMessage,
  Unread,
  type WorkloadUnread,
} from "./workload-reading.ts";
import { DcpiWorkload, PswdWorkload, UNDERSTOOD } from "./workload-schema.ts";

/** End of the topic on which workloads say what they are about to draw. */
export const WORKLOAD_TOPIC = "cmd/workload/announce";
/** A step is announced no further ahead than this. */
export const AHEAD_MAX_MS = 86_400_000;
/** A start that the workload leaves open may be put off by so much: the longest useful lead. */
export const OPEN_START_MS = 900_000;
/** A step of an announcement comes at most this much before or after its time. */
export const WITHIN_MS = 2_000;
/** Names of passed-over members in an answer. */
const IGNORED_MAX = 32;
const NAME_LETTERS_MAX = 64;

/** A change of the workload's mean power. */
export interface AnnouncedStep {
  readonly at: UtcMs;
  readonly powerW: number;
}

/** An announcement as the workload wrote it; nothing is judged yet. */
export interface WorkloadRequest {
  readonly workload: string;
  readonly dialect: Dialect;
  readonly timestamp: UtcMs;
  readonly correlation: string | undefined;
  /** Mean power now where the schedule says it, W. */
  readonly powerW: number | undefined;
  readonly peakW: number;
  /** Ahead of `timestamp`, by time. */
  readonly steps: readonly AnnouncedStep[];
  /** How much later all of it may come, ms. */
  readonly slackMs: number;
  readonly flexibility: Flexibility;
  /** How fast it changes its power, W/s; undefined: it does not say. */
  readonly rampWPerS: number | undefined;
  /** JSON pointers to members that were passed over. */
  readonly ignored: readonly string[];
}

const ajv = new Ajv({ strict: true, allErrors: false });
const isDcpi: ValidateFunction<DcpiWorkload> = ajv.compile(DcpiWorkload);
const isPswd: ValidateFunction<PswdWorkload> = ajv.compile(PswdWorkload);

/** Reads an announcement; what is inconsistent is refused with its place, and not guessed at. */
export function parseWorkload(
  bytes: Uint8Array,
  { facility }: { readonly facility: string },
): WorkloadRequest | WorkloadUnread {
  return readWorkloadMessage(bytes, (value, dialect) => read(value, dialect, facility));
}

type Message = DcpiWorkload | PswdWorkload;

function read(value: JsonValue, dialect: Dialect, facility: string): WorkloadRequest {
  const message = dialect === "dcpi" ? mustFit(isDcpi, value) : mustFit(isPswd, value);
  mustBeHere(message, facility);
  const { power_profile: profile } = message;
  const timestamp = instant(message.timestamp, "/timestamp");
  if (profile.baseline_power_mw > profile.peak_power_mw)
    inconsistent("/power_profile/baseline_power_mw", "the baseline is above the peak");
  const schedule =
    profile.power_schedule === undefined
      ? plainSchedule(message, timestamp)
      : writtenSchedule(message);
  const past = schedule.steps.filter(({ at }) => at <= timestamp);
  const steps = schedule.steps.filter(({ at }) => at > timestamp);
  const { flexibility, odd } = readFlexibility(value, profile.baseline_power_mw * W_PER_MW);
  const rampMwPerS = profile.ramp_rate_mw_per_sec ?? 0;
  const last = steps.at(-1);
  if (last !== undefined && last.at - timestamp > AHEAD_MAX_MS)
    throw new Unread("too-far-ahead", "/power_profile", "at most 24 h ahead");
  return {
    workload: message.workload_id,
    dialect,
    timestamp,
    correlation: message.correlation_id,
    powerW: past.at(-1)?.powerW,
    peakW: profile.peak_power_mw * W_PER_MW,
    steps,
    // What has begun is not put off any more.
    slackMs: past.length > 0 ? 0 : schedule.slackMs,
    flexibility,
    rampWPerS: rampMwPerS > 0 ? rampMwPerS * W_PER_MW : undefined,
    ignored: [...ignoredIn(value), ...odd].slice(0, IGNORED_MAX),
  };
}

function inconsistent(at: string, text: string): never {
  throw new Unread("profile-inconsistent", at, text);
}

interface Schedule {
  readonly steps: readonly AnnouncedStep[];
  readonly slackMs: number;
}

/** The workload says itself what it draws when. */
function writtenSchedule({ power_profile: profile }: Message): Schedule {
  const { power_schedule: rows = [], peak_power_mw: peakMw, duration_estimate_sec } = profile;
  const steps = rows.map(({ timestamp, power_mw: powerMw }, place) => {
    const at = `/power_profile/power_schedule/${place}`;
    if (powerMw > peakMw) inconsistent(`${at}/power_mw`, "the schedule is above the peak");
    return { at: instant(timestamp, `${at}/timestamp`), powerW: powerMw * W_PER_MW };
  });
  for (const [place, step] of steps.entries())
    if (place > 0 && step.at <= (steps[place - 1]?.at ?? 0))
      throw new Unread(
        "not-in-order",
        `/power_profile/power_schedule/${place}/timestamp`,
        "each row is later than the one before",
      );
  const endsAt = endOf(steps[0]?.at, duration_estimate_sec);
  const isEndWritten = endsAt === undefined || (steps.at(-1)?.at ?? 0) >= endsAt;
  return { steps: isEndWritten ? steps : [...steps, { at: endsAt, powerW: 0 }], slackMs: 0 };
}

/** Without a schedule: a mean from the start to the end. */
function plainSchedule(message: Message, timestamp: UtcMs): Schedule {
  const { power_profile: profile, timing_constraints: timing } = message;
  const { peak_power_mw: peakMw, baseline_power_mw: baseMw } = profile;
  const meanMw = profile.average_power_mw ?? (peakMw + baseMw) / 2;
  if (meanMw < baseMw || meanMw > peakMw)
    inconsistent("/power_profile/average_power_mw", "the mean is between baseline and peak");
  const earliest = timing?.earliest_start ?? timing?.earliest_start_time;
  const startText = earliest ?? profile.start_time_estimate;
  const startAt =
    startText === undefined ? afterIt(timestamp) : instant(startText, startPointer(message));
  const endsAt = endOf(startAt, profile.duration_estimate_sec);
  const start = { at: startAt, powerW: meanMw * W_PER_MW };
  return {
    steps: endsAt === undefined ? [start] : [start, { at: endsAt, powerW: 0 }],
    slackMs: startText === undefined ? OPEN_START_MS : slackOf(message, startAt),
  };
}

/** Now is not yet past. */
function afterIt(timestamp: UtcMs): UtcMs {
  return utcMs(timestamp + 1);
}

function endOf(startAt: UtcMs | undefined, durationS: number | undefined): UtcMs | undefined {
  if (startAt === undefined || durationS === undefined || durationS === 0) return undefined;
  return utcMs(startAt + durationS * 1_000);
}

function startPointer({ timing_constraints: timing }: Message): string {
  if (timing?.earliest_start !== undefined) return "/timing_constraints/earliest_start";
  if (timing?.earliest_start_time !== undefined) return "/timing_constraints/earliest_start_time";
  return "/power_profile/start_time_estimate";
}

function slackOf(message: Message, startAt: UtcMs): number {
  const latest = message.timing_constraints?.latest_start;
  if (latest !== undefined) {
    const latestAt = instant(latest, "/timing_constraints/latest_start");
    if (latestAt < startAt)
      inconsistent("/timing_constraints/latest_start", "the latest start is before the earliest");
    return latestAt - startAt;
  }
  const { flexibility, flexibility_parameters: parameters, power_profile: profile } = message;
  const said = flexibility ?? parameters ?? profile.flexibility;
  if (said?.can_delay === false) return 0;
  return (said?.max_delay_sec ?? said?.delay_tolerance_sec ?? 0) * 1_000;
}

function ignoredIn(value: JsonValue): readonly string[] {
  const ignored: string[] = [];
  for (const [place, known] of Object.entries(UNDERSTOOD)) {
    const part = place === "" ? value : memberOf(value, place.slice(1));
    if (typeof part !== "object" || part === null) continue;
    for (const name of Object.keys(part))
      if (!known.has(name)) ignored.push(`${place}/${name.slice(0, NAME_LETTERS_MAX)}`);
  }
  return ignored;
}
