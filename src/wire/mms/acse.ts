import { BerReader, type BitString } from "./ber-reader.ts";
import { BerWriter } from "./ber-writer.ts";
import { WireError } from "./wire-error.ts";

/**
 * Association control: who wants to talk about what, and the end of it.
 *
 * @see ITU-T X.227 (1995), section 9 (structure of APDUs); annex B.4 (password mechanism)
 */

export interface ApplicationEntity {
  /** Object identifier, `1.1.1.999.1`. */
  readonly title: string | undefined;
  readonly qualifier: number | undefined;
}

/** What the upper layer says in an association, with its presentation context. */
export interface UserInformation {
  readonly contextId: number;
  /** A view into what was decoded. */
  readonly content: Uint8Array;
}

export interface AssociateRequest {
  readonly applicationContext: string;
  readonly called: ApplicationEntity;
  readonly calling: ApplicationEntity;
  /** Octets of the password, when one is sent. Never logged. */
  readonly password: Uint8Array | undefined;
  readonly user: UserInformation;
}

export interface AssociateResponse {
  readonly applicationContext: string;
  readonly result: "accepted" | "rejected-permanent" | "rejected-transient";
  readonly source: "service-user" | "service-provider";
  /** 0 none, 1 no reason; of the user 13 authentication failure … */
  readonly diagnostic: number;
  readonly responding: ApplicationEntity;
  readonly user: UserInformation | undefined;
}

export type Apdu =
  | ({ readonly type: "associate-request" } & AssociateRequest)
  | ({ readonly type: "associate-response" } & AssociateResponse)
  | {
      readonly type: "release-request" | "release-response";
      /** 0 normal; undefined when not said. */
      readonly reason: number | undefined;
    }
  | { readonly type: "abort"; readonly source: "service-user" | "service-provider" };

/** ISO 9506-2: the application context of MMS. */
export const APPLICATION_CONTEXT_MMS = "1.0.9506.2.3";
/** X.227, annex B: authentication by password. */
const MECHANISM_PASSWORD = "2.2.3.1";

const APPLICATION = {
  "associate-request": 0x60,
  "associate-response": 0x61,
  "release-request": 0x62,
  "release-response": 0x63,
  abort: 0x64,
} as const;

const OBJECT_IDENTIFIER = 0x06;
const INTEGER = 0x02;
const EXTERNAL = 0x28;
const SINGLE_VALUE = 0xa0;
const OCTET_ALIGNED = 0x81;
const USER_INFORMATION = 0xbe;
const CHARACTERS = 0x80;
const QUALIFIER_MAX = 0x7fff_ffff;
const PASSWORD_OCTETS_MAX = 255;
const CONTEXT_ID_MAX = 0xffff;
const DIAGNOSTIC_MAX = 0xff;
/** The authentication unit is asked for: the first bit. */
const AUTHENTICATION: BitString = { bitCount: 1, bytes: Uint8Array.of(0x80) };
const RESULTS = ["accepted", "rejected-permanent", "rejected-transient"] as const;
const SOURCES = ["service-user", "service-provider"] as const;

/** @throws WireError */
export function decodeApdu(bytes: Uint8Array): Apdu {
  const reader = new BerReader(bytes);
  const tag = reader.next();
  reader.finish();
  switch (tag) {
    case APPLICATION["associate-request"]:
      return { type: "associate-request", ...decodeRequest(reader.enter()) };
    case APPLICATION["associate-response"]:
      return { type: "associate-response", ...decodeResponse(reader.enter()) };
    case APPLICATION["release-request"]:
      return { type: "release-request", reason: decodeReason(reader.enter()) };
    case APPLICATION["release-response"]:
      return { type: "release-response", reason: decodeReason(reader.enter()) };
    case APPLICATION.abort: {
      const source = reader
        .enter()
        .expect(0x80)
        .integerWithin(0, SOURCES.length - 1);
      return { type: "abort", source: SOURCES[source] ?? "service-user" };
    }
    default:
      throw new WireError("acse-type", { tag });
  }
}

function decodeReason(fields: BerReader): number | undefined {
  return fields.optional(0x80) ? fields.integerWithin(0, DIAGNOSTIC_MAX) : undefined;
}

function decodeRequest(fields: BerReader): AssociateRequest {
  let applicationContext: string | undefined;
  const called = new EntityFields();
  const calling = new EntityFields();
  let password: Uint8Array | undefined;
  let user: UserInformation | undefined;
  while (!fields.isDone) {
    switch (fields.next()) {
      case 0xa1:
        applicationContext = fields.enter().expect(OBJECT_IDENTIFIER).objectIdentifier();
        break;
      case 0xa2:
        called.readTitle(fields);
        break;
      case 0xa3:
        called.readQualifier(fields);
        break;
      case 0xa6:
        calling.readTitle(fields);
        break;
      case 0xa7:
        calling.readQualifier(fields);
        break;
      case 0xac:
        password = readPassword(fields);
        break;
      case USER_INFORMATION:
        user = readUser(fields);
        break;
      default: // Invocation ids, requirements, implementation: not needed to associate.
    }
  }
  if (applicationContext === undefined || user === undefined) {
    throw new WireError("missing-element");
  }
  return { applicationContext, called: called.entity, calling: calling.entity, password, user };
}

function decodeResponse(fields: BerReader): AssociateResponse {
  let applicationContext: string | undefined;
  let result: number | undefined;
  let cause: Pick<AssociateResponse, "source" | "diagnostic"> | undefined;
  const responding = new EntityFields();
  let user: UserInformation | undefined;
  while (!fields.isDone) {
    switch (fields.next()) {
      case 0xa1:
        applicationContext = fields.enter().expect(OBJECT_IDENTIFIER).objectIdentifier();
        break;
      case 0xa2:
        result = fields
          .enter()
          .expect(INTEGER)
          .integerWithin(0, RESULTS.length - 1);
        break;
      case 0xa3:
        cause = readCause(fields);
        break;
      case 0xa4:
        responding.readTitle(fields);
        break;
      case 0xa5:
        responding.readQualifier(fields);
        break;
      case USER_INFORMATION:
        user = readUser(fields);
        break;
      default: // As above.
    }
  }
  if (applicationContext === undefined || result === undefined || cause === undefined) {
    throw new WireError("missing-element");
  }
  return {
    applicationContext,
    result: RESULTS[result] ?? "rejected-permanent",
    ...cause,
    responding: responding.entity,
    user,
  };
}

function readCause(fields: BerReader): Pick<AssociateResponse, "source" | "diagnostic"> {
  const choice = fields.enter();
  const tag = choice.next();
  if (tag !== 0xa1 && tag !== 0xa2) throw choice.unexpected();
  const diagnostic = choice.enter().expect(INTEGER).integerWithin(0, DIAGNOSTIC_MAX);
  return { source: tag === 0xa1 ? "service-user" : "service-provider", diagnostic };
}

/** Title and qualifier of one side, as they come along. */
class EntityFields {
  #title: string | undefined;
  #qualifier: number | undefined;

  get entity(): ApplicationEntity {
    return { title: this.#title, qualifier: this.#qualifier };
  }

  /** A title may also be a directory name, which nobody here needs. */
  readTitle(fields: BerReader): void {
    const choice = fields.enter();
    if (choice.next() === OBJECT_IDENTIFIER) this.#title = choice.objectIdentifier();
  }

  readQualifier(fields: BerReader): void {
    const choice = fields.enter();
    if (choice.next() !== INTEGER) return;
    this.#qualifier = choice.integerWithin(-QUALIFIER_MAX, QUALIFIER_MAX);
  }
}

function readPassword(fields: BerReader): Uint8Array | undefined {
  const choice = fields.enter();
  if (choice.next() !== CHARACTERS) return undefined;
  return choice.octetsOf(0, PASSWORD_OCTETS_MAX).slice();
}

/** One EXTERNAL. A direct reference and a descriptor may stand beside the context number. */
function readUser(fields: BerReader): UserInformation {
  const externals = fields.enter();
  const external = externals.expect(EXTERNAL).enter();
  externals.finish();
  let contextId: number | undefined;
  let content: Uint8Array | undefined;
  while (!external.isDone) {
    const tag = external.next();
    if (tag === INTEGER) contextId = external.integerWithin(0, CONTEXT_ID_MAX);
    else if (tag === SINGLE_VALUE || tag === OCTET_ALIGNED) content = external.octets();
  }
  if (contextId === undefined || content === undefined) throw new WireError("missing-element");
  return { contextId, content };
}

export function encodeApdu(apdu: Apdu): Uint8Array {
  const writer = new BerWriter();
  return writer
    .nest(APPLICATION[apdu.type], () => {
      switch (apdu.type) {
        case "associate-request":
          writeRequest(writer, apdu);
          return;
        case "associate-response":
          writeResponse(writer, apdu);
          return;
        case "abort":
          writer.integer(0x80, SOURCES.indexOf(apdu.source));
          return;
        default:
          if (apdu.reason !== undefined) writer.integer(0x80, apdu.reason);
      }
    })
    .finish();
}

function writeRequest(writer: BerWriter, request: AssociateRequest): void {
  const { password } = request;
  writeIdentifier(writer, 0xa1, request.applicationContext);
  writeEntity(writer, 0xa2, request.called);
  writeEntity(writer, 0xa6, request.calling);
  if (password !== undefined) {
    writer.bitString(0x8a, AUTHENTICATION);
    writer.objectIdentifier(0x8b, MECHANISM_PASSWORD);
    writer.nest(0xac, () => writer.octets(CHARACTERS, password));
  }
  writeUser(writer, request.user);
}

function writeResponse(writer: BerWriter, response: AssociateResponse): void {
  writeIdentifier(writer, 0xa1, response.applicationContext);
  writer.nest(0xa2, () => writer.integer(INTEGER, RESULTS.indexOf(response.result)));
  writer.nest(0xa3, () => {
    writer.nest(response.source === "service-user" ? 0xa1 : 0xa2, () =>
      writer.integer(INTEGER, response.diagnostic),
    );
  });
  writeEntity(writer, 0xa4, response.responding);
  if (response.user !== undefined) writeUser(writer, response.user);
}

function writeIdentifier(writer: BerWriter, tag: number, identifier: string): void {
  writer.nest(tag, () => writer.objectIdentifier(OBJECT_IDENTIFIER, identifier));
}

/** @param tag of the title; that of the qualifier is the next one */
function writeEntity(writer: BerWriter, tag: number, entity: ApplicationEntity): void {
  const { title, qualifier } = entity;
  if (title !== undefined) writeIdentifier(writer, tag, title);
  if (qualifier !== undefined) writer.nest(tag + 1, () => writer.integer(INTEGER, qualifier));
}

function writeUser(writer: BerWriter, user: UserInformation): void {
  writer.nest(USER_INFORMATION, () => {
    writer.nest(EXTERNAL, () => {
      writer.integer(INTEGER, user.contextId);
      writer.octets(SINGLE_VALUE, user.content);
    });
  });
}
