import {
  type Answered,
  type MmsCalls,
  NO_ERROR,
  type NameKind,
} from "../../../native/mms-client.ts";
import { BerWriter } from "../../wire/mms/ber-writer.ts";
import type { ObjectName, VariableAccess } from "../../wire/mms/object-name.ts";
import { encodePdu } from "../../wire/mms/pdu.ts";
import type { MmsRequest } from "../../wire/mms/request.ts";
import type { MmsResponse } from "../../wire/mms/response.ts";
import { type MmsValue, writeValue } from "../../wire/mms/value.ts";
import {
  elementsOf,
  type Failure,
  failureOf,
  readResponsePdu,
  typeSpecOf,
} from "./native-answers.ts";

/** Names in one part of a directory. */
const NAMES_MAX = 500;
const UNSUPPORTED: Failure = { failure: "malformed" };

export type Served = { readonly pdu: Uint8Array } | Failure;

type Request<S extends MmsRequest["service"]> = Extract<MmsRequest, { service: S }>;

/** Carries out MMS requests of one association by calls of libiec61850, one at a time. */
export class RequestServer {
  readonly #client: MmsCalls;
  /** What is left of the directory that is being listed: the library has it as a whole. */
  #listing: { readonly of: string; readonly names: readonly string[]; at: number } | undefined;

  constructor(client: MmsCalls) {
    this.#client = client;
  }

  /** @throws GatewayError REQUEST_REFUSED, REPLY_MALFORMED; WireError */
  async serve(invokeId: number, request: MmsRequest): Promise<Served> {
    switch (request.service) {
      case "read":
        return this.#read(invokeId, request.access);
      case "write":
        return this.#write(invokeId, request);
      case "getNameList":
        return this.#list(invokeId, request);
      case "getVariableAccessAttributes":
        return this.#type(invokeId, request.name);
      case "getNamedVariableListAttributes":
        return this.#members(invokeId, request.name);
      case "status": {
        const answered = await this.#client.status();
        return respond(invokeId, answered, (found) => ({ service: "status", ...found }));
      }
      default:
        return unsupported(invokeId);
    }
  }

  async #read(invokeId: number, access: VariableAccess): Promise<Served> {
    if (access.by !== "names") return unsupported(invokeId);
    const names = access.variables.map(({ name }) => name);
    const runs = runsOf(names);
    if (runs === undefined) return unsupported(invokeId);
    const parts: Uint8Array[] = [];
    for (const { domain, items } of runs) {
      const read = await this.#readRun(domain, items);
      if (read.found === undefined) return failureOf(invokeId, read.error);
      parts.push(read.found);
    }
    return { pdu: readResponsePdu(invokeId, joined(parts)) };
  }

  async #readRun(domain: string, items: readonly string[]): Promise<Answered<Uint8Array>> {
    const [only, ...others] = items;
    if (only !== undefined && others.length === 0) return this.#client.read(domain, only);
    const { error, found } = await this.#client.readMany(domain, items);
    return { error, found: found === undefined ? undefined : elementsOf(found) };
  }

  async #write(invokeId: number, request: Request<"write">): Promise<Served> {
    const { access, values } = request;
    const [variable] = access.by === "names" ? access.variables : [];
    const [value] = values;
    if (variable?.name.scope !== "domain" || value === undefined || values.length !== 1) {
      return unsupported(invokeId);
    }
    const { domain, item } = variable.name;
    const { error, found: code = UNKNOWN_ACCESS } = await this.#client.write(
      domain,
      item,
      berOf(value),
    );
    if (error === NO_ERROR && code < 0) return writeResponse(invokeId, "accepted");
    if (code >= 0 && code <= LAST_ACCESS) return writeResponse(invokeId, { code });
    return failureOf(invokeId, error === NO_ERROR ? OTHER_ERROR : error);
  }

  async #list(invokeId: number, request: Request<"getNameList">): Promise<Served> {
    const kind = listKind(request);
    if (kind === undefined) return unsupported(invokeId);
    const domain = request.scope.of === "domain" ? request.scope.domain : "";
    const of = `${kind} ${domain}`;
    const { continueAfter } = request;
    if (continueAfter === undefined || this.#listing?.of !== of) {
      const { error, found } = await this.#client.names(kind, domain);
      if (found === undefined) return failureOf(invokeId, error);
      const at = continueAfter === undefined ? 0 : found.indexOf(continueAfter) + 1;
      this.#listing = { of, names: found, at };
    }
    const { names, at } = this.#listing;
    const part = names.slice(at, at + NAMES_MAX);
    this.#listing.at = at + part.length;
    const moreFollows = this.#listing.at < names.length;
    if (!moreFollows) this.#listing = undefined;
    const response = { service: "getNameList", names: part, moreFollows } as const;
    return { pdu: encodePdu({ kind: "confirmed-response", invokeId, response }) };
  }

  async #type(invokeId: number, name: ObjectName): Promise<Served> {
    if (name.scope !== "domain") return unsupported(invokeId);
    const answered = await this.#client.type(name.domain, name.item);
    const type = answered.found === undefined ? undefined : typeSpecOf(answered.found);
    if (answered.found !== undefined && type === undefined) return UNSUPPORTED;
    return respond(invokeId, { error: answered.error, found: type }, (found) => ({
      service: "getVariableAccessAttributes",
      isDeletable: false,
      type: found,
    }));
  }

  async #members(invokeId: number, name: ObjectName): Promise<Served> {
    if (name.scope !== "domain") return unsupported(invokeId);
    const answered = await this.#client.members(name.domain, name.item);
    // A part of an array is named by its place, of which the library keeps only the number.
    if (answered.found?.members.some(({ isPart }) => isPart) === true) return UNSUPPORTED;
    return respond(invokeId, answered, ({ members, isDeletable }) => ({
      service: "getNamedVariableListAttributes",
      isDeletable,
      variables: members.map(({ domain, item }) => ({
        name: { scope: "domain", domain, item },
        alternateAccess: undefined,
      })),
    }));
  }
}

const UNKNOWN_ACCESS = 12;
const LAST_ACCESS = 11;
const OTHER_ERROR = 9;
const NO_SERVICE = 103;

/** What the library, or this binding, has no call for is rejected as by a device without it. */
function unsupported(invokeId: number): Failure {
  return failureOf(invokeId, NO_SERVICE);
}

function respond<T>(
  invokeId: number,
  answered: Answered<T>,
  response: (found: T) => MmsResponse,
): Served {
  if (answered.error !== NO_ERROR || answered.found === undefined) {
    return failureOf(invokeId, answered.error);
  }
  return {
    pdu: encodePdu({ kind: "confirmed-response", invokeId, response: response(answered.found) }),
  };
}

function writeResponse(invokeId: number, result: "accepted" | { readonly code: number }): Served {
  const response = { service: "write", results: [result] } as const;
  return { pdu: encodePdu({ kind: "confirmed-response", invokeId, response }) };
}

function listKind(request: Request<"getNameList">): NameKind | undefined {
  const { scope } = request;
  if (scope.of === "device") return request.class === "domain" ? "domains" : undefined;
  if (scope.of !== "domain") return undefined;
  if (request.class === "variable") return "variables";
  return request.class === "variable-list" ? "variableLists" : undefined;
}

/** Neighbours of one domain: the library reads only of one at a time. */
function runsOf(
  names: readonly ObjectName[],
): readonly { readonly domain: string; readonly items: readonly string[] }[] | undefined {
  const runs: { readonly domain: string; readonly items: string[] }[] = [];
  for (const name of names) {
    if (name.scope !== "domain") return undefined;
    const last = runs.at(-1);
    if (last?.domain === name.domain) last.items.push(name.item);
    else runs.push({ domain: name.domain, items: [name.item] });
  }
  return runs;
}

function berOf(value: MmsValue): Uint8Array {
  const writer = new BerWriter();
  writeValue(writer, value);
  return writer.finish();
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const [first] = parts;
  if (first !== undefined && parts.length === 1) return first;
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
