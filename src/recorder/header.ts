import type { ControlPlan } from "../control/plan.ts";
import { readUtf8 } from "../domain/utf8.ts";
import { malformed } from "./byte-reader.ts";
import { FORMAT_VERSION } from "./segment.ts";

/** What a segment says of itself, as JSON: readable without any of this code. */
export interface SegmentHeader {
  readonly format: number;
  /** Of the gateway, and of the machine that ran it: another one need not come to the same bits. */
  readonly version: string;
  readonly engine: string;
  readonly site: string;
  readonly gateway: string;
  /** Names the run of control. */
  readonly epoch: number;
  readonly startedUtc: number;
  readonly periodMs: number;
  readonly tableHash: string;
  readonly planHash: string;
  /** For people; a snapshot has it with every bit. */
  readonly plan: ControlPlan;
  /** Points that control sees: place in the table, id, unit. */
  readonly points: readonly (readonly [index: number, id: string, unit: string | null])[];
}

/** @throws GatewayError FILE_UNREADABLE, also for another version of the format */
export function readHeader(content: Uint8Array): SegmentHeader {
  const text = readUtf8(content);
  let header: unknown;
  try {
    header = JSON.parse(text ?? "");
  } catch {
    throw malformed("its header is no JSON");
  }
  if (typeof header !== "object" || header === null || !("format" in header))
    throw malformed("its header says nothing of its format");
  const { format } = header;
  if (format !== FORMAT_VERSION) throw malformed(`its format is ${String(format)}, not 1`);
  return header as SegmentHeader;
}
