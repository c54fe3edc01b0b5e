import type { Backlog, OutboxRow, Publisher, TakeRequest } from "../northbound/publisher.ts";
import type { Store } from "../store/store.ts";

/**
 * The store as the publisher's backlog. It remembers which rows the live lane took, so that the
 * store does not bring them back while they are on their way.
 */
export class StoreBacklog implements Backlog {
  readonly #store: Store;
  /** Rows given to the live lane that the store does not know as sent yet. */
  readonly #onTheWay = new Set<number>();
  #publisher: Publisher | undefined;

  constructor(store: Store) {
    this.#store = store;
  }

  follow(publisher: Publisher): void {
    this.#publisher = publisher;
  }

  async take(request: TakeRequest): Promise<readonly OutboxRow[]> {
    for (const id of this.#onTheWay) if (!request.skip(id)) this.#onTheWay.delete(id);
    const rows = await this.#store.takeBacklog({
      limit: request.limit,
      maxBytes: request.maxBytes,
      exclude: this.#onTheWay,
      beforeId: Number.MAX_SAFE_INTEGER,
    });
    return rows.filter(({ id }) => !request.skip(id));
  }

  markSent(ids: readonly number[]): void {
    this.#store.markSent(ids);
    for (const id of ids) this.#onTheWay.delete(id);
  }

  publishRow(row: OutboxRow): boolean {
    const isTaken = this.#publisher?.publishRow(row) ?? false;
    if (isTaken) this.#onTheWay.add(row.id);
    return isTaken;
  }
}
