import { GatewayError } from "../../src/domain/errors.ts";
import type { Clock } from "../../src/domain/time.ts";
import type { LatchRecord } from "../../src/platform/latch-files.ts";

/** What a disk does with the next records: takes them, is full, or fails. */
export type DiskMood = "good" | "full" | "failing";

type File = { readonly generation: number; readonly content: string } | "absent" | "torn";

/**
 * The two files of a latch record on a disk that takes its time, refuses, or loses power while it
 * writes: what stands in them then is what a restart finds.
 */
export class VirtualDisk {
  mood: DiskMood = "good";
  /** Records that came to nothing, and writes that a kill cut off. */
  readonly counts = { saved: 0, refused: 0, torn: 0 };
  readonly #clock: Clock;
  readonly #saveMs: () => number;
  #files: [File, File] = ["absent", "absent"];
  #generation = 0;
  /** Grows with each kill: a write that began before it never ends. */
  #life = 0;
  #last: Promise<void> = Promise.resolve();

  constructor(clock: Clock, saveMs: () => number) {
    this.#clock = clock;
    this.#saveMs = saveMs;
  }

  /** What a start finds. */
  load(): LatchRecord {
    const [first, second] = this.#files;
    const [newest, other] =
      generationOf(first) >= generationOf(second) ? [first, second] : [second, first];
    this.#generation = generationOf(newest);
    if (typeof newest === "object")
      return {
        state: "valid",
        content: newest.content,
        other: typeof other === "object" ? "valid" : other === "torn" ? "unreadable" : "absent",
      };
    const isAbsent = first === "absent" && second === "absent";
    return { state: isAbsent ? "absent" : "unreadable" };
  }

  async save(content: string): Promise<void> {
    const life = this.#life;
    const turn = this.#last.catch(() => undefined).then(async () => this.#write(content, life));
    this.#last = turn;
    await turn;
  }

  /** The process that writes is killed. */
  kill(): void {
    this.#life += 1;
    this.#last = Promise.resolve();
  }

  /** Both files are damaged. */
  damage(): void {
    this.#files = ["torn", "torn"];
  }

  /** Nothing was ever saved here. */
  forget(): void {
    this.#files = ["absent", "absent"];
  }

  async #write(content: string, life: number): Promise<void> {
    if (life !== this.#life) return;
    const generation = this.#generation + 1;
    const place = generation % 2;
    this.#files[place] = "torn";
    await this.#clock.sleep(this.#saveMs());
    if (life !== this.#life) {
      this.counts.torn += 1;
      return;
    }
    if (this.mood !== "good") {
      this.counts.refused += 1;
      throw new GatewayError(this.mood === "full" ? "STORE_FULL" : "STORE_IO", {});
    }
    this.#files[place] = { generation, content };
    this.#generation = generation;
    this.counts.saved += 1;
  }
}

function generationOf(file: File): number {
  return typeof file === "object" ? file.generation : 0;
}
