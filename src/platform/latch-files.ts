import { createHash } from "node:crypto";
import { assert } from "../domain/assert.ts";
import { GatewayError } from "../domain/errors.ts";
import { readBounded, writeDurably } from "./files.ts";

/** What the latch files say at a start. */
export type LatchRecord =
  /** Neither file exists: nothing was ever saved here. */
  | { readonly state: "absent" }
  | {
      readonly state: "valid";
      /** As given to `save`. */
      readonly content: string;
      /**
       * Of the other file, which holds the record before or after this one: `unreadable` may have
       * been a newer one whose saving was cut off, and so was never acknowledged.
       */
      readonly other: "valid" | "absent" | "unreadable";
    }
  /** Something was saved and cannot be read. Treat everything as latched. */
  | { readonly state: "unreadable" };

const MARK = "dcpi-latches 1";
/** A latch takes 200 bytes, and a large site has thousands of rules. */
const MAX_LATCH_BYTES = 4 * 1024 * 1024;

interface LatchFile {
  readonly generation: number;
  readonly content: string;
}

/**
 * A small record in two files that are written by turns, each with its checksum: whatever happens
 * to one of them, the other one stands. For trip latches, which must survive everything.
 */
export class LatchFiles {
  readonly #paths: readonly [string, string];
  #generation: number | undefined;
  #waiting: { readonly content: string; readonly done: Promise<void> } | undefined;
  #last: Promise<void> = Promise.resolve();

  /** @param path without the `.a` and `.b` of the two files */
  constructor(path: string) {
    this.#paths = [`${path}.a`, `${path}.b`];
  }

  async load(): Promise<LatchRecord> {
    const [first, second] = await Promise.all(this.#paths.map(readLatchFile));
    assert(first !== undefined && second !== undefined, "there are two latch files");
    const [newest, other] =
      generationOf(first) >= generationOf(second) ? [first, second] : [second, first];
    this.#generation = generationOf(newest);
    if (typeof newest === "object") {
      const otherState = typeof other === "object" ? "valid" : other;
      return { state: "valid", content: newest.content, other: otherState };
    }
    const isAbsent = first === "absent" && second === "absent";
    return { state: isAbsent ? "absent" : "unreadable" };
  }

  /**
   * Resolves when the record is on the disk; only then may a latch be acknowledged. Call `load`
   * before. Of records that wait for the disk only the newest is written: it stands for the others.
   *
   * @throws GatewayError STORE_FULL or STORE_IO: the record before it still stands
   */
  async save(content: string): Promise<void> {
    assert(this.#generation !== undefined, "latches are loaded before they are saved");
    assert(Buffer.byteLength(content) < MAX_LATCH_BYTES / 2, "latches grew beyond their file");
    if (this.#waiting !== undefined) {
      this.#waiting = { content, done: this.#waiting.done };
    } else {
      const done = this.#last.catch(() => undefined).then(async () => this.#write());
      this.#waiting = { content, done };
      this.#last = done;
    }
    await this.#waiting.done;
  }

  async #write(): Promise<void> {
    assert(this.#waiting !== undefined && this.#generation !== undefined, "nothing to save");
    const { content } = this.#waiting;
    this.#waiting = undefined;
    const generation = this.#generation + 1;
    await writeDurably(this.#paths[generation % 2 === 0 ? 0 : 1], compose({ generation, content }));
    this.#generation = generation;
  }
}

function compose({ generation, content }: LatchFile): string {
  const body = `${generation}\n${content}`;
  return `${MARK}\n${checksum(body)}\n${body}`;
}

async function readLatchFile(path: string): Promise<LatchFile | "absent" | "unreadable"> {
  let bytes: Buffer | undefined;
  try {
    bytes = await readBounded(path, MAX_LATCH_BYTES);
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    return "unreadable";
  }
  if (bytes === undefined) return "absent";
  const [mark, sum, ...rest] = bytes.toString("utf8").split("\n");
  const body = rest.join("\n");
  const generation = Number(rest[0]);
  const isWhole = mark === MARK && sum === checksum(body) && Number.isSafeInteger(generation);
  return isWhole ? { generation, content: rest.slice(1).join("\n") } : "unreadable";
}

function generationOf(file: LatchFile | "absent" | "unreadable"): number {
  return typeof file === "object" ? file.generation : 0;
}

function checksum(body: string): string {
  return createHash("sha256").update(body).digest("hex");
}
