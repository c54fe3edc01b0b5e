import type { Severity } from "../domain/event.ts";
import { type UtcMs, utcMs } from "../domain/time.ts";
import { utf8Length } from "../domain/utf8.ts";
import { SEVERITY_RANK } from "./alarm-record.ts";
import type { Shelf } from "./shelves.ts";

/** An acknowledgement as it is saved. */
export interface SavedAck {
  readonly key: string;
  /** Of the alarm then: a graver one calls anew. */
  readonly severity: Severity;
  readonly by: string;
  readonly at: UtcMs;
}

/** What outlives a restart of the board. */
export interface AlarmMemory {
  /** The newest first. */
  readonly acks: readonly SavedAck[];
  readonly shelves: readonly Shelf[];
}

const VERSION = 1;

/**
 * As text of at most so many bytes; the oldest acknowledgements that do not fit are left out, so
 * that after a restart those alarms call once more.
 */
export function writeMemory(
  { acks, shelves }: AlarmMemory,
  bytesMax: number,
): { readonly text: string; readonly forgotten: number } {
  const kept: SavedAck[] = [];
  let bytes = utf8Length(JSON.stringify({ version: VERSION, acks: [], shelves }));
  for (const ack of acks) {
    bytes += utf8Length(JSON.stringify(ack)) + 1;
    if (bytes > bytesMax) break;
    kept.push(ack);
  }
  const text = JSON.stringify({ version: VERSION, acks: kept, shelves });
  return { text, forgotten: acks.length - kept.length };
}

/** Reads what was saved; anything else than a whole record is unreadable. */
export function readMemory(text: string): AlarmMemory | "unreadable" {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return "unreadable";
  }
  if (!isObject(document) || document["version"] !== VERSION) return "unreadable";
  const { acks, shelves } = document;
  if (!Array.isArray(acks) || !Array.isArray(shelves)) return "unreadable";
  if (!acks.every(isAck) || !shelves.every(isShelf)) return "unreadable";
  return {
    acks,
    shelves: shelves.map((shelf) => ({
      ...shelf,
      device: shelf.device,
      sinceUtc: utcMs(shelf.sinceUtc),
      untilUtc: utcMs(shelf.untilUtc),
    })),
  };
}

function isAck(value: unknown): value is SavedAck {
  if (!isObject(value)) return false;
  const { key, severity, by, at } = value;
  const isKnown = typeof severity === "string" && Object.hasOwn(SEVERITY_RANK, severity);
  return typeof key === "string" && typeof by === "string" && typeof at === "number" && isKnown;
}

function isShelf(value: unknown): value is Shelf {
  if (!isObject(value)) return false;
  const { id, device, by, reason, sinceUtc, untilUtc } = value;
  return (
    [id, by, reason].every((word) => typeof word === "string") &&
    (device === undefined || typeof device === "string") &&
    [sinceUtc, untilUtc].every((time) => typeof time === "number" && Number.isFinite(time))
  );
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
