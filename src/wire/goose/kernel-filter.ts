import { assert } from "../../domain/assert.ts";
import { ADDRESS_OCTETS, GOOSE_ETHERTYPE, VLAN_ETHERTYPE } from "./codec.ts";

/** What a subscriber listens for. */
export interface GooseAddress {
  readonly destination: Uint8Array;
  readonly applicationId: number;
}

/** Subscriptions of one socket. */
export const FILTER_ADDRESSES_MAX = 64;

/** `struct sock_filter`: two octets of code, one to jump when true, one when false, four of k. */
export const INSTRUCTION_OCTETS = 8;

/** Codes of classic BPF. @see bpf(4); linux/bpf_common.h */
export const BPF = {
  loadWord: 0x20,
  loadHalf: 0x28,
  loadHalfAtX: 0x48,
  setX: 0x01,
  jumpIfEqual: 0x15,
  jump: 0x05,
  accept: 0x06,
} as const;

interface Instruction {
  readonly code: number;
  readonly ifTrue?: number;
  readonly ifFalse?: number;
  readonly k: number;
}

const TYPE_AT = 2 * ADDRESS_OCTETS;
const VLAN_OCTETS = 4;
const APPID_AT = TYPE_AT + 2;
/** Octets of a frame that is let through: all. */
const WHOLE = 0xffff;

/**
 * A program for the kernel that lets through what has the type of GOOSE and one of these addresses
 * and APPIDs, with or without a VLAN tag: everything else never wakes the process.
 */
export function gooseFilter(addresses: readonly GooseAddress[]): Uint8Array {
  assert(addresses.length > 0, "a filter lets something through");
  assert(addresses.length <= FILTER_ADDRESSES_MAX, "a filter has a limit");
  const program: readonly Instruction[] = [
    { code: BPF.loadHalf, k: TYPE_AT },
    { code: BPF.jumpIfEqual, k: VLAN_ETHERTYPE, ifFalse: 4 },
    { code: BPF.loadHalf, k: TYPE_AT + VLAN_OCTETS },
    { code: BPF.jumpIfEqual, k: GOOSE_ETHERTYPE, ifFalse: 3 },
    { code: BPF.setX, k: VLAN_OCTETS },
    { code: BPF.jump, k: 3 },
    { code: BPF.jumpIfEqual, k: GOOSE_ETHERTYPE, ifTrue: 1 },
    { code: BPF.accept, k: 0 },
    { code: BPF.setX, k: 0 },
    ...addresses.flatMap(oneAddress),
    { code: BPF.accept, k: 0 },
  ];
  const bytes = new Uint8Array(program.length * INSTRUCTION_OCTETS);
  const view = new DataView(bytes.buffer);
  for (const [place, { code, ifTrue = 0, ifFalse = 0, k }] of program.entries()) {
    const at = place * INSTRUCTION_OCTETS;
    // In the order of the machine: every one that Node runs on here has the low octet first.
    view.setUint16(at, code, true);
    view.setUint8(at + 2, ifTrue);
    view.setUint8(at + 3, ifFalse);
    view.setUint32(at + 4, k, true);
  }
  return bytes;
}

function oneAddress({ destination, applicationId }: GooseAddress): readonly Instruction[] {
  assert(destination.length === ADDRESS_OCTETS, "an address has six octets");
  const view = new DataView(destination.buffer, destination.byteOffset);
  return [
    { code: BPF.loadWord, k: 0 },
    { code: BPF.jumpIfEqual, k: view.getUint32(0), ifFalse: 5 },
    { code: BPF.loadHalf, k: 4 },
    { code: BPF.jumpIfEqual, k: view.getUint16(4), ifFalse: 3 },
    { code: BPF.loadHalfAtX, k: APPID_AT },
    { code: BPF.jumpIfEqual, k: applicationId, ifFalse: 1 },
    { code: BPF.accept, k: WHOLE },
  ];
}
