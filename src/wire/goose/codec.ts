import { assert } from "../../domain/assert.ts";
import { WireError } from "../mms/wire-error.ts";
import { decodeGoosePdu, encodeGoosePdu, type GoosePdu } from "./pdu.ts";

/**
 * GOOSE on Ethernet: two addresses, perhaps a VLAN tag, the type 88B8, APPID, length and two
 * reserved fields, then the PDU, perhaps padded.
 *
 * @see IEC 61850-8-1, annex C (structure of the frame); IEEE 802.1Q
 */
export interface GooseFrame {
  readonly destination: Uint8Array;
  readonly source: Uint8Array;
  /** Undefined without a tag, and where the kernel has taken it off. */
  readonly vlan: VlanTag | undefined;
  readonly applicationId: number;
  /** The frame itself says that it comes from a test set. */
  readonly isSimulatedFrame: boolean;
  readonly pdu: GoosePdu;
}

export interface VlanTag {
  /** 0 to 7 */
  readonly priority: number;
  readonly isDropEligible: boolean;
  /** 0 to 4095 */
  readonly id: number;
}

export const ADDRESS_OCTETS = 6;
export const GOOSE_ETHERTYPE = 0x88b8;
export const VLAN_ETHERTYPE = 0x8100;
/** The largest frame of Ethernet with one tag, without its checksum. */
export const FRAME_OCTETS_MAX = 1518;
const TYPE_AT = 2 * ADDRESS_OCTETS;
const VLAN_OCTETS = 4;
/** APPID, length and the two reserved fields; the length counts them. */
const HEAD_OCTETS = 8;
const SIMULATED = 0x8000;

/** @throws WireError, whatever the octets are */
export function decodeGooseFrame(bytes: Uint8Array): GooseFrame {
  if (bytes.length > FRAME_OCTETS_MAX) throw new WireError("wrong-size", { size: bytes.length });
  let at = TYPE_AT;
  let vlan: VlanTag | undefined;
  if (uint16(bytes, at) === VLAN_ETHERTYPE) {
    vlan = vlanOf(uint16(bytes, at + 2));
    at += VLAN_OCTETS;
  }
  const type = uint16(bytes, at);
  if (type !== GOOSE_ETHERTYPE) throw new WireError("unexpected-element", { type });
  at += 2;
  const applicationId = uint16(bytes, at);
  const length = uint16(bytes, at + 2);
  const reserved = uint16(bytes, at + 4);
  uint16(bytes, at + 6);
  const end = at + length;
  if (length <= HEAD_OCTETS || end > bytes.length) {
    throw new WireError("truncated", { length, octets: bytes.length - at });
  }
  return {
    destination: bytes.slice(0, ADDRESS_OCTETS),
    source: bytes.slice(ADDRESS_OCTETS, TYPE_AT),
    vlan,
    applicationId,
    isSimulatedFrame: (reserved & SIMULATED) !== 0,
    pdu: decodeGoosePdu(bytes.subarray(at + HEAD_OCTETS, end)),
  };
}

function uint16(bytes: Uint8Array, at: number): number {
  const high = bytes[at];
  const low = bytes[at + 1];
  if (high === undefined || low === undefined) throw new WireError("truncated", { at });
  return high * 0x100 + low;
}

function vlanOf(tag: number): VlanTag {
  return { priority: tag >> 13, isDropEligible: (tag & 0x1000) !== 0, id: tag & 0xfff };
}

/** For tests and simulators: the gateway never publishes. */
export function encodeGooseFrame(frame: GooseFrame): Uint8Array {
  const { destination, source, vlan, applicationId, isSimulatedFrame } = frame;
  assert(destination.length === ADDRESS_OCTETS, "an address has six octets");
  assert(source.length === ADDRESS_OCTETS, "an address has six octets");
  const pdu = encodeGoosePdu(frame.pdu);
  const tag = vlan === undefined ? [] : [VLAN_ETHERTYPE, tagOf(vlan)];
  const length = HEAD_OCTETS + pdu.length;
  const reserved = isSimulatedFrame ? SIMULATED : 0;
  const words = [...tag, GOOSE_ETHERTYPE, applicationId, length, reserved, 0];
  const bytes = new Uint8Array(TYPE_AT + words.length * 2 + pdu.length);
  assert(bytes.length <= FRAME_OCTETS_MAX, "a frame fits into Ethernet");
  bytes.set(destination);
  bytes.set(source, ADDRESS_OCTETS);
  const view = new DataView(bytes.buffer);
  for (const [place, word] of words.entries()) view.setUint16(TYPE_AT + place * 2, word);
  bytes.set(pdu, TYPE_AT + words.length * 2);
  return bytes;
}

function tagOf({ priority, isDropEligible, id }: VlanTag): number {
  return (priority << 13) | (isDropEligible ? 0x1000 : 0) | id;
}

/** `01-0C-CD-01-00-01` in any case, with `-` or `:`; undefined for anything else. */
export function parseAddress(text: string): Uint8Array | undefined {
  if (!/^[0-9a-f]{2}(?:([-:])[0-9a-f]{2})(?:\1[0-9a-f]{2}){4}$/i.test(text)) return undefined;
  return Uint8Array.from(text.split(/[-:]/), (octet) => Number.parseInt(octet, 16));
}
