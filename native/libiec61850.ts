import koffi, { type LibraryHandle, type TypeObject } from "koffi";
import { assert } from "../src/domain/assert.ts";
import { GatewayError } from "../src/domain/errors.ts";
import {
  AT_ONCE,
  type AtOnceName,
  CALLBACKS,
  functionName,
  WAITING,
  type WaitingName,
} from "./libiec61850-manifest.ts";

/**
 * libiec61850, loaded into this process. One frame of a broken device can end the process: load it
 * only where that does not matter.
 */
export interface Libiec61850 {
  readonly version: string;
  /** A call that waits for the network, in a thread of the pool. */
  readonly later: (name: WaitingName, ...values: readonly unknown[]) => Promise<unknown>;
  readonly now: (name: AtOnceName, ...values: readonly unknown[]) => unknown;
  /** To be given to `setInformed` and `setLost`; the library must have let go of it at its end. */
  readonly callbacks: { readonly informed: unknown; readonly lost: unknown };
}

export type Pointer = bigint;
type NativeFunction = ReturnType<LibraryHandle["func"]>;

type InformedCall = [
  p: Pointer,
  domain: string | null,
  item: string,
  value: Pointer,
  isList: boolean,
];

/** What the library tells by itself. Neither throws. */
export interface LibraryEvents {
  /** @param value borrowed until this returns, and ours to delete */
  informed(from: Informed, value: Pointer): void;
  lost(connection: number): void;
}

export interface Informed {
  readonly connection: number;
  readonly domain: string | undefined;
  readonly item: string;
  readonly isList: boolean;
}

const SELECTOR_OCTETS = { transport: 4, session: 16, presentation: 16 } as const;
const SERVICE_OCTETS = 11;

interface Types {
  readonly informed: TypeObject;
  readonly lost: TypeObject;
}
let known: Types | undefined;

/** Types have names, once per process. */
function types(): Types {
  known ??= declare();
  return known;
}

function declare(): Types {
  const selector = (name: string, octets: number) =>
    koffi.struct(name, { size: "uint8_t", value: koffi.array("uint8_t", octets) });
  selector("TSel", SELECTOR_OCTETS.transport);
  selector("SSel", SELECTOR_OCTETS.session);
  selector("PSel", SELECTOR_OCTETS.presentation);
  koffi.struct("MmsParameters", {
    calling: "int",
    called: "int",
    nesting: "int",
    octets: "int",
    services: koffi.array("uint8_t", SERVICE_OCTETS),
  });
  return { informed: koffi.proto(CALLBACKS.informed), lost: koffi.proto(CALLBACKS.lost) };
}

/**
 * Loads the library and binds every function of the manifest.
 *
 * @throws GatewayError CONFIG_INVALID when the file cannot be loaded, or is not a libiec61850 that
 *   has all of them: `missing` names the first that it lacks
 */
export function loadLibiec61850(file: string, events: LibraryEvents): Libiec61850 {
  const { informed, lost } = types();
  const library = load(file);
  const waiting = bindAll(library, file, WAITING);
  const atOnce = bindAll(library, file, AT_ONCE);
  const callbacks = {
    informed: koffi.register((...[p, domain, item, value, isList]: InformedCall) => {
      const from = { connection: Number(p), domain: domain ?? undefined, item, isList };
      events.informed(from, value);
    }, koffi.pointer(informed)),
    lost: koffi.register((_connection: Pointer, p: Pointer) => {
      events.lost(Number(p));
    }, koffi.pointer(lost)),
  };
  const version: unknown = atOnce.version();
  return {
    version: typeof version === "string" ? version : "",
    later: async (name, ...values) => asynchronous(waiting[name], values),
    now: (name, ...values) => {
      const result: unknown = atOnce[name](...values);
      return result;
    },
    callbacks,
  };
}

function load(file: string): LibraryHandle {
  try {
    return koffi.load(file);
  } catch (cause) {
    const reason = "the library cannot be loaded";
    throw new GatewayError("CONFIG_INVALID", { file, reason }, { cause });
  }
}

function bindAll<N extends string>(
  library: LibraryHandle,
  file: string,
  declarations: Readonly<Record<N, string>>,
): Record<N, NativeFunction> {
  const bound: Partial<Record<N, NativeFunction>> = {};
  for (const [name, declaration] of Object.entries<string>(declarations)) {
    try {
      bound[name as N] = library.func(declaration);
    } catch (cause) {
      const missing = functionName(declaration);
      const reason = `the library has no function ${missing}: it is no libiec61850 1.5 client`;
      throw new GatewayError("CONFIG_INVALID", { file, missing, reason }, { cause });
    }
  }
  return bound as Record<N, NativeFunction>;
}

async function asynchronous(call: NativeFunction, values: readonly unknown[]): Promise<unknown> {
  return new Promise((resolve, reject) => {
    call.async(...values, (error: unknown, result: unknown) => {
      if (error instanceof Error) reject(error);
      else resolve(result);
    });
  });
}

/** A pointer that a function returned; undefined for NULL. */
export function pointerOf(result: unknown): Pointer | undefined {
  return typeof result === "bigint" && result !== 0n ? result : undefined;
}

export function numberOf(result: unknown): number {
  assert(typeof result === "number", "a C function returned no number");
  return result;
}

/** A structure of an address. @throws GatewayError CONFIG_INVALID when it is too long for C */
export function selectorOf(kind: keyof typeof SELECTOR_OCTETS, octets: Uint8Array): object {
  const most = SELECTOR_OCTETS[kind];
  if (octets.length > most) {
    throw new GatewayError("CONFIG_INVALID", { selector: kind, octets: octets.length, most });
  }
  const value = new Uint8Array(most);
  value.set(octets);
  return { size: octets.length, value };
}

/** Memory of C with these octets, for as long as `use` runs. */
export async function withOctets<T>(
  octets: Uint8Array,
  use: (at: Pointer) => Promise<T>,
): Promise<T> {
  const at: unknown = koffi.alloc("uint8_t", Math.max(1, octets.length));
  assert(typeof at === "bigint", "memory has an address");
  try {
    new Uint8Array(koffi.view(at, octets.length)).set(octets);
    return await use(at);
  } finally {
    koffi.free(at);
  }
}

/** Member of a data set as the library describes it. */
const MEMBER = { domain: "const char *", item: "const char *", index: "int32_t", part: "char *" };
let memberStruct: TypeObject | undefined;

export interface ListMember {
  readonly domain: string;
  readonly item: string;
  /** Part of an array, which has no name. */
  readonly isPart: boolean;
}

export function memberAt(at: Pointer): ListMember {
  memberStruct ??= koffi.struct(MEMBER);
  const member: unknown = koffi.decode(at, memberStruct);
  assert(typeof member === "object" && member !== null, "a member is a structure");
  const { domain, item, index } = member as Record<string, unknown>;
  return {
    domain: typeof domain === "string" ? domain : "",
    item: typeof item === "string" ? item : "",
    isPart: typeof index === "number" && index >= 0,
  };
}
