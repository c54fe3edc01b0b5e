/** Groups read this often or more often feed the loop, whatever its cycle. */
const FAST_MS = 50;
/** Name under which a site gives one period to all groups of a device. */
const ALL_GROUPS = "default";

export interface PollTerms {
  /** The site's word, by group; 0: once. */
  readonly pollMs: Readonly<Record<string, number>>;
  /** The device bears no polls more often. */
  readonly minimumPeriodMs: number;
  /** Of the control cycle that the device is read for; undefined: it is read for none. */
  readonly cycleMs: number | undefined;
}

/**
 * How often a group of a device is polled, ms; 0: once per connection. The site's word goes before
 * the profile's, the device's limit before both; what the profile reads once is read once.
 */
export function pollPeriodMs(
  group: { readonly name: string; readonly everyMs: number },
  { pollMs, minimumPeriodMs, cycleMs }: PollTerms,
): number {
  const { name, everyMs } = group;
  const givenMs = pollMs[name] ?? pollMs[ALL_GROUPS];
  if (everyMs === 0 || givenMs === 0) return 0;
  const minimumMs = Math.max(minimumPeriodMs, 1);
  if (cycleMs === undefined) return Math.max(givenMs ?? everyMs, minimumMs);
  return periodInCycles({ everyMs, givenMs }, minimumMs, cycleMs);
}

/**
 * Period of a group of a device that is read for a control cycle: what feeds the loop is read in
 * each cycle, and everything else in a whole number of cycles, or a whole number of times per
 * cycle. So all of its reads keep their place in the cycle.
 *
 * @param group `givenMs`: the site's word, undefined where it has none
 */
export function periodInCycles(
  group: { readonly everyMs: number; readonly givenMs: number | undefined },
  minimumMs: number,
  cycleMs: number,
): number {
  const { everyMs, givenMs } = group;
  const isFast = givenMs === undefined && everyMs <= FAST_MS;
  const wantedMs = isFast ? Math.min(everyMs, cycleMs) : (givenMs ?? everyMs);
  const leastMs = Math.max(wantedMs, minimumMs);
  if (leastMs <= cycleMs) return cycleMs / Math.floor(cycleMs / leastMs);
  const shorterMs = Math.floor(leastMs / cycleMs) * cycleMs;
  return shorterMs >= minimumMs ? shorterMs : Math.ceil(leastMs / cycleMs) * cycleMs;
}
