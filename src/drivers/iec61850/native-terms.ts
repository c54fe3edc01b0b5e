/** What the bodies of frames between the gateway and the native process say. */

/** An OSI address as C wants it. */
export interface NativeAddress {
  readonly title: string;
  readonly qualifier: number;
  readonly presentation: readonly number[];
  readonly session: readonly number[];
  readonly transport: readonly number[];
}

export interface OpenOrder {
  readonly host: string;
  readonly port: number;
  readonly connectTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly pduOctets: number;
  readonly calling: NativeAddress;
  readonly called: NativeAddress;
  /** Text, because C ends it with a NUL. */
  readonly password?: string;
}

export interface Ready {
  readonly version: string;
}

export interface Opened {
  readonly pduOctets: number;
  readonly nesting: number;
  /** Octets of the bit string of services that the device has. */
  readonly services: readonly number[];
  /** Attempts before this one that the library let come up without letting anything through. */
  readonly lame: number;
}

export interface Failed {
  /** `lost`: the process or the library gave up; not the device's word. */
  readonly why: "refused" | "timeout" | "lost";
  readonly reason: string;
}

export interface Over {
  readonly why: "lost" | "released" | "overrun";
}

/** Associations that the process has at once, with those that are being closed. */
export const ASSOCIATIONS_MAX = 32;
/** Each may have one call under way; files and names of hosts need threads, too. */
export const POOL_THREADS = ASSOCIATIONS_MAX + 4;
/** The stream between the two, in the process: the first after the standard three. */
export const PIPE_FD = 3;
