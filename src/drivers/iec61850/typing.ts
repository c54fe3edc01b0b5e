import { objectNameOf, type Reference } from "../../wire/mms/names.ts";
import { memberType, type TypeSpec } from "../../wire/mms/type-spec.ts";
import { responseOf } from "./answer.ts";
import type { Dialogue } from "./dialogue.ts";
import type { CallTerms } from "./engine.ts";
import { readName } from "./reading.ts";
import type { TypeCache } from "./type-cache.ts";

/** Types of one association: asked for once per logical node. */
export class Types {
  readonly #dialogue: Dialogue;
  readonly #cache: TypeCache;
  /** Logical devices whose configuration was compared in this association. */
  readonly #entered = new Set<string>();

  constructor(dialogue: Dialogue, cache: TypeCache) {
    this.#dialogue = dialogue;
    this.#cache = cache;
  }

  /** Undefined when the device does not have it. */
  async typeOf(reference: Reference, terms: CallTerms): Promise<TypeSpec | undefined> {
    const { ld, ln, fc, path } = reference;
    if (!this.#entered.has(ld)) await this.#compare(ld, terms);
    const node =
      this.#cache.get(ld, ln) ?? (await this.#ask({ ld, ln, fc: undefined, path: [] }, terms));
    if (node !== undefined) {
      this.#cache.put(ld, ln, node);
      return fc === undefined ? node : memberType(node, [fc, ...path]);
    }
    // A node too large for one answer, or a device that describes only parts.
    return fc === undefined ? undefined : this.#ask(reference, terms);
  }

  async #ask(reference: Reference, terms: CallTerms): Promise<TypeSpec | undefined> {
    const name = objectNameOf(reference);
    const answer = await this.#dialogue.request(
      { service: "getVariableAccessAttributes", name },
      terms,
    );
    return responseOf(answer, "getVariableAccessAttributes")?.type;
  }

  /** @see IEC 61850-7-3, section 7.9.3 (configRev of the LPL of LLN0) */
  async #compare(ld: string, terms: CallTerms): Promise<void> {
    const reference = { ld, ln: "LLN0", fc: "DC", path: ["NamPlt", "configRev"] } as const;
    const revision = await readName(this.#dialogue, objectNameOf(reference), terms);
    const isText = revision.kind === "text" || revision.kind === "unicode";
    this.#cache.enter(ld, isText && revision.value !== "" ? revision.value : undefined);
    this.#entered.add(ld);
  }
}
