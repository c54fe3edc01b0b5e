import type { GooseReport } from "./goose-desk.ts";

/** A reader that hears nothing for a few of these knows that this process is gone. */
export const ALIVE_MS = 500;

/** A line of the socket of gateway-goose, as far as its reader needs it. */
export type GooseLine =
  /** Everything, at the beginning of a connection. */
  | { readonly kind: "states"; readonly reports: readonly HeardReport[] }
  | { readonly kind: "change"; readonly report: HeardReport }
  | { readonly kind: "alive" };

/** What a reader takes from a report. */
export type HeardReport = Pick<GooseReport, "name" | "quality" | "safeStateDemandedBy"> & {
  readonly fault: string | undefined;
};

const REPORTS_MAX = 64;
const RULES_MAX = 512;
const NAME_MAX = 64;

/** Reads a line; undefined when it is not wholly as it must be. Unknown fields are passed over. */
export function parseGooseLine(text: string): GooseLine | undefined {
  const line = jsonOf(text);
  if (!isObject(line)) return undefined;
  switch (line["kind"]) {
    case "alive":
      return { kind: "alive" };
    case "change": {
      const report = reportOf(line["report"]);
      return report === undefined ? undefined : { kind: "change", report };
    }
    case "states":
      return statesOf(line["reports"]);
    default:
      return undefined;
  }
}

function statesOf(list: unknown): GooseLine | undefined {
  if (!Array.isArray(list) || list.length > REPORTS_MAX) return undefined;
  const reports = list.map(reportOf);
  return reports.every((report) => report !== undefined) ? { kind: "states", reports } : undefined;
}

function reportOf(value: unknown): HeardReport | undefined {
  if (!isObject(value)) return undefined;
  const { name, quality, fault, safeStateDemandedBy } = value;
  if (!isName(name) || (quality !== "good" && quality !== "bad")) return undefined;
  if (fault !== undefined && !isName(fault)) return undefined;
  if (!Array.isArray(safeStateDemandedBy) || safeStateDemandedBy.length > RULES_MAX)
    return undefined;
  return safeStateDemandedBy.every(isName)
    ? { name, quality, fault, safeStateDemandedBy }
    : undefined;
}

function isName(value: unknown): value is string {
  return typeof value === "string" && value.length > 0 && value.length <= NAME_MAX;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
