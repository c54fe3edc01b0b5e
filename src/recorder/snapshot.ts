import type { ControlState } from "../control/state.ts";
import { type UtcMs, utcMs } from "../domain/time.ts";
import { ByteReader, malformed } from "./byte-reader.ts";
import { RecordedImage } from "./image-changes.ts";
import { readPlain } from "./plain.ts";

/** What a reader begins with. */
export interface Snapshot {
  readonly utc: UtcMs;
  readonly image: RecordedImage;
  readonly state: ControlState;
}

/** More than any site has. */
const POINTS_MAX = 10_000_000;

/** @throws GatewayError FILE_UNREADABLE */
export function readSnapshot(content: Uint8Array): Snapshot {
  const bytes = new ByteReader(content);
  const utc = utcMs(bytes.number());
  const pointCount = bytes.whole();
  if (pointCount > POINTS_MAX) throw malformed("no site has so many points");
  const image = new RecordedImage(pointCount);
  image.take(bytes);
  const state = readPlain(bytes);
  if (typeof state !== "object" || state === null || !("cycledAt" in state))
    throw malformed("a snapshot without a state");
  return { utc, image, state: state as ControlState };
}
