/**
 * What can be wrong with a simulated IED, by name. Several at a time; the same kind replaces
 * itself.
 *
 * - `refuse-association`: every association is refused by ACSE.
 * - `refuse-control`: commands are refused at a stage, with an additional cause.
 * - `fail-control`: commands are accepted and end badly: a negative termination where there is one.
 * - `late-termination`: terminations come `ms` later than they should.
 * - `missing-termination`: they never come, though the command is carried out.
 * - `occupied-block`: report blocks belong to somebody else.
 * - `configuration-changed`: at once, ConfRev of the blocks goes up by one.
 * - `buffer-overflow`: at once, buffered blocks lose what they hold, and say so.
 * - `blackhole`: nothing is answered, sent or closed any more on the associations that stand, nor
 *   on new ones.
 * - `cut-after-operate`: an Oper is carried out, and the connection is reset instead of an answer.
 */
export type MmsFault =
  | {
      readonly kind:
        | "refuse-association"
        | "missing-termination"
        | "occupied-block"
        | "configuration-changed"
        | "buffer-overflow"
        | "blackhole"
        | "cut-after-operate";
    }
  | {
      readonly kind: "refuse-control";
      readonly stage: ControlStage;
      /** A code of `additionalCauseWord`. */
      readonly additionalCause: number;
    }
  | { readonly kind: "fail-control"; readonly additionalCause: number }
  | { readonly kind: "late-termination"; readonly ms: number };

export type ControlStage = "select" | "operate" | "cancel";

export type MmsFaultKind = MmsFault["kind"];
