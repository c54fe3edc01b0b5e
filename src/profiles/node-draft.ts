import { parseReference, type Reference } from "../wire/mms/names.ts";
import type { PointMeaning } from "./define.ts";
import type { PointLine } from "./schema-point.ts";

/** A point line of a device that speaks IEC 61850, on its way to a binding. */
export interface NodeDraft {
  readonly line: PointLine;
  readonly path: string;
  readonly meaning: PointMeaning;
}

/** Undefined for a text that is no reference. @param text `MMXU1.TotW`, `LD2/MMXU1.TotW.mag.f` */
export function nodePlace(
  text: string,
  fc: string,
  root: string | undefined,
): Reference | undefined {
  const whole = text.includes("/") ? text : `${root ?? ""}/${text}`;
  return parseReference(`${whole}[${fc}]`);
}
