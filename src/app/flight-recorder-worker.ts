import { workerData } from "node:worker_threads";
import { folderDisk, type RecordingLimits, SegmentFiles } from "./flight-recorder-files.ts";
import { SharedRing } from "./flight-recorder-ring.ts";

/** What the thread is started with. */
export interface RecorderThreadData {
  readonly memory: SharedArrayBuffer;
  readonly folder: string;
  readonly limits: RecordingLimits;
}

/** A power cut takes no more than this from the record, ms … */
const SYNC_MS = 5_000;
/** … and a kill of the process no more than this. */
const LOOK_MS = 50;

/** The thread that writes what the cycle's thread has put into the ring. */
function main({ memory, folder, limits }: RecorderThreadData): void {
  const ring = new SharedRing(memory);
  const files = new SegmentFiles(folderDisk(folder), limits);
  let syncedAt = Date.now();
  for (;;) {
    const record = ring.take();
    if (record !== undefined) {
      const reason = files.take(record.kind, record.content);
      if (reason !== undefined) ring.fail(reason);
    } else if (ring.isStopping) break;
    else ring.wait(LOOK_MS);
    if (Math.abs(Date.now() - syncedAt) < SYNC_MS) continue;
    files.sync();
    syncedAt = Date.now();
  }
  files.close();
}

main(workerData as RecorderThreadData);
