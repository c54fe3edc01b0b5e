import type { BerReader } from "./ber-reader.ts";
import type { BerWriter } from "./ber-writer.ts";
import {
  readObjectName,
  readVariableAccess,
  readVariables,
  writeObjectName,
  writeVariableAccess,
  writeVariables,
} from "./object-name.ts";
import type { ObjectName, VariableAccess, VariableName } from "./object-name.ts";
import { type MmsValue, readValue, writeValue } from "./value.ts";

/**
 * Confirmed requests. The client writes them, our own server reads them.
 *
 * @see ISO 9506-2, production ConfirmedServiceRequest; IEC 61850-8-1, section 5 (services used)
 */

export type NameClass = "variable" | "variable-list" | "domain" | "other";

export type NameScope =
  | { readonly of: "device" }
  | { readonly of: "domain"; readonly domain: string }
  | { readonly of: "association" };

export type MmsRequest =
  | { readonly service: "status"; readonly isExtended: boolean }
  | { readonly service: "identify" }
  | {
      readonly service: "getNameList";
      readonly class: NameClass;
      readonly scope: NameScope;
      /** The last name of the part before; undefined for the first part. */
      readonly continueAfter: string | undefined;
    }
  | {
      readonly service: "read";
      /** True to have the specification echoed in the answer. */
      readonly isSpecificationWanted: boolean;
      readonly access: VariableAccess;
    }
  | {
      readonly service: "write";
      readonly access: VariableAccess;
      readonly values: readonly MmsValue[];
    }
  | { readonly service: "getVariableAccessAttributes"; readonly name: ObjectName }
  | { readonly service: "getNamedVariableListAttributes"; readonly name: ObjectName }
  | {
      readonly service: "defineNamedVariableList";
      readonly name: ObjectName;
      readonly variables: readonly VariableName[];
    }
  | {
      readonly service: "deleteNamedVariableList";
      /** These lists; or every one of a scope, which no client of ours asks. */
      readonly names: readonly ObjectName[] | "all-of-scope";
    }
  /** A service that this stack does not have: the server rejects it by its tag. */
  | { readonly service: "unknown"; readonly tag: number };

export const SERVICE_TAG = {
  status: 0x80,
  getNameList: 0xa1,
  identify: 0x82,
  read: 0xa4,
  write: 0xa5,
  getVariableAccessAttributes: 0xa6,
  defineNamedVariableList: 0xab,
  getNamedVariableListAttributes: 0xac,
  deleteNamedVariableList: 0xad,
} as const;

/** Object classes that IEC 61850 names; the others of ISO 9506 lie between and beyond. */
const NAME_CLASSES = { variable: 0, "variable-list": 2, domain: 9 } as const;
const NAME_CLASS_MAX = 0x7f;
const SPECIFIC_LISTS = 0;
const SCOPE_MAX = 3;

/** Steps to the next element and reads it as a request. @throws WireError */
export function readRequest(reader: BerReader): MmsRequest {
  const tag = reader.next();
  switch (tag) {
    case SERVICE_TAG.read:
      return readReadRequest(reader.enter());
    case SERVICE_TAG.write:
      return readWriteRequest(reader.enter());
    case SERVICE_TAG.getNameList:
      return readNameListRequest(reader.enter());
    case SERVICE_TAG.status:
      return { service: "status", isExtended: reader.boolean() };
    case SERVICE_TAG.identify:
      reader.nothing();
      return { service: "identify" };
    case SERVICE_TAG.getVariableAccessAttributes: {
      const choice = reader.enter().expect(0xa0).enter();
      return { service: "getVariableAccessAttributes", name: readObjectName(choice) };
    }
    case SERVICE_TAG.getNamedVariableListAttributes:
      return {
        service: "getNamedVariableListAttributes",
        name: readObjectName(reader.enter()),
      };
    case SERVICE_TAG.defineNamedVariableList: {
      const fields = reader.enter();
      const name = readObjectName(fields);
      const variables = readVariables(fields.expect(0xa0).enter());
      fields.finish();
      return { service: "defineNamedVariableList", name, variables };
    }
    case SERVICE_TAG.deleteNamedVariableList:
      return readDeleteRequest(reader.enter());
    default:
      return { service: "unknown", tag };
  }
}

function readReadRequest(fields: BerReader): MmsRequest {
  const isSpecificationWanted = fields.optional(0x80) && fields.boolean();
  const access = readVariableAccess(fields.expect(0xa1).enter());
  fields.finish();
  return { service: "read", isSpecificationWanted, access };
}

function readWriteRequest(fields: BerReader): MmsRequest {
  const access = readVariableAccess(fields);
  const values = fields.expect(0xa0).enter().list(readValue);
  fields.finish();
  return { service: "write", access, values };
}

function readNameListRequest(fields: BerReader): MmsRequest {
  const code = fields.expect(0xa0).enter().expect(0x80).integerWithin(0, NAME_CLASS_MAX);
  const scope = readScope(fields.expect(0xa1).enter());
  const continueAfter = fields.optional(0x82) ? fields.name() : undefined;
  fields.finish();
  return { service: "getNameList", class: nameClassOf(code), scope, continueAfter };
}

function nameClassOf(code: number): NameClass {
  for (const [name, known] of Object.entries(NAME_CLASSES)) {
    if (known === code) return name as keyof typeof NAME_CLASSES;
  }
  return "other";
}

function readScope(choice: BerReader): NameScope {
  switch (choice.next()) {
    case 0x80:
      return { of: "device" };
    case 0x81:
      return { of: "domain", domain: choice.name() };
    case 0x82:
      return { of: "association" };
    default:
      throw choice.unexpected();
  }
}

function readDeleteRequest(fields: BerReader): MmsRequest {
  const scope = fields.optional(0x80) ? fields.integerWithin(0, SCOPE_MAX) : SPECIFIC_LISTS;
  const names = fields.optional(0xa1) ? fields.enter().list(readObjectName) : [];
  fields.optional(0x82);
  fields.finish();
  return {
    service: "deleteNamedVariableList",
    names: scope === SPECIFIC_LISTS ? names : "all-of-scope",
  };
}

export function writeRequest(writer: BerWriter, request: MmsRequest): void {
  switch (request.service) {
    case "read":
      writer.nest(SERVICE_TAG.read, () => {
        if (request.isSpecificationWanted) writer.boolean(0x80, true);
        writer.nest(0xa1, () => {
          writeVariableAccess(writer, request.access);
        });
      });
      return;
    case "write":
      writer.nest(SERVICE_TAG.write, () => {
        writeVariableAccess(writer, request.access);
        writer.nest(0xa0, () => {
          for (const value of request.values) writeValue(writer, value);
        });
      });
      return;
    case "getNameList":
      writeNameListRequest(writer, request);
      return;
    case "status":
      writer.boolean(SERVICE_TAG.status, request.isExtended);
      return;
    case "identify":
      writer.nothing(SERVICE_TAG.identify);
      return;
    case "unknown":
      writer.nothing(request.tag);
      return;
    default:
      writeListRequest(writer, request);
  }
}

type ListRequest = Extract<
  MmsRequest,
  {
    service:
      | "getVariableAccessAttributes"
      | "getNamedVariableListAttributes"
      | "defineNamedVariableList"
      | "deleteNamedVariableList";
  }
>;

function writeListRequest(writer: BerWriter, request: ListRequest): void {
  writer.nest(SERVICE_TAG[request.service], () => {
    switch (request.service) {
      case "getVariableAccessAttributes":
        writer.nest(0xa0, () => {
          writeObjectName(writer, request.name);
        });
        return;
      case "getNamedVariableListAttributes":
        writeObjectName(writer, request.name);
        return;
      case "defineNamedVariableList":
        writeObjectName(writer, request.name);
        writeVariables(writer, 0xa0, request.variables);
        return;
      case "deleteNamedVariableList":
        writeDeleteRequest(writer, request.names);
    }
  });
}

function writeDeleteRequest(
  writer: BerWriter,
  names: readonly ObjectName[] | "all-of-scope",
): void {
  if (names === "all-of-scope") {
    writer.integer(0x80, SCOPE_MAX);
    return;
  }
  writer.nest(0xa1, () => {
    for (const name of names) writeObjectName(writer, name);
  });
}

type NameListRequest = Extract<MmsRequest, { service: "getNameList" }>;

function writeNameListRequest(writer: BerWriter, request: NameListRequest): void {
  const { scope, continueAfter } = request;
  writer.nest(SERVICE_TAG.getNameList, () => {
    const code = request.class === "other" ? NAME_CLASS_MAX : NAME_CLASSES[request.class];
    writer.nest(0xa0, () => writer.integer(0x80, code));
    writer.nest(0xa1, () => {
      if (scope.of === "device") writer.nothing(0x80);
      else if (scope.of === "domain") writer.name(0x81, scope.domain);
      else writer.nothing(0x82);
    });
    if (continueAfter !== undefined) writer.name(0x82, continueAfter);
  });
}
