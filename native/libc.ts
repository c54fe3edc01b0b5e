import { readdirSync } from "node:fs";
import koffi from "koffi";
import { assert } from "../src/domain/assert.ts";
import { GatewayError } from "../src/domain/errors.ts";

/**
 * The few calls of the C library that Node has no words for. Linux, any C library: the functions
 * are those that the Node executable itself is linked with.
 */
const libc = koffi.load(null);

const flock: (fd: number, operation: number) => number = bind("int flock(int fd, int operation)");
const socket: (domain: number, type: number, protocol: number) => number = bind(
  "int socket(int domain, int type, int protocol)",
);
const sendto: (...call: SendtoCall) => number = bind(
  "intptr_t sendto(int fd, void *bytes, size_t length, int flags, void *to, uint32_t toLength)",
);
const schedSetscheduler: (task: number, policy: number, priority: Int32Array) => number = bind(
  "int sched_setscheduler(int task, int policy, void *priority)",
);
const schedGetscheduler: (task: number) => number = bind("int sched_getscheduler(int task)");

type SendtoCall = [
  fd: number,
  bytes: Uint8Array,
  length: number,
  flags: number,
  to: Uint8Array,
  toLength: number,
];

/** flock(2) */
const LOCK_EX = 2;
const LOCK_NB = 4;
/** socket(2), send(2), unix(7); the values of x86, ARM and RISC-V. */
const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
/** `sun_path` of unix(7). */
const SUN_PATH_BYTES = 108;
/** sched(7) */
const SCHED_FIFO = 1;

function bind(prototype: string): (...args: unknown[]) => number {
  const call = libc.func(prototype);
  return (...args) => {
    const result: unknown = call(...args);
    assert(typeof result === "number", "a C function returned no number");
    return result;
  };
}

/** The name of the last error: `EWOULDBLOCK` and the like, or its number. */
function errorName(): string {
  const code = koffi.errno();
  const found = Object.entries(koffi.os.errno).find(([, value]) => value === code);
  return found?.[0] ?? String(code);
}

/**
 * Takes the exclusive lock of an open file. It lasts until the file is closed, by us or by the
 * kernel when the process ends in whatever way.
 *
 * @returns `held-by-another` when another open file has it
 * @throws GatewayError FILE_UNREADABLE when the file cannot be locked at all
 */
export function lockExclusively(fd: number): "locked" | "held-by-another" {
  if (flock(fd, LOCK_EX | LOCK_NB) === 0) return "locked";
  const code = koffi.errno();
  if (code === koffi.os.errno["EWOULDBLOCK"]) return "held-by-another";
  throw new GatewayError("FILE_UNREADABLE", { reason: "cannot be locked", errno: errorName() });
}

/** A datagram socket for `sendDatagram`; the process keeps it until it ends. */
export function openDatagramSocket(): number {
  const fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) throw new GatewayError("PEER_LOST", { reason: "no socket", errno: errorName() });
  return fd;
}

/**
 * Sends one datagram to a Unix socket without ever waiting: the message of sd_notify(3).
 *
 * @param address a path, or `@name` in the abstract namespace
 * @returns the name of the error when it could not be sent
 */
export function sendDatagram(fd: number, address: string, message: string): string | undefined {
  const to = socketAddress(address);
  if (to === undefined) return "ENAMETOOLONG";
  const bytes = new TextEncoder().encode(message);
  const sent = sendto(fd, bytes, bytes.length, MSG_DONTWAIT | MSG_NOSIGNAL, to, to.length);
  return sent === bytes.length ? undefined : errorName();
}

/**
 * Puts every thread of a process under SCHED_FIFO. A unit's CPUSchedulingPolicy does this from
 * birth and needs no right of ours: use it there.
 *
 * @param priority 1 … 99, sched(7)
 * @returns the name of the error of the first thread that refused
 */
export function scheduleFifo(pid: number, priority: number): string | undefined {
  assert(priority >= 1 && priority <= 99, "a real-time priority is 1 to 99");
  const parameters = Int32Array.of(priority);
  for (const task of tasksOf(pid)) {
    if (schedSetscheduler(task, SCHED_FIFO, parameters) !== 0 && errorName() !== "ESRCH") {
      return errorName();
    }
  }
  return undefined;
}

/** Whether every thread of a process runs under SCHED_FIFO. */
export function isScheduledFifo(pid: number): boolean {
  return tasksOf(pid).every((task) => schedGetscheduler(task) === SCHED_FIFO);
}

function tasksOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).map(Number);
}

/** `struct sockaddr_un`; undefined when the path does not fit. */
function socketAddress(address: string): Uint8Array | undefined {
  const path = new TextEncoder().encode(address);
  const isAbstract = address.startsWith("@");
  // A path ends with a NUL; an abstract name starts with one and ends where the length says.
  const bytes = new Uint8Array(2 + path.length + (isAbstract ? 0 : 1));
  if (bytes.length > 2 + SUN_PATH_BYTES) return undefined;
  new Uint16Array(bytes.buffer, 0, 1)[0] = AF_UNIX;
  bytes.set(path, 2);
  if (isAbstract) bytes[2] = 0;
  return bytes;
}
