import { assert } from "../src/domain/assert.ts";
import { GatewayError } from "../src/domain/errors.ts";
import {
  type Libiec61850,
  type ListMember,
  memberAt,
  numberOf,
  type Pointer,
  pointerOf,
  selectorOf,
  withOctets,
} from "./libiec61850.ts";

/**
 * One association by libiec61850. Its owner makes one call after the other, never two at a time,
 * and destroys it when no call is under way.
 *
 * Values come and go as BER: the library turns them into octets within one call, and a value that
 * it only lends is copied before it is gone.
 */
export class MmsClient {
  readonly #library: Libiec61850;
  readonly #at: Pointer;
  readonly #error: [number] = [0];

  /** @param id by which the events of the library name this association */
  constructor(library: Libiec61850, id: number) {
    this.#library = library;
    const at = pointerOf(library.now("create"));
    assert(at !== undefined, "the library makes an association");
    this.#at = at;
    const { informed, lost } = library.callbacks;
    library.now("setInformed", at, informed, BigInt(id));
    library.now("setLost", at, lost, BigInt(id));
  }

  /** @throws GatewayError CONFIG_INVALID when an address does not fit the structures of C */
  configure(settings: ClientSettings): void {
    const { now } = this.#library;
    now("setConnectTimeout", this.#at, settings.connectTimeoutMs);
    now("setRequestTimeout", this.#at, settings.requestTimeoutMs);
    now("setLocalDetail", this.#at, settings.pduOctets);
    const iso = now("isoParameters", this.#at);
    const { calling, called } = settings;
    now("setLocal", iso, ...selectors(calling));
    now("setRemote", iso, ...selectors(called));
    now("setLocalTitle", iso, calling.title, calling.qualifier);
    now("setRemoteTitle", iso, called.title, called.qualifier);
  }

  /** @returns `NO_ERROR`, or the library's number for what went wrong */
  async connect(host: string, port: number, password: string | undefined): Promise<number> {
    const { now } = this.#library;
    const authentication = password === undefined ? undefined : now("newAuthentication");
    if (authentication !== undefined) {
      now("setMechanism", authentication, PASSWORD_MECHANISM);
      now("setPassword", authentication, password);
      now("setAuthentication", now("isoParameters", this.#at), authentication);
    }
    try {
      const isUp = await this.#later("connect", host, port);
      return isUp === true ? NO_ERROR : this.#error[0] || ERROR_OTHER;
    } finally {
      if (authentication !== undefined) now("deleteAuthentication", authentication);
    }
  }

  get parameters(): ClientParameters {
    const found = this.#library.now("mmsParameters", this.#at) as ClientParameters;
    const { calling, called, nesting, octets, services } = found;
    return { calling, called, nesting, octets, services: Uint8Array.from(services) };
  }

  async names(kind: NameKind, domain: string): Promise<Answered<readonly string[]>> {
    const list = kind === "domains" ? await this.#later(kind) : await this.#later(kind, domain);
    return this.#answered(list, (at) => {
      const names: string[] = [];
      this.#each(at, (element) => {
        const name = this.#library.now("textOfList", element);
        if (typeof name === "string") names.push(name);
      });
      this.#library.now("deleteList", at);
      return names;
    });
  }

  async type(domain: string, item: string): Promise<Answered<NativeType>> {
    const type = await this.#later("type", domain, item);
    return this.#answered(type, (at) => {
      try {
        return this.#typeAt(at, 0);
      } finally {
        this.#library.now("deleteType", at);
      }
    });
  }

  async members(domain: string, item: string): Promise<Answered<ListMembers>> {
    const isDeletable: [boolean] = [false];
    const list = await this.#later("members", domain, item, isDeletable);
    return this.#answered(list, (at) => {
      const members: ListMember[] = [];
      this.#each(at, (element) => {
        const member = pointerOf(this.#library.now("elementOfList", element));
        if (member === undefined) return;
        members.push(memberAt(member));
        this.#library.now("deleteMember", member);
      });
      this.#library.now("deleteListOnly", at);
      return { members, isDeletable: isDeletable[0] };
    });
  }

  /** @returns the BER of one AccessResult */
  async read(domain: string, item: string): Promise<Answered<Uint8Array>> {
    return this.#answered(await this.#later("read", domain, item), (at) => this.#taken(at));
  }

  /** @returns the BER of an array of AccessResults */
  async readMany(domain: string, items: readonly string[]): Promise<Answered<Uint8Array>> {
    const { now } = this.#library;
    const texts = items.map((item) => new TextEncoder().encode(`${item}\0`));
    const octets = new Uint8Array(texts.reduce((sum, { length }) => sum + length, 0));
    const starts: number[] = [];
    let end = 0;
    for (const text of texts) {
      starts.push(end);
      octets.set(text, end);
      end += text.length;
    }
    return withOctets(octets, async (base) => {
      const list = now("newList");
      for (const start of starts) now("addToList", list, base + BigInt(start));
      try {
        const values = await this.#later("readMany", domain, list);
        return this.#answered(values, (at) => this.#taken(at));
      } finally {
        now("deleteListOnly", list);
      }
    });
  }

  /**
   * @param value BER of one value
   * @returns the library's code of the access: below 0 for success
   * @throws GatewayError REQUEST_REFUSED for a value that the library cannot read
   */
  async write(domain: string, item: string, value: Uint8Array): Promise<Answered<number>> {
    const { now } = this.#library;
    const end: [number] = [0];
    const made = pointerOf(now("decodeValue", value, 0, value.length, end));
    if (made === undefined) throw new GatewayError("REQUEST_REFUSED", { reason: "value" });
    try {
      const code = numberOf(await this.#later("write", domain, item, made));
      return { error: this.#error[0], found: code };
    } finally {
      now("deleteValue", made);
    }
  }

  async status(): Promise<Answered<{ readonly logical: number; readonly physical: number }>> {
    const logical: [number] = [0];
    const physical: [number] = [0];
    await this.#later("status", logical, physical, false);
    const error = this.#error[0];
    const found = { logical: logical[0], physical: physical[0] };
    return { error, found: error === NO_ERROR ? found : undefined };
  }

  /** Says good-bye. */
  async conclude(): Promise<void> {
    await this.#later("conclude");
  }

  async abort(): Promise<void> {
    await this.#later("abort");
  }

  /** Closes what is open and gives everything back; nothing may be called afterwards. */
  async destroy(): Promise<void> {
    await this.#library.later("destroy", this.#at);
  }

  /** The BER of a value, which is deleted. */
  static take(library: Libiec61850, value: Pointer): Uint8Array {
    try {
      const size = numberOf(library.now("encodeValue", value, null, 0, false));
      const octets = new Uint8Array(size);
      library.now("encodeValue", value, octets, 0, true);
      return octets;
    } finally {
      library.now("deleteValue", value);
    }
  }

  #taken(value: Pointer): Uint8Array {
    return MmsClient.take(this.#library, value);
  }

  async #later(name: WaitingCall, ...values: readonly unknown[]): Promise<unknown> {
    this.#error[0] = NO_ERROR;
    return this.#library.later(name, this.#at, this.#error, ...values);
  }

  #answered<T>(result: unknown, read: (at: Pointer) => T): Answered<T> {
    const at = pointerOf(result);
    const found = at === undefined ? undefined : read(at);
    const error = this.#error[0];
    if (found === undefined && error === NO_ERROR) return { error: ERROR_OTHER, found };
    return { error, found };
  }

  #each(list: Pointer, take: (element: Pointer) => void): void {
    let element = pointerOf(this.#library.now("nextOfList", list));
    while (element !== undefined) {
      take(element);
      element = pointerOf(this.#library.now("nextOfList", element));
    }
  }

  #typeAt(at: Pointer, depth: number): NativeType {
    if (depth > TYPE_DEPTH_MAX) throw new GatewayError("REPLY_MALFORMED", { depth });
    const { now } = this.#library;
    const kind = numberOf(now("typeKind", at));
    const size = numberOf(now("typeSize", at));
    const exponentBits = kind === TYPE_FLOAT ? numberOf(now("typeExponent", at)) : 0;
    const parts: { readonly name: string; readonly type: NativeType }[] = [];
    if (kind === TYPE_STRUCTURE) {
      for (let part = 0; part < size; part++) {
        const child = pointerOf(now("typeChild", at, part));
        if (child === undefined) throw new GatewayError("REPLY_MALFORMED", { part });
        const name = now("typeName", child);
        parts.push({
          name: typeof name === "string" ? name : "",
          type: this.#typeAt(child, depth + 1),
        });
      }
    }
    if (kind === TYPE_ARRAY) {
      const element = pointerOf(now("typeElement", at));
      if (element === undefined) throw new GatewayError("REPLY_MALFORMED", { size });
      parts.push({ name: "", type: this.#typeAt(element, depth + 1) });
    }
    return { kind, size, exponentBits, parts };
  }
}

/** What users of an association need of one: a test has its own. */
export type MmsCalls = Pick<MmsClient, keyof MmsClient>;

type WaitingCall = Exclude<Parameters<Libiec61850["later"]>[0], "destroy">;
export type NameKind = "domains" | "variables" | "variableLists";

/** Errors of the library that are told apart. */
export const NO_ERROR = 0;
export const ERROR_CONNECTION_REJECTED = 1;
export const ERROR_CONNECTION_LOST = 2;
export const ERROR_TIMEOUT = 3;
export const ERROR_PARSING = 4;
const ERROR_OTHER = 9;

/** Kinds of types of the library. */
export const TYPE_ARRAY = 0;
export const TYPE_STRUCTURE = 1;
const TYPE_FLOAT = 6;
const TYPE_DEPTH_MAX = 12;
const PASSWORD_MECHANISM = 1;

export interface Answered<T> {
  /** `NO_ERROR`, or the library's number. */
  readonly error: number;
  readonly found: T | undefined;
}

export interface ClientAddress {
  readonly title: string;
  readonly qualifier: number;
  readonly presentation: Uint8Array;
  readonly session: Uint8Array;
  readonly transport: Uint8Array;
}

export interface ClientSettings {
  readonly connectTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly pduOctets: number;
  readonly calling: ClientAddress;
  readonly called: ClientAddress;
}

/** What was agreed on. */
export interface ClientParameters {
  readonly calling: number;
  readonly called: number;
  readonly nesting: number;
  readonly octets: number;
  /** Bits of the services that the device has, the first being the highest of the first octet. */
  readonly services: Uint8Array;
}

/** A type as the library has it: what `kind` and `size` say is its own. */
export interface NativeType {
  readonly kind: number;
  readonly size: number;
  readonly exponentBits: number;
  /** Members of a structure, or the one element of an array. */
  readonly parts: readonly { readonly name: string; readonly type: NativeType }[];
}

export interface ListMembers {
  readonly members: readonly ListMember[];
  readonly isDeletable: boolean;
}

function selectors(address: ClientAddress): readonly object[] {
  return [
    selectorOf("presentation", address.presentation),
    selectorOf("session", address.session),
    selectorOf("transport", address.transport),
  ];
}
