import { encodePdu } from "../../wire/mms/pdu.ts";
import { encodeReport, type Report, type ReportEntry } from "../../wire/mms/report.ts";

/** Lengths grow by some octets when more is in the same envelope. */
const LENGTH_SLACK_OCTETS = 16;

export interface ReportPdus {
  readonly pdus: readonly Uint8Array[];
  /** Values that are longer than any PDU of this client. */
  readonly dropped: number;
}

/**
 * A report as PDUs of at most `pduOctets`: one, or segments of one.
 *
 * @see IEC 61850-7-2, section 17.2.3.2 (SubSeqNum, MoreSegmentsFollow)
 */
export function reportPdus(report: Report, dataSetSize: number, pduOctets: number): ReportPdus {
  const whole = pduOf(report, dataSetSize);
  if (whole.length <= pduOctets) return { pdus: [whole], dropped: 0 };
  const options = new Set(report.options).add("segmentation");
  const segmented = { ...report, options, subSequence: 0, moreFollows: true };
  const envelope = pduOf({ ...segmented, entries: [] }, dataSetSize).length + LENGTH_SLACK_OCTETS;
  const segments: ReportEntry[][] = [];
  let room = 0;
  let dropped = 0;
  for (const entry of report.entries) {
    const alone = pduOf({ ...segmented, entries: [entry] }, dataSetSize).length;
    const octets = alone - envelope + LENGTH_SLACK_OCTETS;
    if (alone > pduOctets) {
      dropped += 1;
      continue;
    }
    if (octets > room || segments.length === 0) {
      segments.push([]);
      room = pduOctets - envelope;
    }
    segments.at(-1)?.push(entry);
    room -= octets;
  }
  const pdus = segments.map((entries, subSequence) => {
    const moreFollows = subSequence < segments.length - 1;
    return pduOf({ ...segmented, entries, subSequence, moreFollows }, dataSetSize);
  });
  return { pdus, dropped };
}

function pduOf(report: Report, dataSetSize: number): Uint8Array {
  return encodePdu({ kind: "information-report", report: encodeReport(report, dataSetSize) });
}
