import type { PlantEvent } from "../domain/event.ts";
import { GatewayError } from "../domain/errors.ts";
import { type AbortSignalLike, type Clock, isAborted } from "../domain/time.ts";
import type { LatchFiles } from "../platform/latch-files.ts";
import type { Logger } from "../platform/log.ts";

/** How long a record that could not be saved waits for its next try, and how often it is tried. */
export const SAVE_RETRY_MS = 1_000;
export const SAVE_TRIES_MAX = 60;
/** What waits to be told until it is on the disk; one more is told at once. */
const WAITING_MAX = 64;

export interface LatchKeeperParts {
  readonly latches: Pick<LatchFiles, "save">;
  readonly clock: Clock;
  readonly signal: AbortSignalLike;
  /** Device of the events. */
  readonly device: string;
  readonly onEvent: (event: PlantEvent) => void;
  readonly log: Logger;
}

/** Told once: when the record is on the disk, or when the first try to put it there failed. */
type Tell = (isSaved: boolean) => void;

/**
 * Saves the latches of trips, and holds back until then whatever would claim that they are saved.
 * A trip has acted before it comes here; the disk holds up nothing but words.
 */
export class LatchKeeper {
  readonly #parts: LatchKeeperParts;
  #content = "";
  #wanted = 0;
  #saved = 0;
  #waiting: { readonly revision: number; readonly tell: Tell }[] = [];
  #isSaving = false;
  /** The revision that was tried often enough; only a newer one is tried again. */
  #givenUp = 0;
  #isRaised = false;

  constructor(parts: LatchKeeperParts) {
    this.#parts = parts;
  }

  /**
   * @param revision of the latches as they are now; `content` is asked for when it is a new one
   * @param tell undefined: nobody waits for it
   */
  keep(revision: number, content: () => string, tell?: Tell): void {
    if (revision !== this.#wanted) {
      this.#wanted = revision;
      this.#content = content();
    }
    if (this.#wanted === this.#saved) {
      tell?.(true);
      return;
    }
    if (revision === this.#givenUp) {
      tell?.(false);
      return;
    }
    if (tell !== undefined) this.#wait(revision, tell);
    if (!this.#isSaving) void this.#save();
  }

  #wait(revision: number, tell: Tell): void {
    if (this.#waiting.length < WAITING_MAX) this.#waiting.push({ revision, tell });
    else tell(false);
  }

  async #save(): Promise<void> {
    const { latches, clock, signal } = this.#parts;
    this.#isSaving = true;
    let failed = 0;
    while (this.#wanted !== this.#saved && failed < SAVE_TRIES_MAX) {
      const revision = this.#wanted;
      try {
        await latches.save(this.#content);
        this.#saved = revision;
        failed = 0;
        this.#release(revision, true);
        this.#tellFailure(undefined);
      } catch (error) {
        if (!(error instanceof GatewayError)) throw error;
        failed += 1;
        this.#tellFailure(error);
        this.#release(revision, false);
        await clock.sleep(SAVE_RETRY_MS, signal).catch(() => undefined);
        if (isAborted(signal)) break;
      }
    }
    if (this.#wanted !== this.#saved) this.#givenUp = this.#wanted;
    this.#isSaving = false;
  }

  #release(revision: number, isSaved: boolean): void {
    const due = this.#waiting.filter((waiting) => waiting.revision <= revision);
    this.#waiting = this.#waiting.filter((waiting) => waiting.revision > revision);
    for (const { tell } of due) tell(isSaved);
  }

  #tellFailure(error: GatewayError | undefined): void {
    const isActive = error !== undefined;
    if (isActive === this.#isRaised) return;
    this.#isRaised = isActive;
    const { onEvent, device, clock, log } = this.#parts;
    if (isActive) log.error({ event: "latches-not-saved", code: error.code }, error.message);
    onEvent({
      id: "latches-not-saved",
      severity: "critical",
      phase: isActive ? "raised" : "cleared",
      device,
      point: undefined,
      text: isActive
        ? "trips are in force, but the disk does not take them: a restart would not know them"
        : "the latched trips are on the disk",
      at: clock.utcNow(),
    });
  }
}
