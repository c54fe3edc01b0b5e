import { type BerReader, type BitString } from "./ber-reader.ts";
import type { BerWriter } from "./ber-writer.ts";
import { bitAt, bitsOf } from "./value.ts";

/**
 * What both sides of an association agree on before anything else.
 *
 * @see ISO 9506-2, productions Initiate-RequestPDU and ServiceSupportOptions
 */

export interface Initiate {
  /** Largest MMS PDU, octets; undefined when the peer leaves it open. */
  readonly pduOctets: number | undefined;
  /** Requests that may wait for their answers: of the client, and of the server. */
  readonly outstandingCalling: number;
  readonly outstandingCalled: number;
  readonly nesting: number | undefined;
  readonly version: number;
  /** As on the wire, so that what is not known is not lost. */
  readonly parameters: BitString;
  readonly services: BitString;
}

/** Places of services in the bit string of 85. */
const SERVICE_PLACES = {
  status: 0,
  getNameList: 1,
  identify: 2,
  read: 4,
  write: 5,
  getVariableAccessAttributes: 6,
  defineNamedVariableList: 11,
  getNamedVariableListAttributes: 12,
  deleteNamedVariableList: 13,
  fileOpen: 72,
  fileRead: 73,
  fileClose: 74,
  fileDelete: 76,
  fileDirectory: 77,
  informationReport: 79,
  conclude: 83,
  cancel: 84,
} as const;

export type SupportedService = keyof typeof SERVICE_PLACES;

const SERVICES_BIT_COUNT = 85;
/** Arrays, structures, variables by name, alternate access and lists by name. */
const PARAMETERS: BitString = { bitCount: 11, bytes: Uint8Array.of(0xf1, 0x00) };
const OUTSTANDING_MAX = 0x7fff;
const PDU_OCTETS_MAX = 0x7fff_ffff;
const NESTING_MAX = 0x7f;
const VERSION = 1;
/** Bits of a string of options: more than any edition knows. */
const OPTION_OCTETS_MAX = 32;

/** An initiate of ours with the services of this stack. */
export function ourInitiate(
  limits: Pick<Initiate, "pduOctets" | "outstandingCalling" | "outstandingCalled" | "nesting">,
  services: Iterable<SupportedService>,
): Initiate {
  const places = Array.from(services, (service) => SERVICE_PLACES[service]);
  return {
    ...limits,
    version: VERSION,
    parameters: PARAMETERS,
    services: bitsOf(SERVICES_BIT_COUNT, places),
  };
}

/** The services of this list that a peer says it has. */
export function supportedServices(services: BitString): ReadonlySet<SupportedService> {
  const names = Object.keys(SERVICE_PLACES) as SupportedService[];
  return new Set(names.filter((name) => bitAt(services, SERVICE_PLACES[name])));
}

/** Reads the fields of a request or of a response: they have the same shape. @throws WireError */
export function readInitiate(fields: BerReader): Initiate {
  const pduOctets = fields.optional(0x80) ? fields.integerWithin(1, PDU_OCTETS_MAX) : undefined;
  const outstandingCalling = fields.expect(0x81).integerWithin(0, OUTSTANDING_MAX);
  const outstandingCalled = fields.expect(0x82).integerWithin(0, OUTSTANDING_MAX);
  const nesting = fields.optional(0x83) ? fields.integerWithin(0, NESTING_MAX) : undefined;
  const details = fields.expect(0xa4).enter();
  const version = details.expect(0x80).integerWithin(0, OUTSTANDING_MAX);
  const parameters = readOptions(details.expect(0x81));
  const services = readOptions(details.expect(0x82));
  return {
    pduOctets,
    outstandingCalling,
    outstandingCalled,
    nesting,
    version,
    parameters,
    services,
  };
}

function readOptions(reader: BerReader): BitString {
  reader.octetsOf(1, OPTION_OCTETS_MAX);
  return reader.bitString();
}

export function writeInitiate(writer: BerWriter, initiate: Initiate): void {
  if (initiate.pduOctets !== undefined) writer.integer(0x80, initiate.pduOctets);
  writer.integer(0x81, initiate.outstandingCalling);
  writer.integer(0x82, initiate.outstandingCalled);
  if (initiate.nesting !== undefined) writer.integer(0x83, initiate.nesting);
  writer.nest(0xa4, () => {
    writer.integer(0x80, initiate.version);
    writer.bitString(0x81, initiate.parameters);
    writer.bitString(0x82, initiate.services);
  });
}
