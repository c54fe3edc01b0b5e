import type { ReportOption, Trigger } from "../wire/mms/report.ts";
import { attributeOf, childOf, childrenOf, countOf, flagOf } from "./elements.ts";
import type { SclDataSet, SclReport } from "./model.ts";
import type { SclFindings } from "./problem.ts";
import type { XmlElement } from "./xml-reader.ts";

/** Highest number of an instance that has two digits. */
const INSTANCES_MAX = 99;

const TRIGGERS: readonly (readonly [string, SclReport["triggers"][number], boolean])[] = [
  ["dchg", "data-change", false],
  ["qchg", "quality-change", false],
  ["dupd", "data-update", false],
  ["period", "integrity", false],
  ["gi", "general-interrogation", true],
];

const OPTIONS: readonly (readonly [string, ReportOption, boolean])[] = [
  ["seqNum", "sequence-number", false],
  ["timeStamp", "report-time", false],
  ["reasonCode", "reason", false],
  ["dataSet", "data-set", false],
  ["dataRef", "data-reference", false],
  ["bufOvfl", "buffer-overflow", true],
  ["entryID", "entry-id", false],
  ["configRef", "configuration-revision", false],
];

/** These two only a buffered block has. */
const OF_BUFFERED: ReadonlySet<ReportOption> = new Set(["buffer-overflow", "entry-id"]);

/**
 * Report control blocks of a logical node.
 *
 * @see IEC 61850-6, section 9.3.8 (report control block definition)
 */
export function reportsOf(
  node: XmlElement,
  dataSets: readonly SclDataSet[],
  findings: SclFindings,
): readonly SclReport[] {
  return childrenOf(node, "ReportControl").map((element) => {
    const { line, column } = element;
    const name = attributeOf(element, "name");
    const dataSet = textOf(element, "datSet");
    const isThere = dataSet === undefined || dataSets.some((set) => set.name === dataSet);
    if (!isThere) {
      const message = `the data set "${dataSet}" of the report block "${name}" is not there`;
      findings.warning(element, message);
    }
    const isBuffered = flagOf(element, "buffered", false);
    const isIndexed = flagOf(element, "indexed", true);
    const enabled = childOf(element, "RptEnabled");
    return {
      name,
      isBuffered,
      instances: isIndexed ? Math.min(countOf(enabled, "max") ?? 1, INSTANCES_MAX) : undefined,
      dataSet: isThere ? dataSet : undefined,
      reportId: textOf(element, "rptID"),
      configurationRevision: countOf(element, "confRev") ?? 0,
      integrityMs: countOf(element, "intgPd") ?? 0,
      bufferMs: countOf(element, "bufTime") ?? 0,
      triggers: triggersOf(childOf(element, "TrgOps")),
      options: optionsOf(childOf(element, "OptFields"), isBuffered),
      line,
      column,
    };
  });
}

function textOf(element: XmlElement, name: string): string | undefined {
  const text = attributeOf(element, name);
  return text === "" ? undefined : text;
}

function triggersOf(element: XmlElement | undefined): readonly Exclude<Trigger, "application">[] {
  return TRIGGERS.filter(([name, , byDefault]) => flagOf(element, name, byDefault)).map(
    ([, trigger]) => trigger,
  );
}

function optionsOf(element: XmlElement | undefined, isBuffered: boolean): readonly ReportOption[] {
  return OPTIONS.filter(([name, , byDefault]) => flagOf(element, name, byDefault))
    .map(([, option]) => option)
    .filter((option) => isBuffered || !OF_BUFFERED.has(option));
}
