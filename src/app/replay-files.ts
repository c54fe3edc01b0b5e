import { readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { GatewayError } from "../domain/errors.ts";
import { ByteReader } from "../recorder/byte-reader.ts";
import { readHeader, type SegmentHeader } from "../recorder/header.ts";
import { readSegment, type SegmentRecord } from "../recorder/segment.ts";
import { segmentNames } from "./flight-recorder-files.ts";

/** A record with the segment that it is from, or what a segment's end says. */
export type RecordingItem =
  | { readonly kind: "segment"; readonly file: string; readonly header: SegmentHeader }
  | { readonly kind: "record"; readonly file: string; readonly record: SegmentRecord }
  | ({ readonly kind: "torn"; readonly file: string } & Tear);

/** Where a file is no whole recording any more, and how much is behind it. */
export interface Tear {
  readonly at: number;
  readonly lostBytes: number;
}

/**
 * Files of a recording, oldest first: of a folder all its segments.
 *
 * @throws GatewayError FILE_UNREADABLE
 */
export function recordingFiles(place: string): readonly string[] {
  try {
    if (!statSync(place).isDirectory()) return [place];
    const names = segmentNames(readdirSync(place));
    if (names.length === 0)
      throw new GatewayError("FILE_UNREADABLE", { folder: place, reason: "no recording is in it" });
    return names.map((name) => path.join(place, name));
  } catch (cause) {
    if (cause instanceof GatewayError) throw cause;
    throw new GatewayError("FILE_UNREADABLE", { file: place }, { cause });
  }
}

/**
 * Everything in the files, in its order, one file in memory at a time.
 *
 * @throws GatewayError FILE_UNREADABLE
 */
export function* readRecording(files: readonly string[]): Generator<RecordingItem, void> {
  for (const file of files) {
    let bytes: Uint8Array;
    try {
      bytes = readFileSync(file);
    } catch (cause) {
      // The ring may give up its oldest file while it is read.
      if ((cause as NodeJS.ErrnoException).code === "ENOENT") continue;
      throw new GatewayError("FILE_UNREADABLE", { file }, { cause });
    }
    yield* itemsOf(file, bytes);
  }
}

/** The items of one segment. */
export function* itemsOf(file: string, bytes: Uint8Array): Generator<RecordingItem, void> {
  const records = readSegment(bytes);
  for (;;) {
    const { done, value } = records.next();
    if (done === true) {
      if (value.end === "torn")
        yield { kind: "torn", file, at: value.at, lostBytes: value.lostBytes };
      return;
    }
    if (value.kind === "header") yield { kind: "segment", file, header: readHeader(value.content) };
    else yield { kind: "record", file, record: value };
  }
}

/**
 * The items of a recording from the last snapshot before a time on: what is older is not needed to
 * play what follows. Undefined: from its beginning.
 *
 * @throws GatewayError FILE_UNREADABLE
 */
export function* itemsFrom(
  files: readonly string[],
  fromUtc: number | undefined,
): Generator<RecordingItem, void> {
  if (fromUtc === undefined) {
    yield* readRecording(files);
    return;
  }
  let first = 0;
  for (const [place, file] of files.entries()) {
    const begins = beginningOf(file);
    if (begins !== undefined && begins <= fromUtc) first = place;
  }
  const items = [...readRecording(files.slice(first, first + 1))];
  const start = items.findLastIndex(
    (item) => item.kind === "record" && snapshotUtc(item.record) <= fromUtc,
  );
  for (const [place, item] of items.entries())
    if (item.kind === "segment" || place >= start) yield item;
  yield* readRecording(files.slice(first + 1));
}

/** UTC ms of the first snapshot of a segment; undefined where it has none. */
function beginningOf(file: string): number | undefined {
  for (const item of readRecording([file]))
    if (item.kind === "record" && item.record.kind === "snapshot") return snapshotUtc(item.record);
  return undefined;
}

/** NaN, which is before and after nothing, for what is no snapshot. */
function snapshotUtc({ kind, content }: SegmentRecord): number {
  return kind === "snapshot" ? new ByteReader(content).number() : Number.NaN;
}
