import { TsEngine } from "../../../src/drivers/iec61850/association.ts";
import { TimerWheel } from "../../../src/drivers/wheel.ts";
import { SystemClock } from "../../../src/platform/clock.ts";
import { engineContract } from "../../contract/iec61850-engine.contract.ts";
import { simulatorPeer } from "../../contract/iec61850-peer.ts";

engineContract(
  "our engine, our simulator",
  async () => {
    const clock = new SystemClock();
    const engine = new TsEngine({ clock, wheel: new TimerWheel(clock) });
    return Promise.resolve({ engine, close: () => undefined });
  },
  simulatorPeer,
);
