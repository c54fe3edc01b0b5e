import type { UtcMs } from "./time.ts";

/** A zone whose racks have to lose load, as control knows it at this moment. */
export interface StandingShed {
  /** Asset of the zone. */
  readonly zone: string;
  /** Heat that has to go, W. */
  readonly powerW: number;
  /** The cause that came first. */
  readonly cause: string;
  /** Undefined: it stood already when control began. */
  readonly sinceUtc: UtcMs | undefined;
  /** It ends only when a person releases it. */
  readonly isLatched: boolean;
}

/** Every request that stands: a level, so that nothing is lost with a restart of either side. */
export interface ShedLevel {
  /** How long control has run, ms: a young one may not have found again what it asked for. */
  readonly upMs: number;
  readonly sheds: readonly StandingShed[];
}

/** A request of which too little is confirmed, in words for a person. */
export interface UnconfirmedShed {
  readonly zone: string;
  readonly text: string;
}

/** What services tells control whenever it asks for the level. */
export interface ShedWord {
  readonly unconfirmed: readonly UnconfirmedShed[];
}
