import { closeSync, fsyncSync, openSync, rmSync, statfsSync, statSync, writeSync } from "node:fs";
import { randomFillSync } from "node:crypto";
import { join } from "node:path";

const FILE = "ballast";
const PIECE_BYTES = 64 * 1024;
const QUOTA_SHARE = 0.02;
/** The disk must have this many times the ballast free before it is taken. */
const SPARE = 3;

/**
 * A file that only takes room. On a full disk SQLite cannot even delete; giving the ballast back
 * lets it.
 */
export class Ballast {
  readonly #directory: string;
  readonly #file: string;
  readonly #bytes: number;
  #written = 0;

  constructor(directory: string, quotaBytes: number) {
    this.#directory = directory;
    this.#file = join(directory, FILE);
    this.#bytes = Math.ceil(quotaBytes * QUOTA_SHARE);
  }

  /** Written for nothing but room since the process started, bytes. */
  get written(): number {
    return this.#written;
  }

  get isLoaded(): boolean {
    return statSync(this.#file, { throwIfNoEntry: false })?.size === this.#bytes;
  }

  /** Takes the room; false when there is none to take, and then none is kept. */
  load(): boolean {
    if (this.isLoaded) return true;
    const { bavail, bsize } = statfsSync(this.#directory);
    // Not the last of the room, and not a try that would only wear the flash.
    if (bavail * bsize < SPARE * this.#bytes) return false;
    // Random, because some file systems store zeros in no room at all.
    const piece = randomFillSync(new Uint8Array(Math.min(PIECE_BYTES, this.#bytes)));
    let file: number | undefined;
    try {
      file = openSync(this.#file, "w", 0o600);
      for (let left = this.#bytes; left > 0; left -= piece.byteLength) {
        writeSync(file, piece, 0, Math.min(left, piece.byteLength));
      }
      fsyncSync(file);
      this.#written += this.#bytes;
      return true;
    } catch {
      // No room, or no right to it: the store works without, as on a disk that is full.
      rmSync(this.#file, { force: true });
      return false;
    } finally {
      if (file !== undefined) closeSync(file);
    }
  }

  release(): void {
    rmSync(this.#file, { force: true });
  }
}
