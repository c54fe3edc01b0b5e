import type { BerReader } from "./ber-reader.ts";
import type { BerWriter } from "./ber-writer.ts";
import {
  readVariableAccess,
  readVariables,
  writeVariableAccess,
  writeVariables,
} from "./object-name.ts";
import type { VariableAccess, VariableName } from "./object-name.ts";
import { SERVICE_TAG } from "./request.ts";
import { readType, type TypeSpec, writeType } from "./type-spec.ts";
import { type AccessResult, readAccessResult, writeAccessResult } from "./value.ts";

/**
 * Answers to confirmed requests. Our own server writes them, the client reads them.
 *
 * @see ISO 9506-2, production ConfirmedServiceResponse
 */

/** "accepted", or the code of `dataAccessErrorWord`. */
export type WriteResult = "accepted" | { readonly code: number };

export type MmsResponse =
  | {
      readonly service: "status";
      /** 0 state changes allowed … 3 support services only. */
      readonly logical: number;
      /** 0 operational, 1 partially, 2 inoperable, 3 needs commissioning. */
      readonly physical: number;
    }
  | {
      readonly service: "identify";
      readonly vendor: string;
      readonly model: string;
      readonly revision: string;
    }
  | {
      readonly service: "getNameList";
      readonly names: readonly string[];
      readonly moreFollows: boolean;
    }
  | {
      readonly service: "read";
      /** The specification, when it was asked for. */
      readonly access: VariableAccess | undefined;
      readonly results: readonly AccessResult[];
    }
  | { readonly service: "write"; readonly results: readonly WriteResult[] }
  | {
      readonly service: "getVariableAccessAttributes";
      readonly isDeletable: boolean;
      readonly type: TypeSpec;
    }
  | {
      readonly service: "getNamedVariableListAttributes";
      readonly isDeletable: boolean;
      readonly variables: readonly VariableName[];
    }
  | { readonly service: "defineNamedVariableList" }
  | {
      readonly service: "deleteNamedVariableList";
      readonly matched: number;
      readonly deleted: number;
    }
  | { readonly service: "unknown"; readonly tag: number };

const VISIBLE_STRING = 0x1a;
const STATUS = 0xa0;
const IDENTIFY = 0xa2;
const DEFINED = 0x8b;
const COUNT_MAX = 0x7fff_ffff;
const STATE_MAX = 0xff;
const ERROR_CODE_MAX = 0xff;

/** Steps to the next element and reads it as a response. @throws WireError */
export function readResponse(reader: BerReader): MmsResponse {
  const tag = reader.next();
  switch (tag) {
    case SERVICE_TAG.read:
      return readReadResponse(reader.enter());
    case SERVICE_TAG.write:
      return { service: "write", results: reader.enter().list(readWriteResult) };
    case SERVICE_TAG.getNameList:
      return readNameList(reader.enter());
    case STATUS:
      return readStatus(reader.enter());
    case IDENTIFY:
      return readIdentify(reader.enter());
    case SERVICE_TAG.getVariableAccessAttributes:
      return readAttributes(reader.enter());
    case SERVICE_TAG.getNamedVariableListAttributes: {
      const fields = reader.enter();
      const isDeletable = fields.expect(0x80).boolean();
      const variables = readVariables(fields.expect(0xa1).enter());
      return { service: "getNamedVariableListAttributes", isDeletable, variables };
    }
    case DEFINED:
      reader.nothing();
      return { service: "defineNamedVariableList" };
    case SERVICE_TAG.deleteNamedVariableList: {
      const fields = reader.enter();
      const matched = fields.expect(0x80).integerWithin(0, COUNT_MAX);
      const deleted = fields.expect(0x81).integerWithin(0, COUNT_MAX);
      return { service: "deleteNamedVariableList", matched, deleted };
    }
    default:
      return { service: "unknown", tag };
  }
}

function readReadResponse(fields: BerReader): MmsResponse {
  const access = fields.optional(0xa0) ? readVariableAccess(fields.enter()) : undefined;
  const results = fields.expect(0xa1).enter().list(readAccessResult);
  fields.finish();
  return { service: "read", access, results };
}

function readWriteResult(list: BerReader): WriteResult {
  switch (list.next()) {
    case 0x80:
      return { code: list.integerWithin(0, ERROR_CODE_MAX) };
    case 0x81:
      list.nothing();
      return "accepted";
    default:
      throw list.unexpected();
  }
}

function readNameList(fields: BerReader): MmsResponse {
  const names = fields
    .expect(0xa0)
    .enter()
    .list((list) => list.expect(VISIBLE_STRING).name());
  // Absent means true: ISO 9506-2 gives the default.
  const moreFollows = fields.optional(0x81) ? fields.boolean() : true;
  fields.finish();
  return { service: "getNameList", names, moreFollows };
}

function readStatus(fields: BerReader): MmsResponse {
  const logical = fields.expect(0x80).integerWithin(0, STATE_MAX);
  const physical = fields.expect(0x81).integerWithin(0, STATE_MAX);
  return { service: "status", logical, physical };
}

function readIdentify(fields: BerReader): MmsResponse {
  const vendor = fields.expect(0x80).text();
  const model = fields.expect(0x81).text();
  const revision = fields.expect(0x82).text();
  return { service: "identify", vendor, model, revision };
}

function readAttributes(fields: BerReader): MmsResponse {
  const isDeletable = fields.expect(0x80).boolean();
  fields.optional(0xa1); // An address, which only a device of its own kind uses.
  const type = readType(fields.expect(0xa2).enter());
  fields.finish();
  return { service: "getVariableAccessAttributes", isDeletable, type };
}

export function writeResponse(writer: BerWriter, response: MmsResponse): void {
  switch (response.service) {
    case "defineNamedVariableList":
      writer.nothing(DEFINED);
      return;
    case "unknown":
      writer.nothing(response.tag);
      return;
    case "status":
      writer.nest(STATUS, () => {
        writer.integer(0x80, response.logical).integer(0x81, response.physical);
      });
      return;
    case "identify":
      writer.nest(IDENTIFY, () => {
        writer.text(0x80, response.vendor).text(0x81, response.model);
        writer.text(0x82, response.revision);
      });
      return;
    default:
      writer.nest(SERVICE_TAG[response.service], () => {
        writeFields(writer, response);
      });
  }
}

type WithFields = Exclude<
  MmsResponse,
  { service: "defineNamedVariableList" | "unknown" | "status" | "identify" }
>;

function writeFields(writer: BerWriter, response: WithFields): void {
  switch (response.service) {
    case "read":
      writeReadFields(writer, response);
      return;
    case "write":
      for (const result of response.results) {
        if (result === "accepted") writer.nothing(0x81);
        else writer.integer(0x80, result.code);
      }
      return;
    case "getNameList":
      writer.nest(0xa0, () => {
        for (const name of response.names) writer.name(VISIBLE_STRING, name);
      });
      writer.boolean(0x81, response.moreFollows);
      return;
    case "getVariableAccessAttributes":
      writer.boolean(0x80, response.isDeletable);
      writer.nest(0xa2, () => {
        writeType(writer, response.type);
      });
      return;
    case "getNamedVariableListAttributes":
      writer.boolean(0x80, response.isDeletable);
      writeVariables(writer, 0xa1, response.variables);
      return;
    case "deleteNamedVariableList":
      writer.integer(0x80, response.matched).integer(0x81, response.deleted);
  }
}

function writeReadFields(
  writer: BerWriter,
  response: Extract<MmsResponse, { service: "read" }>,
): void {
  const { access } = response;
  if (access !== undefined) {
    writer.nest(0xa0, () => {
      writeVariableAccess(writer, access);
    });
  }
  writer.nest(0xa1, () => {
    for (const result of response.results) writeAccessResult(writer, result);
  });
}
