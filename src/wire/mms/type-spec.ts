import { assert } from "../../domain/assert.ts";
import type { BerReader } from "./ber-reader.ts";
import type { BerWriter } from "./ber-writer.ts";
import { DATA_TAG } from "./data-tags.ts";

/**
 * What a variable is made of, as a device describes it.
 *
 * @see ISO 9506-2, production TypeDescription
 */

export type TypeSpec =
  | { readonly kind: "boolean" | "utc-time" }
  /** `size` in bits, octets or characters; negative when it is only the most. */
  | { readonly kind: "bits" | "octets" | "text" | "unicode"; readonly size: number }
  | { readonly kind: "integer" | "unsigned"; readonly bits: number }
  | { readonly kind: "float"; readonly width: number; readonly exponentBits: number }
  | { readonly kind: "binary-time"; readonly hasDate: boolean }
  | { readonly kind: "structure"; readonly members: readonly NamedType[] }
  | { readonly kind: "array"; readonly count: number; readonly element: TypeSpec }
  /** A type that IEC 61850 does not use: kept as it came. */
  | { readonly kind: "foreign"; readonly tag: number; readonly bytes: Uint8Array };

export interface NamedType {
  readonly name: string;
  readonly type: TypeSpec;
}

const TAG = { ...DATA_TAG, float: 0xa7 } as const;

/** Named type, generalized time, BCD, object identifier. */
const FOREIGN_TAGS: ReadonlySet<number> = new Set([0x80, 0xa0, 0x8b, 0x8d, 0x8f]);
const SEQUENCE = 0x30;
const INTEGER = 0x02;
const SIZE_MAX = 0x7fff_ffff;
const WIDTH_MAX = 0xff;

/** Steps to the next element and reads it as a type. @throws WireError */
export function readType(reader: BerReader): TypeSpec {
  switch (reader.next()) {
    case TAG.structure:
      return readStructure(reader.descend());
    case TAG.array:
      return readArray(reader.descend());
    case TAG.boolean:
      reader.nothing();
      return { kind: "boolean" };
    case TAG["utc-time"]:
      reader.nothing();
      return { kind: "utc-time" };
    case TAG.integer:
      return { kind: "integer", bits: reader.integerWithin(1, WIDTH_MAX) };
    case TAG.unsigned:
      return { kind: "unsigned", bits: reader.integerWithin(1, WIDTH_MAX) };
    case TAG.float: {
      const fields = reader.enter();
      const width = fields.expect(INTEGER).integerWithin(1, WIDTH_MAX);
      return {
        kind: "float",
        width,
        exponentBits: fields.expect(INTEGER).integerWithin(1, WIDTH_MAX),
      };
    }
    default:
      return sizedType(reader);
  }
}

function sizedType(reader: BerReader): TypeSpec {
  const size = (): number => reader.integerWithin(-SIZE_MAX, SIZE_MAX);
  switch (reader.tag) {
    case TAG.bits:
      return { kind: "bits", size: size() };
    case TAG.octets:
      return { kind: "octets", size: size() };
    case TAG.text:
      return { kind: "text", size: size() };
    case TAG.unicode:
      return { kind: "unicode", size: size() };
    case TAG["binary-time"]:
      return { kind: "binary-time", hasDate: reader.boolean() };
    default:
      if (!FOREIGN_TAGS.has(reader.tag)) throw reader.unexpected();
      return { kind: "foreign", tag: reader.tag, bytes: reader.copy() };
  }
}

function readStructure(fields: BerReader): TypeSpec {
  fields.optional(0x80); // Packed or not is of no concern.
  const members = fields
    .expect(0xa1)
    .enter()
    .list((list): NamedType => {
      const member = list.expect(SEQUENCE).enter();
      const name = member.expect(0x80).name();
      const type = readType(member.expect(0xa1).enter());
      return { name, type };
    });
  return { kind: "structure", members };
}

function readArray(fields: BerReader): TypeSpec {
  fields.optional(0x80);
  const count = fields.expect(0x81).integerWithin(0, SIZE_MAX);
  return { kind: "array", count, element: readType(fields.expect(0xa2).enter()) };
}

export function writeType(writer: BerWriter, type: TypeSpec): void {
  switch (type.kind) {
    case "structure":
      writer.nest(TAG.structure, () => {
        writeMembers(writer, type.members);
      });
      return;
    case "array":
      writer.nest(TAG.array, () => {
        writer.integer(0x81, type.count);
        writer.nest(0xa2, () => {
          writeType(writer, type.element);
        });
      });
      return;
    case "boolean":
    case "utc-time":
      writer.nothing(TAG[type.kind]);
      return;
    case "integer":
    case "unsigned":
      writer.integer(TAG[type.kind], type.bits);
      return;
    case "float":
      writer.nest(TAG.float, () => {
        writer.integer(INTEGER, type.width).integer(INTEGER, type.exponentBits);
      });
      return;
    case "binary-time":
      writer.boolean(TAG["binary-time"], type.hasDate);
      return;
    case "foreign":
      assert(FOREIGN_TAGS.has(type.tag), "a foreign type has the tag of one");
      writer.octets(type.tag, type.bytes);
      return;
    default:
      writer.integer(TAG[type.kind], type.size);
  }
}

function writeMembers(writer: BerWriter, members: readonly NamedType[]): void {
  writer.nest(0xa1, () => {
    for (const { name, type } of members) {
      writer.nest(SEQUENCE, () => {
        writer.name(0x80, name);
        writer.nest(0xa1, () => {
          writeType(writer, type);
        });
      });
    }
  });
}

/** The type of a member within a type, by names; undefined when there is none. */
export function memberType(type: TypeSpec, path: readonly string[]): TypeSpec | undefined {
  let present: TypeSpec | undefined = type;
  for (const name of path) {
    if (present?.kind !== "structure") return undefined;
    present = present.members.find((member) => member.name === name)?.type;
  }
  return present;
}
