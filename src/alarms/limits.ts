/** Named bounds of the alarm board; times in ms. */
export interface AlarmLimits {
  /** Alarms that are remembered; beyond it see `AlarmBoard.counts`. */
  readonly recordsMax: number;
  /** Alarms that call in `callWindowMs`; what else comes is collected. Trips always call. */
  readonly callsMax: number;
  readonly callWindowMs: number;
  /** Calls that are kept to be shown. */
  readonly callsKept: number;
  /** Alarms of one kind that begin within this time of each other may share a cause … */
  readonly gatherMs: number;
  /** … when there are so many of them, or so many behind one connection. */
  readonly gatherMin: number;
  readonly gatherMinOnSegment: number;
  /** What follows the last one of such a group within this time belongs to it. */
  readonly joinMs: number;
  /** So many beginnings within this time are chatter: then it is over only after that time. */
  readonly chatterCount: number;
  readonly chatterMs: number;
  /** What follows from a cause may outlast it for so long. */
  readonly afterCauseMs: number;
  readonly shelvesMax: number;
  readonly shelfMaxMs: number;
  /** Of a name, and of a reason, characters. */
  readonly nameMax: number;
  readonly reasonMax: number;
  /** After a restart of its source an alarm has this long to be told again. */
  readonly reconfirmMs: number;
  /** After a restart of the board what was acknowledged is known again for this long. */
  readonly restoreMs: number;
  /** Largest saved record, bytes; the oldest acknowledgements beyond it are forgotten. */
  readonly savedBytesMax: number;
}

export const ALARM_LIMITS: AlarmLimits = {
  recordsMax: 4_096,
  callsMax: 10,
  callWindowMs: 600_000,
  callsKept: 64,
  gatherMs: 5_000,
  gatherMin: 5,
  gatherMinOnSegment: 2,
  joinMs: 30_000,
  chatterCount: 3,
  chatterMs: 60_000,
  afterCauseMs: 5_000,
  shelvesMax: 30,
  shelfMaxMs: 8 * 3_600_000,
  nameMax: 40,
  reasonMax: 80,
  reconfirmMs: 60_000,
  restoreMs: 120_000,
  savedBytesMax: 28_000,
};
