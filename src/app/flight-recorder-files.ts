import {
  closeSync,
  fdatasyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import path from "node:path";
import { MAGIC, recordHead, type RecordKind } from "../recorder/segment.ts";
import type { SinkReason } from "./flight-recorder-ring.ts";

const OWNER_ONLY = 0o600;
const FOLDER_MODE = 0o750;
const NAME = /^flight-(\d{8})\.dcpr$/;
const NUMBER_DIGITS = 8;
/** Every restart begins a segment: of short ones there may be so many for each long one. */
const SHORT_SEGMENTS = 8;

export interface RecordingLimits {
  readonly segmentBytes: number;
  readonly segments: number;
}

/** As much of a folder as segments need; a test gives one of a full disk. */
export interface SegmentDisk {
  /** Names with lengths. */
  list(): readonly { readonly name: string; readonly bytes: number }[];
  create(name: string): number;
  /** Returns how many bytes were written, which may be too few. */
  write(file: number, bytes: Uint8Array): number;
  truncate(file: number, length: number): void;
  sync(file: number): void;
  close(file: number): void;
  remove(name: string): void;
}

/** Names of the segments of a folder, oldest first. */
export function segmentNames(names: readonly string[]): readonly string[] {
  return names.filter((name) => NAME.test(name)).sort();
}

export function folderDisk(folder: string): SegmentDisk {
  mkdirSync(folder, { recursive: true, mode: FOLDER_MODE });
  return {
    list: () =>
      segmentNames(readdirSync(folder)).map((name) => ({
        name,
        bytes: statSync(path.join(folder, name)).size,
      })),
    create: (name) => openSync(path.join(folder, name), "wx", OWNER_ONLY),
    write: (file, bytes) => writeSync(file, bytes),
    truncate: ftruncateSync,
    sync: fdatasyncSync,
    close: closeSync,
    remove: (name) => {
      rmSync(path.join(folder, name), { force: true });
    },
  };
}

/**
 * A ring of segment files: a header begins a new one, and the oldest go when all together are too
 * large, or too many. A record that the disk does not take whole is cut off again, and its segment
 * is at its end: what follows is taken from the next header on.
 */
export class SegmentFiles {
  readonly #disk: SegmentDisk;
  readonly #limits: RecordingLimits;
  #file: number | undefined;
  #length = 0;
  #number: number;
  readonly #files: { readonly name: string; bytes: number }[];

  constructor(disk: SegmentDisk, limits: RecordingLimits) {
    this.#disk = disk;
    this.#limits = limits;
    this.#files = disk.list().map(({ name, bytes }) => ({ name, bytes }));
    this.#number = Number(NAME.exec(this.#files.at(-1)?.name ?? "")?.[1] ?? 0);
  }

  /** Why a record is not kept; undefined: it is. Without a segment a record is passed over. */
  take(kind: RecordKind, content: Uint8Array): SinkReason | undefined {
    try {
      if (kind === "header") this.#begin();
      if (this.#file === undefined) return undefined;
      this.#write(this.#file, recordHead(kind, content));
      this.#write(this.#file, content);
      this.#length += this.#pending;
      this.#pending = 0;
      const current = this.#files.at(-1);
      if (current !== undefined) current.bytes = this.#length;
      return undefined;
    } catch (error) {
      this.#abandon();
      return reasonOf(error);
    }
  }

  #pending = 0;

  sync(): void {
    if (this.#file === undefined) return;
    try {
      this.#disk.sync(this.#file);
    } catch {
      // The next write tells.
    }
  }

  close(): void {
    if (this.#file === undefined) return;
    this.sync();
    this.#disk.close(this.#file);
    this.#file = undefined;
  }

  #begin(): void {
    this.close();
    this.#evict();
    this.#number += 1;
    const name = `flight-${String(this.#number).padStart(NUMBER_DIGITS, "0")}.dcpr`;
    const file = this.#disk.create(name);
    this.#files.push({ name, bytes: 0 });
    this.#file = file;
    this.#length = 0;
    this.#pending = 0;
    this.#write(file, MAGIC);
  }

  /** Before a new segment there is room for it. */
  #evict(): void {
    const { segmentBytes, segments } = this.#limits;
    const total = (): number => this.#files.reduce((sum, { bytes }) => sum + bytes, 0);
    while (
      this.#files.length > 0 &&
      (total() > segmentBytes * (segments - 1) || this.#files.length >= segments * SHORT_SEGMENTS)
    ) {
      const oldest = this.#files.shift();
      if (oldest !== undefined) this.#disk.remove(oldest.name);
    }
  }

  #write(file: number, bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length) {
      const written = this.#disk.write(file, bytes.subarray(at));
      if (written <= 0) throw new DiskStands();
      at += written;
    }
    this.#pending += bytes.length;
  }

  /** What was written in full stays. */
  #abandon(): void {
    const file = this.#file;
    this.#file = undefined;
    if (file === undefined) return;
    const isEmpty = this.#length === 0;
    const gone = isEmpty ? this.#files.pop() : undefined;
    for (const step of [
      () => {
        this.#disk.truncate(file, this.#length);
      },
      () => {
        this.#disk.close(file);
      },
      () => {
        if (gone !== undefined) this.#disk.remove(gone.name);
      },
    ])
      try {
        step();
      } catch {
        // A disk that fails may fail again: a torn end is found by its reader.
      }
  }
}

class DiskStands extends Error {
  override readonly name = "DiskStands";
}

function reasonOf(error: unknown): SinkReason {
  const { code } = error as NodeJS.ErrnoException;
  return code === "ENOSPC" || code === "EDQUOT" ? "the disk is full" : "the disk does not take it";
}
