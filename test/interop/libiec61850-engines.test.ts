import { TsEngine } from "../../src/drivers/iec61850/association.ts";
import { EngineChoice } from "../../src/drivers/iec61850/native-engine.ts";
import { TimerWheel } from "../../src/drivers/wheel.ts";
import { SystemClock } from "../../src/platform/clock.ts";
import { engineContract } from "../contract/iec61850-engine.contract.ts";
import { type EnginePlace, simulatorPeer } from "../contract/iec61850-peer.ts";
import { findLibrary, libiec61850Peer } from "./pyiec61850.ts";

async function ours(): Promise<EnginePlace> {
  const clock = new SystemClock();
  const engine = new TsEngine({ clock, wheel: new TimerWheel(clock) });
  return Promise.resolve({ engine, close: () => undefined });
}

async function native(): Promise<EnginePlace | undefined> {
  const library = findLibrary();
  if (library === undefined) return undefined;
  const clock = new SystemClock();
  const wheel = new TimerWheel(clock);
  const choice = new EngineChoice({ clock, wheel, random: Math.random });
  const close = (): void => {
    choice.close();
  };
  return Promise.resolve({ engine: choice.engineFor({ library }), close });
}

engineContract("our engine, libiec61850 as server", ours, libiec61850Peer);
engineContract("libiec61850 as engine, our simulator", native, simulatorPeer);
engineContract("libiec61850 as engine, libiec61850 as server", native, libiec61850Peer);
