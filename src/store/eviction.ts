import type { Block, BlockIndex } from "./blocks.ts";
import { type Sqlite, usedBytes } from "./database.ts";
import type { Delivery } from "./delivery.ts";
import type { Losses } from "./losses.ts";
import type { Marks } from "./marks.ts";
import { ROW_OVERHEAD_BYTES, type RowTables } from "./row-tables.ts";
import { ROW_CLASSES, type RowClass, type StoreLevel, type StoreLimits } from "./rows.ts";

/** Shares of the quota at which something happens (G5). */
const WARNING_SHARE = 0.7;
const EVICTING_SHARE = 0.8;
const CRITICAL_SHARE = 0.95;
const LEVEL_HYSTERESIS = 0.03;
/** How full the file may be before unsent rows of a class go: 4 and 3 first, 0 last of all. */
const GIVE_UP_SHARE: Readonly<Record<RowClass, number>> = {
  4: EVICTING_SHARE,
  3: EVICTING_SHARE,
  2: CRITICAL_SHARE,
  1: 0.97,
  0: 0.985,
};
const CHEAPEST_FIRST: readonly RowClass[] = [...ROW_CLASSES].reverse();

/** The parts of the store that giving rows up touches. */
export interface Holdings {
  readonly db: Sqlite;
  readonly tables: RowTables;
  readonly blocks: BlockIndex;
  readonly delivery: Delivery;
  readonly marks: Marks;
  readonly losses: Losses;
}

/** A level is left only when the share is clearly below it: eviction holds it just there. */
export function levelOf(usedShare: number, before: StoreLevel): StoreLevel {
  const level = plainLevelOf(usedShare);
  return plainLevelOf(usedShare + LEVEL_HYSTERESIS) === before ? before : level;
}

function plainLevelOf(usedShare: number): StoreLevel {
  if (usedShare >= CRITICAL_SHARE) return "critical";
  if (usedShare >= EVICTING_SHARE) return "evicting";
  return usedShare >= WARNING_SHARE ? "warning" : "normal";
}

/**
 * Gives rows up, inside a transaction of the caller. Order: what was sent and is only history; what
 * was sent and is still protected; what waits, cheapest class first. Inside a class the oldest go
 * first.
 */
export class Eviction {
  readonly #holdings: Holdings;
  readonly #limits: StoreLimits;
  /** Less than the configured quota while the disk holds less than that. */
  quotaBytes: number;
  /** Rows that had waited and were given up in this transaction. */
  #gaveUp = 0;

  constructor(holdings: Holdings, limits: StoreLimits) {
    this.#holdings = holdings;
    this.#limits = limits;
    this.quotaBytes = limits.quotaBytes;
  }

  /**
   * Makes room for `incomingBytes` under the quota, while there still is some.
   *
   * @returns how many waiting rows were given up
   */
  makeRoom(incomingBytes: number): number {
    const isOver = (share: number): boolean => {
      return usedBytes(this.#holdings.db) + incomingBytes > share * this.quotaBytes;
    };
    if (!isOver(EVICTING_SHARE)) return 0;
    return this.#giveUpWhile((rowClass) => isOver(GIVE_UP_SHARE[rowClass]), isOver(EVICTING_SHARE));
  }

  /** After SQLITE_FULL: frees at least `bytes` of what is there, whatever the quota says. */
  freeAtLeast(bytes: number): number {
    const before = usedBytes(this.#holdings.db);
    const isShort = (): boolean => before - usedBytes(this.#holdings.db) < bytes;
    return this.#giveUpWhile(isShort, true);
  }

  /** Deletes history that is too old or, together with what is still protected, too much. */
  trimHistory(now: number): void {
    const { blocks, delivery, tables } = this.#holdings;
    const sent: Block[] = [];
    let bytes = 0;
    for (const rowClass of ROW_CLASSES) {
      for (const block of blocks.of(rowClass)) {
        if (!delivery.settled.intersects(block.firstId, block.lastId)) continue;
        sent.push(block);
        bytes += block.bytes;
      }
    }
    sent.sort((a, b) => a.firstId - b.firstId);
    for (const block of sent) {
      const isTooOld = now - block.storedAt > this.#limits.historyMs;
      if (!isTooOld && bytes <= this.#limits.historyBytes) continue;
      if (delivery.stateOf(block, tables) !== "history") continue;
      bytes -= block.bytes;
      this.#delete(block);
    }
  }

  #giveUpWhile(isShort: (rowClass: RowClass) => boolean, isHistoryToo: boolean): number {
    this.#gaveUp = 0;
    // Sent rows go as soon as anything has to go; they do not wait for their class's mark.
    if (isHistoryToo) {
      for (const state of ["history", "retained"] as const) {
        this.#deleteSent(state, () => isShort(4));
      }
    }
    for (const rowClass of CHEAPEST_FIRST) {
      for (let block = this.#oldest(rowClass); block !== undefined;) {
        if (!isShort(rowClass)) return this.#gaveUp;
        this.#delete(block);
        block = this.#oldest(rowClass);
      }
    }
    return this.#gaveUp;
  }

  #deleteSent(state: "history" | "retained", isShort: () => boolean): void {
    const { blocks, delivery, tables } = this.#holdings;
    for (const rowClass of CHEAPEST_FIRST) {
      for (const block of [...blocks.of(rowClass)]) {
        if (!isShort()) return;
        if (delivery.stateOf(block, tables) === state) this.#delete(block);
      }
    }
  }

  #oldest(rowClass: RowClass): Block | undefined {
    return this.#holdings.blocks.of(rowClass)[0];
  }

  #delete(block: Block): void {
    const { blocks, delivery, losses, marks, tables } = this.#holdings;
    marks.save(Math.max(tables.maxId(), block.lastId));
    const { settled } = delivery;
    if (!settled.covers(block.firstId, block.lastId)) {
      const heads = tables.heads(block.class, block.firstId, block.lastId);
      const unsent = heads.filter(({ id }) => !settled.has(id));
      losses.record(block.class, unsent, "evicted");

      for (const { id } of unsent) this.#gaveUp += delivery.markGone(id, id);
    }
    tables.delete(block.class, block.firstId, block.lastId);
    blocks.remove(block);
  }
}

/** What rows will take in the file: payloads, identities, and pages that are not quite full. */
export function bytesOnDisk(payloadBytes: number, rows: number): number {
  return Math.ceil(1.1 * (payloadBytes + rows * ROW_OVERHEAD_BYTES));
}
