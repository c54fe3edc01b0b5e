import type { TypeSpec } from "../../wire/mms/type-spec.ts";

/** Logical nodes whose types are kept, over all devices that share a cache. */
const NODES_MAX = 4_096;

/**
 * Types of logical nodes, kept from one association to the next as long as the device says that its
 * configuration is the same. One per device.
 */
export class TypeCache {
  readonly #types = new Map<string, TypeSpec>();
  readonly #revisions = new Map<string, string>();

  get size(): number {
    return this.#types.size;
  }

  /**
   * Tells which configuration a logical device has now; types of another one are forgotten.
   * @param revision undefined when it does not say: then nothing of before is believed
   */
  enter(ld: string, revision: string | undefined): void {
    if (revision !== undefined && this.#revisions.get(ld) === revision) return;
    for (const key of this.#types.keys()) {
      if (key.startsWith(`${ld}/`)) this.#types.delete(key);
    }
    if (revision === undefined) this.#revisions.delete(ld);
    else this.#revisions.set(ld, revision);
  }

  get(ld: string, ln: string): TypeSpec | undefined {
    return this.#types.get(`${ld}/${ln}`);
  }

  /** Beyond the limit the oldest is forgotten, and asked for again when it is needed. */
  put(ld: string, ln: string, type: TypeSpec): void {
    this.#types.set(`${ld}/${ln}`, type);
    if (this.#types.size <= NODES_MAX) return;
    for (const oldest of this.#types.keys()) {
      this.#types.delete(oldest);
      break;
    }
  }
}
