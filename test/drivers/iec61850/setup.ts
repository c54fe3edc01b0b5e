import type { AssociateOptions, Association } from "../../../src/drivers/iec61850/engine.ts";
import { TsEngine } from "../../../src/drivers/iec61850/association.ts";
import type { TypeCache } from "../../../src/drivers/iec61850/type-cache.ts";
import { TimerWheel } from "../../../src/drivers/wheel.ts";
import type { TypeSpec } from "../../../src/wire/mms/type-spec.ts";
import { SimClock } from "../../support/sim-clock.ts";
import { MmsPeer, type PeerOptions } from "./mms-peer.ts";

export interface Setup {
  readonly peer: MmsPeer;
  readonly clock: SimClock;
  readonly wheel: TimerWheel;
  readonly engine: TsEngine;
  readonly stop: () => Promise<void>;
}

/** A peer on loopback and an engine whose time only a test moves. */
export async function setUp(options: PeerOptions = {}, cache?: TypeCache): Promise<Setup> {
  const peer = await MmsPeer.start(options);
  const clock = new SimClock();
  const wheel = new TimerWheel(clock);
  const terms = { clock, wheel };
  const engine = new TsEngine(cache === undefined ? terms : { ...terms, cache });
  return { peer, clock, wheel, engine, stop: async () => peer.stop() };
}

export async function associated(
  setup: Setup,
  options: Partial<AssociateOptions> = {},
): Promise<Association> {
  return setup.engine.associate(
    { host: "127.0.0.1", port: setup.peer.port, probePeriodMs: 1_000_000, ...options },
    NEVER,
  );
}

export const NEVER = new AbortController().signal;
export const CALL = { signal: NEVER };

export const TEXT: TypeSpec = { kind: "text", size: -129 };
export const BOOLEAN: TypeSpec = { kind: "boolean" };
export const FLOAT: TypeSpec = { kind: "float", width: 32, exponentBits: 8 };
export const INT8U: TypeSpec = { kind: "unsigned", bits: 8 };
export const INT32U: TypeSpec = { kind: "unsigned", bits: 32 };

export function structure(members: Readonly<Record<string, TypeSpec>>): TypeSpec {
  return {
    kind: "structure",
    members: Object.entries(members).map(([name, type]) => ({ name, type })),
  };
}
