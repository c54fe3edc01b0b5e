import type { Alarms } from "./alarms.ts";
import { type Client, isSameAddress } from "./client.ts";

const NOBODY = new Uint8Array(0);

/**
 * To whom a report block belongs: to the association that reserved or enabled it, and a buffered
 * one for a while after the link was lost to whoever comes from the same address.
 *
 * @see IEC 61850-7-2, sections 17.2.2.2.13 (ResvTms) and 17.2.4.2.4 (Resv)
 */
export class Reservation {
  readonly #alarms: Alarms;
  #client: Client | undefined;
  #absent: Uint8Array | undefined;
  #forget: () => void = () => undefined;
  /** Reserved on purpose, not just by enabling. */
  isExplicit = false;
  /** How long it outlives its association, s. */
  keepS = 0;

  constructor(alarms: Alarms) {
    this.#alarms = alarms;
  }

  get client(): Client | undefined {
    return this.#client;
  }

  /** Address of the owner; empty when there is none. */
  get owner(): Uint8Array {
    return this.#client?.address ?? this.#absent ?? NOBODY;
  }

  isFreeFor(client: Client): boolean {
    if (this.#client !== undefined) return this.#client === client;
    return this.#absent === undefined || isSameAddress(this.#absent, client.address);
  }

  take(client: Client): void {
    this.#forget();
    this.#absent = undefined;
    this.#client = client;
  }

  release(): void {
    this.#forget();
    this.#client = undefined;
    this.#absent = undefined;
    this.isExplicit = false;
    this.keepS = 0;
  }

  /** The association of the owner has ended. */
  lost(): void {
    const { owner, keepS } = this;
    if (keepS === 0) {
      this.release();
      return;
    }
    this.#client = undefined;
    this.#absent = owner;
    this.#forget = this.#alarms.after(keepS * 1000, () => {
      this.release();
    });
  }
}
