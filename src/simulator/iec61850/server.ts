import type { TlsOptions } from "node:tls";
import type { Clock } from "../../domain/time.ts";
import type { IedDevice, IedHooks } from "./device.ts";
import type { IedModel } from "./model.ts";

export interface MmsServerOptions {
  readonly host: string;
  /** 0: any free port; the answer says which. */
  readonly port: number;
  readonly model: IedModel;
  readonly clock: Clock;
  readonly hooks?: IedHooks;
  /** Served over TLS with these. */
  readonly tls?: TlsOptions;
  /** Asked of every client when given. */
  readonly password?: string;
  /** Largest MMS PDU that is agreed to, octets; 65,000 when left out. */
  readonly pduOctets?: number;
  /** Number of the first entry of buffered reports; 1 when left out. */
  readonly firstEntry?: number;
}

export interface MmsServer {
  readonly port: number;
  /** Values, faults and counters. */
  readonly device: IedDevice;
  /** Resolves when the signal has ended the server and every socket is closed. */
  readonly closed: Promise<void>;
}

/** Serves a simulated IED until the signal aborts. */
export declare function startMmsServer(
  options: MmsServerOptions,
  signal: AbortSignal,
): Promise<MmsServer>;
