import type { ServiceError } from "../../wire/mms/pdu.ts";
import type { ObjectName, VariableAccess, VariableName } from "../../wire/mms/object-name.ts";
import type { MmsRequest } from "../../wire/mms/request.ts";
import type { MmsResponse, WriteResult } from "../../wire/mms/response.ts";
import type { AccessResult, MmsValue } from "../../wire/mms/value.ts";
import type { Client } from "./client.ts";
import type { DataSetMember } from "./data-set.ts";
import type { IedDevice } from "./device.ts";
import { REFUSED, SERVICE_REFUSED } from "./refusals.ts";

/** What a confirmed request is answered with. */
export type ServiceAnswer =
  | { readonly result: "response"; readonly response: MmsResponse }
  | { readonly result: "error"; readonly error: ServiceError }
  /** A service that this server does not have. */
  | { readonly result: "unknown" };

/** Octets of a value at least: its tag, its length, one of content. */
const VALUE_OCTETS_MIN = 2;
/** Octets of a name in a directory besides the name itself. */
const NAME_OVERHEAD_OCTETS = 4;
/** Of the answer around the names. */
const ENVELOPE_OCTETS = 64;

/**
 * Answers a confirmed request at once.
 *
 * @see IEC 61850-8-1, section 5 (services used); ISO 9506-1, their meaning
 */
export function answer(device: IedDevice, client: Client, request: MmsRequest): ServiceAnswer {
  switch (request.service) {
    case "status":
      return response({ service: "status", logical: 0, physical: 0 });
    case "identify": {
      const { vendor, product, revision } = device.model;
      return response({ service: "identify", vendor, model: product, revision });
    }
    case "getNameList":
      return nameList(device, client, request);
    case "read":
      return read(device, client, request);
    case "write":
      return write(device, client, request);
    case "getVariableAccessAttributes":
      return attributes(device, request.name);
    case "getNamedVariableListAttributes":
      return listAttributes(device, client, request.name);
    case "defineNamedVariableList":
      return define(device, client, request);
    case "deleteNamedVariableList":
      return remove(device, client, request.names);
    case "unknown":
      return { result: "unknown" };
  }
}

function response(of: MmsResponse): ServiceAnswer {
  return { result: "response", response: of };
}

function error(of: ServiceError): ServiceAnswer {
  return { result: "error", error: of };
}

function nameList(
  device: IedDevice,
  client: Client,
  request: Extract<MmsRequest, { service: "getNameList" }>,
): ServiceAnswer {
  const all = namesOf(device, client, request);
  if (all === undefined) return error(SERVICE_REFUSED.nonExistent);
  const { continueAfter } = request;
  const from = continueAfter === undefined ? 0 : all.indexOf(continueAfter) + 1;
  if (continueAfter !== undefined && from === 0) return error(SERVICE_REFUSED.nonExistent);
  const names: string[] = [];
  let room = client.pduOctets - ENVELOPE_OCTETS;
  for (const name of all.slice(from)) {
    room -= name.length + NAME_OVERHEAD_OCTETS;
    if (room < 0) break;
    names.push(name);
  }
  const moreFollows = from + names.length < all.length;
  return response({ service: "getNameList", names, moreFollows });
}

/** Undefined for a domain that is not there. */
function namesOf(
  device: IedDevice,
  client: Client,
  { class: wanted, scope }: Extract<MmsRequest, { service: "getNameList" }>,
): readonly string[] | undefined {
  if (scope.of === "device") return wanted === "domain" ? [...device.domains.keys()] : [];
  if (scope.of === "association") {
    return wanted === "variable-list" ? device.dataSets.namesOf(client) : [];
  }
  const domain = device.domains.get(scope.domain);
  if (domain === undefined) return undefined;
  if (wanted === "variable") return [...domain.variables.keys()];
  return wanted === "variable-list" ? device.dataSets.namesIn(scope.domain) : [];
}

/** A variable and its domain; undefined for what the model does not have. */
function find(device: IedDevice, name: ObjectName): DataSetMember | undefined {
  if (name.scope !== "domain") return undefined;
  const variable = device.domains.get(name.domain)?.find(name.item);
  return variable === undefined ? undefined : { domain: name.domain, variable };
}

/** One variable of an access. */
interface Target {
  readonly found: DataSetMember | undefined;
  readonly isSupported: boolean;
}

function targetsOf(
  device: IedDevice,
  client: Client,
  access: VariableAccess,
): readonly Target[] | undefined {
  if (access.by === "names") {
    return access.variables.map(({ name, alternateAccess }) => {
      return { found: find(device, name), isSupported: alternateAccess === undefined };
    });
  }
  const list = device.dataSets.named(access.list, client);
  return list?.members.map((found) => ({ found, isSupported: true }));
}

function read(
  device: IedDevice,
  client: Client,
  request: Extract<MmsRequest, { service: "read" }>,
): ServiceAnswer {
  const { access } = request;
  const targets = targetsOf(device, client, access);
  if (targets === undefined) return error(SERVICE_REFUSED.nonExistent);
  // Before values are put together: a short request can ask for the whole model many times over.
  let room = Math.floor(client.pduOctets / VALUE_OCTETS_MIN);
  for (const { found } of targets) {
    room -= found === undefined ? 1 : found.variable.leafCount;
    if (room < 0) return error(SERVICE_REFUSED.answerTooLong);
  }
  const results = targets.map((target) => readOne(target, client));
  return response({
    service: "read",
    access: request.isSpecificationWanted ? access : undefined,
    results,
  });
}

function readOne({ found, isSupported }: Target, client: Client): AccessResult {
  if (found === undefined) return { kind: "error", ...REFUSED.nonExistent };
  if (!isSupported) return { kind: "error", ...REFUSED.accessUnsupported };
  const { variable } = found;
  return variable.special?.read?.(client) ?? variable.value;
}

function write(
  device: IedDevice,
  client: Client,
  request: Extract<MmsRequest, { service: "write" }>,
): ServiceAnswer {
  const targets = targetsOf(device, client, request.access);
  if (targets === undefined) return error(SERVICE_REFUSED.nonExistent);
  const { values } = request;
  if (values.length !== targets.length) return error(SERVICE_REFUSED.wrongNumberOfValues);
  const results = values.map((value, at) => writeOne({ device, client }, targets[at], value));
  return response({ service: "write", results });
}

function writeOne(
  { device, client }: { readonly device: IedDevice; readonly client: Client },
  target: Target | undefined,
  value: MmsValue,
): WriteResult {
  if (target?.found === undefined) return REFUSED.nonExistent;
  if (!target.isSupported) return REFUSED.accessUnsupported;
  const { domain, variable } = target.found;
  const { special } = variable;
  return special?.write?.(client, value) ?? device.write(domain, variable, value);
}

function attributes(device: IedDevice, name: ObjectName): ServiceAnswer {
  const found = find(device, name);
  if (found === undefined) return error(SERVICE_REFUSED.nonExistent);
  const { type } = found.variable;
  return response({ service: "getVariableAccessAttributes", isDeletable: false, type });
}

function listAttributes(device: IedDevice, client: Client, name: ObjectName): ServiceAnswer {
  const list = device.dataSets.named(name, client);
  if (list === undefined) return error(SERVICE_REFUSED.nonExistent);
  return response({
    service: "getNamedVariableListAttributes",
    isDeletable: name.scope === "association",
    variables: list.members.map(({ domain, variable }) => {
      return {
        name: { scope: "domain", domain, item: variable.item },
        alternateAccess: undefined,
      };
    }),
  });
}

function define(
  device: IedDevice,
  client: Client,
  request: Extract<MmsRequest, { service: "defineNamedVariableList" }>,
): ServiceAnswer {
  const { name, variables } = request;
  // Data sets that outlive their client are the model's own.
  if (name.scope !== "association") return error(SERVICE_REFUSED.accessUnsupported);
  if (device.dataSets.named(name, client) !== undefined) {
    return error(SERVICE_REFUSED.alreadyExists);
  }
  const members = membersOf(device, variables);
  if (members === undefined) return error(SERVICE_REFUSED.nonExistent);
  const isDefined = device.dataSets.define(name.item, members, client);
  return isDefined
    ? response({ service: "defineNamedVariableList" })
    : error(SERVICE_REFUSED.tooMany);
}

function membersOf(
  device: IedDevice,
  variables: readonly VariableName[],
): readonly DataSetMember[] | undefined {
  const members: DataSetMember[] = [];
  for (const { name, alternateAccess } of variables) {
    const found = find(device, name);
    if (found?.variable.fc === undefined || alternateAccess !== undefined) return undefined;
    members.push(found);
  }
  return members;
}

function remove(
  device: IedDevice,
  client: Client,
  names: readonly ObjectName[] | "all-of-scope",
): ServiceAnswer {
  if (names === "all-of-scope") return error(SERVICE_REFUSED.accessUnsupported);
  let matched = 0;
  let deleted = 0;
  for (const name of names) {
    if (device.dataSets.named(name, client) !== undefined) matched += 1;
    if (name.scope !== "association") continue;
    const isInUse = device.reports.some(
      ({ block }) =>
        block.reservation.client === client && block.settings.dataSet?.name === `@${name.item}`,
    );
    if (!isInUse && device.dataSets.delete(name.item, client)) deleted += 1;
  }
  return response({ service: "deleteNamedVariableList", matched, deleted });
}
