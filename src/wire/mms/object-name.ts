import type { BerReader } from "./ber-reader.ts";
import type { BerWriter } from "./ber-writer.ts";

/**
 * Names of MMS objects and which of them a service means.
 *
 * @see ISO 9506-2, productions ObjectName and VariableAccessSpecification
 */

export type ObjectName =
  | { readonly scope: "device"; readonly item: string }
  | { readonly scope: "domain"; readonly domain: string; readonly item: string }
  | { readonly scope: "association"; readonly item: string };

export interface VariableName {
  readonly name: ObjectName;
  /** Which part of an array or structure is meant, as encoded; undefined for the whole. */
  readonly alternateAccess: Uint8Array | undefined;
}

/** What a read, a write or a report is about. */
export type VariableAccess =
  | { readonly by: "names"; readonly variables: readonly VariableName[] }
  | { readonly by: "list"; readonly list: ObjectName };

const SEQUENCE = 0x30;
const VISIBLE_STRING = 0x1a;
const LIST_OF_VARIABLE = 0xa0;
const LIST_NAME = 0xa1;
const ALTERNATE_ACCESS = 0xa5;

/** Steps to the next element and reads it as a name. @throws WireError */
export function readObjectName(reader: BerReader): ObjectName {
  switch (reader.next()) {
    case 0x80:
      return { scope: "device", item: reader.name() };
    case 0xa1: {
      const fields = reader.enter();
      const domain = fields.expect(VISIBLE_STRING).name();
      const item = fields.expect(VISIBLE_STRING).name();
      fields.finish();
      return { scope: "domain", domain, item };
    }
    case 0x82:
      return { scope: "association", item: reader.name() };
    default:
      throw reader.unexpected();
  }
}

export function writeObjectName(writer: BerWriter, name: ObjectName): void {
  switch (name.scope) {
    case "device":
      writer.name(0x80, name.item);
      return;
    case "association":
      writer.name(0x82, name.item);
      return;
    case "domain":
      writer.nest(0xa1, () => {
        writer.name(VISIBLE_STRING, name.domain).name(VISIBLE_STRING, name.item);
      });
  }
}

/** Reads a row of variables, with part or whole of each. @throws WireError */
export function readVariables(list: BerReader): readonly VariableName[] {
  return list.list((rows): VariableName => {
    const row = rows.expect(SEQUENCE).enter();
    const choice = row.expect(0xa0).enter();
    const name = readObjectName(choice);
    choice.finish();
    const alternateAccess = row.optional(ALTERNATE_ACCESS) ? row.copy() : undefined;
    row.finish();
    return { name, alternateAccess };
  });
}

export function writeVariables(
  writer: BerWriter,
  tag: number,
  variables: readonly VariableName[],
): void {
  writer.nest(tag, () => {
    for (const { name, alternateAccess } of variables) {
      writer.nest(SEQUENCE, () => {
        writer.nest(0xa0, () => {
          writeObjectName(writer, name);
        });
        if (alternateAccess !== undefined) writer.octets(ALTERNATE_ACCESS, alternateAccess);
      });
    }
  });
}

/** Steps to the next element and reads it as a specification. @throws WireError */
export function readVariableAccess(reader: BerReader): VariableAccess {
  switch (reader.next()) {
    case LIST_OF_VARIABLE:
      return { by: "names", variables: readVariables(reader.enter()) };
    case LIST_NAME: {
      const choice = reader.enter();
      const list = readObjectName(choice);
      choice.finish();
      return { by: "list", list };
    }
    default:
      throw reader.unexpected();
  }
}

export function writeVariableAccess(writer: BerWriter, access: VariableAccess): void {
  if (access.by === "names") {
    writeVariables(writer, LIST_OF_VARIABLE, access.variables);
    return;
  }
  writer.nest(LIST_NAME, () => {
    writeObjectName(writer, access.list);
  });
}

/** Whole variables by their names. */
export function byNames(names: readonly ObjectName[]): VariableAccess {
  return {
    by: "names",
    variables: names.map((name) => ({ name, alternateAccess: undefined })),
  };
}
