import { type ReportBlock, reportBlockName } from "../../wire/mms/names.ts";
import { valueOfType } from "../../wire/mms/type-fit.ts";
import { memberType, type TypeSpec } from "../../wire/mms/type-spec.ts";
import type { MmsValue } from "../../wire/mms/value.ts";
import type { Dialogue } from "./dialogue.ts";
import type { CallTerms, EngineWriteOutcome } from "./engine.ts";
import { hexOf } from "./hex.ts";
import { readName } from "./reading.ts";
import type { Types } from "./typing.ts";
import { writeName } from "./writing.ts";

/** Fields of a report control block that a client sets. @see IEC 61850-8-1, section 17.1 */
export type BlockField =
  | "RptID"
  | "RptEna"
  | "Resv"
  | "ResvTms"
  | "DatSet"
  | "OptFlds"
  | "BufTm"
  | "TrgOps"
  | "IntgPd"
  | "GI"
  | "PurgeBuf"
  | "EntryID";

/** A block as the device has it: editions differ in the fields, so they go by their names. */
export class BlockAccess {
  readonly block: ReportBlock;
  readonly #dialogue: Dialogue;
  readonly #type: TypeSpec;
  readonly #fields: ReadonlyMap<string, MmsValue>;

  private constructor(
    from: { readonly dialogue: Dialogue; readonly block: ReportBlock; readonly type: TypeSpec },
    fields: ReadonlyMap<string, MmsValue>,
  ) {
    this.block = from.block;
    this.#dialogue = from.dialogue;
    this.#type = from.type;
    this.#fields = fields;
  }

  /** Undefined when the device has no such block. */
  static async read(
    from: { readonly dialogue: Dialogue; readonly types: Types; readonly block: ReportBlock },
    terms: CallTerms,
  ): Promise<BlockAccess | undefined> {
    const { dialogue, types, block } = from;
    const { ld, ln, isBuffered, name } = block;
    const type = await types.typeOf({ ld, ln, fc: isBuffered ? "BR" : "RP", path: [name] }, terms);
    if (type?.kind !== "structure") return undefined;
    const value = await readName(dialogue, reportBlockName(block), terms);
    if (value.kind !== "structure" || value.members.length !== type.members.length) {
      return undefined;
    }
    const fields = new Map<string, MmsValue>();
    for (const [at, member] of type.members.entries()) {
      const field = value.members[at];
      if (field !== undefined) fields.set(member.name, field);
    }
    return new BlockAccess({ dialogue, block, type }, fields);
  }

  has(field: BlockField): boolean {
    return memberType(this.#type, [field]) !== undefined;
  }

  isSet(field: BlockField): boolean {
    const value = this.#fields.get(field);
    return value?.kind === "boolean" && value.value;
  }

  text(field: "RptID" | "DatSet"): string {
    const value = this.#fields.get(field);
    return value?.kind === "text" || value?.kind === "unicode" ? value.value : "";
  }

  number(field: "ConfRev" | "ResvTms"): number | undefined {
    const value = this.#fields.get(field);
    if (value?.kind !== "integer" && value?.kind !== "unsigned") return undefined;
    return typeof value.value === "number" ? value.value : undefined;
  }

  /** Who has the block, as its address is written; undefined when the device does not say. */
  get owner(): string | undefined {
    const value = this.#fields.get("Owner");
    if (value?.kind !== "octets" || value.bytes.every((octet) => octet === 0)) return undefined;
    return value.bytes.length === 4 ? value.bytes.join(".") : hexOf(value.bytes);
  }

  /** Longest text that a field takes. */
  sizeOf(field: "RptID"): number {
    const type = memberType(this.#type, [field]);
    return type?.kind === "text" || type?.kind === "unicode" ? Math.abs(type.size) : 0;
  }

  /** A number, text or flag as the device's type of this field; undefined when it is not one. */
  valueOf(field: BlockField, plain: boolean | number | string): MmsValue | undefined {
    const type = memberType(this.#type, [field]);
    if (type === undefined) return undefined;
    if (typeof plain !== "string") return valueOfType(type, plain);
    if (type.kind !== "text" && type.kind !== "unicode") return undefined;
    return valueOfType(type, { kind: type.kind, value: plain });
  }

  /**
   * Whether the block already has this value. What is equal is not written: some fields of a
   * buffered block, written, empty its buffer.
   */
  holds(field: BlockField, value: MmsValue): boolean {
    const present = this.#fields.get(field);
    if (present?.kind !== value.kind) return false;
    if (present.kind === "bits" && value.kind === "bits") {
      return hexOf(present.bytes) === hexOf(value.bytes);
    }
    return "value" in present && "value" in value && present.value === value.value;
  }

  async write(field: BlockField, value: MmsValue, terms: CallTerms): Promise<EngineWriteOutcome> {
    return writeName(this.#dialogue, reportBlockName(this.block, field), value, terms);
  }
}
