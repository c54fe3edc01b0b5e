import koffi from "koffi";
import { assert } from "../src/domain/assert.ts";
import { GatewayError } from "../src/domain/errors.ts";

/**
 * Ethernet frames by AF_PACKET, which Node has no words for. Needs CAP_NET_RAW and nothing else.
 *
 * @see packet(7), socket(7), bpf(4); the numbers are those of x86, ARM and RISC-V.
 */
const libc = koffi.load(null);
const socket = libc.func("int socket(int domain, int type, int protocol)");
const bind = libc.func("int bind(int fd, void *address, uint32_t length)");
const close = libc.func("int close(int fd)");
const interfaceIndex = libc.func("uint32_t if_nametoindex(const char *name)");
const setOption = libc.func(
  "int setsockopt(int fd, int level, int name, void *value, uint32_t length)",
);
const receive = libc.func("intptr_t recv(int fd, void *bytes, size_t length, int flags)");
const transmit = libc.func("intptr_t send(int fd, void *bytes, size_t length, int flags)");

const AF_PACKET = 17;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_RCVTIMEO = 20;
const SO_ATTACH_FILTER = 26;
const SOL_PACKET = 263;
const PACKET_ADD_MEMBERSHIP = 1;
const PACKET_MR_MULTICAST = 0;
const MSG_DONTWAIT = 0x40;
const SOCKADDR_LL_OCTETS = 20;
const MREQ_OCTETS = 16;
const FILTER_INSTRUCTION_OCTETS = 8;
const ADDRESS_OCTETS = 6;

export interface PacketSocketTerms {
  /** Name of the network interface. */
  readonly interfaceName: string;
  readonly ethertype: number;
  /** Instructions of classic BPF, as the kernel reads them. */
  readonly filter: Uint8Array;
  /** Multicast addresses that the interface is to take. */
  readonly destinations: readonly Uint8Array[];
  /** Longest wait of one `wait`, ms. */
  readonly waitMs: number;
}

/**
 * Opens a socket that hears what the filter lets through. Nothing gets in before the filter is in
 * place: until it is bound to the type, the socket hears no type at all.
 *
 * @throws GatewayError CONFIG_INVALID for an interface that is not there; FILE_UNREADABLE without
 *   the right to do it, or when the kernel refuses: `errno` says why
 */
export function openPacketSocket(terms: PacketSocketTerms): number {
  const { interfaceName, ethertype, filter, destinations, waitMs } = terms;
  const index = numberOf(interfaceIndex(interfaceName));
  if (index === 0) {
    throw new GatewayError("CONFIG_INVALID", { interfaceName, reason: "no such interface" });
  }
  const fd = numberOf(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
  if (fd < 0) throw refused("socket");
  try {
    attach(fd, filter);
    for (const destination of destinations) join(fd, index, destination);
    const seconds = Math.floor(waitMs / 1_000);
    const microseconds = (waitMs % 1_000) * 1_000;
    // `struct timeval` of 64 bits: two longs.
    const time = BigInt64Array.of(BigInt(seconds), BigInt(microseconds));
    option(fd, [SOL_SOCKET, SO_RCVTIMEO], new Uint8Array(time.buffer));
    if (numberOf(bind(fd, addressOf(index, ethertype), SOCKADDR_LL_OCTETS)) !== 0) {
      throw refused("bind");
    }
    return fd;
  } catch (error) {
    close(fd);
    throw error;
  }
}

/**
 * Waits in a thread of the pool for one frame.
 *
 * @param into large enough for a frame; used until the promise settles
 * @returns octets; undefined when the wait is over without a frame, or was interrupted
 */
export async function waitForPacket(fd: number, into: Uint8Array): Promise<number | undefined> {
  const octets = await new Promise<unknown>((resolve, reject) => {
    receive.async(fd, into, into.length, 0, (error: unknown, result: unknown) => {
      if (error instanceof Error) reject(error);
      else resolve(result);
    });
  });
  return countOf(octets);
}

/** One frame, if there is one. @throws GatewayError LINK_LOST when the interface is gone */
export function takePacket(fd: number, into: Uint8Array): number | undefined {
  const octets = countOf(receive(fd, into, into.length, MSG_DONTWAIT));
  if (octets !== undefined) return octets;
  const name = errorName();
  if (name === "EAGAIN" || name === "EWOULDBLOCK" || name === "EINTR") return undefined;
  throw new GatewayError("LINK_LOST", { errno: name });
}

/** Sends one frame as it is: for tests, the gateway never publishes. */
export function sendPacket(fd: number, frame: Uint8Array): void {
  if (countOf(transmit(fd, frame, frame.length, 0)) !== frame.length) throw refused("send");
}

export function closePacketSocket(fd: number): void {
  close(fd);
}

function attach(fd: number, filter: Uint8Array): void {
  assert(filter.length % FILTER_INSTRUCTION_OCTETS === 0, "a filter is whole instructions");
  const at: unknown = koffi.alloc("uint8_t", filter.length);
  assert(typeof at === "bigint", "memory has an address");
  try {
    new Uint8Array(koffi.view(at, filter.length)).set(filter);
    // `struct sock_fprog`: a count, padding to the size of a pointer, the pointer.
    const program = new Uint8Array(16);
    const view = new DataView(program.buffer);
    view.setUint16(0, filter.length / FILTER_INSTRUCTION_OCTETS, true);
    view.setBigUint64(8, at, true);
    option(fd, [SOL_SOCKET, SO_ATTACH_FILTER], program);
  } finally {
    koffi.free(at);
  }
}

/** `struct packet_mreq` */
function join(fd: number, index: number, destination: Uint8Array): void {
  assert(destination.length === ADDRESS_OCTETS, "an address has six octets");
  const request = new Uint8Array(MREQ_OCTETS);
  const view = new DataView(request.buffer);
  view.setInt32(0, index, true);
  view.setUint16(4, PACKET_MR_MULTICAST, true);
  view.setUint16(6, ADDRESS_OCTETS, true);
  request.set(destination, 8);
  option(fd, [SOL_PACKET, PACKET_ADD_MEMBERSHIP], request);
}

/** `struct sockaddr_ll`; the type is in the order of the network. */
function addressOf(index: number, ethertype: number): Uint8Array {
  const address = new Uint8Array(SOCKADDR_LL_OCTETS);
  const view = new DataView(address.buffer);
  view.setUint16(0, AF_PACKET, true);
  view.setUint16(2, ethertype, false);
  view.setInt32(4, index, true);
  return address;
}

function option(fd: number, name: readonly [level: number, name: number], value: Uint8Array): void {
  if (numberOf(setOption(fd, ...name, value, value.length)) !== 0) throw refused("setsockopt");
}

function refused(call: string): GatewayError {
  return new GatewayError("FILE_UNREADABLE", { call, errno: errorName() });
}

function errorName(): string {
  const code = koffi.errno();
  const found = Object.entries(koffi.os.errno).find(([, value]) => value === code);
  return found?.[0] ?? String(code);
}

function countOf(result: unknown): number | undefined {
  const count = typeof result === "bigint" ? Number(result) : numberOf(result);
  return count < 0 ? undefined : count;
}

function numberOf(result: unknown): number {
  assert(typeof result === "number", "a C function returned no number");
  return result;
}
