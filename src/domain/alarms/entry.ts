/** What an operator has to know of one kind of alarm or event. */
export interface AlarmEntry {
  /** Stable for ever, as in `PlantEvent.id`. */
  readonly id: string;
  /** What is the case, in one sentence. */
  readonly means: string;
  /** What the gateway has already done when the operator reads it. */
  readonly done: string;
  /** What a person should do. */
  readonly remedy: string;
  readonly reset: AlarmReset;
}

/**
 * How it ends. `itself`: with its cause. `device`: acknowledged at the device or in its own
 * software, after the cause is gone. `operator`: a latched trip, by the `reset` command on the box,
 * after the cause is gone. `release`: by `release` on the box. `never`: it happened
 * once and has no end.
 */
export type AlarmReset = "itself" | "device" | "operator" | "release" | "never";

export interface AlarmChapter {
  readonly title: string;
  readonly entries: readonly AlarmEntry[];
}
