import assert from "node:assert/strict";

import {
  cduFlowLPerMin,
  type CduPumpParameters,
  cduPumpPowerW,
} from "../../../../src/simulator/physics/thermal/cdu-pumps.ts";
import { counterFlowEffectiveness } from "../../../../src/simulator/physics/thermal/exchanger.ts";

const PUMPS: CduPumpParameters = {
  pumps: 4,
  shutOffHeadKpa: 300,
  pumpDropKpa: 80,
  pumpFlowLPerMin: 1086,
  systemDropKpa: 220,
  systemFlowLPerMin: 4344,
  efficiency: 0.6,
};

describe("pumps of a coolant distribution unit", () => {
  it("move the flows of the demo site's operating points", () => {
    for (const [speed, flow] of [
      [0.3, 1303],
      [0.437, 1898],
      [0.624, 2711],
      [0.832, 3614],
    ] as const) {
      assert.ok(Math.abs(cduFlowLPerMin(PUMPS, speed, 4) / flow - 1) < 1e-3);
    }
  });
  it("lose flow with each pump that fails", () => {
    assert.ok(Math.abs(cduFlowLPerMin(PUMPS, 0.832, 3) / 3290 - 1) < 1e-3);
    assert.equal(Math.round(cduFlowLPerMin(PUMPS, 1, 2)), 3238);
    assert.equal(cduFlowLPerMin(PUMPS, 1, 0), 0);
  });
  it("draw the power of the full load's table", () => {
    const eachW = cduPumpPowerW(PUMPS, cduFlowLPerMin(PUMPS, 0.832, 4));
    assert.ok(Math.abs((8 * eachW) / 122_338 - 1) < 1e-3);
  });
});

describe("counter-flow effectiveness", () => {
  it("is continuous where both capacity rates are equal", () => {
    assert.equal(counterFlowEffectiveness(6, 1), 6 / 7);
    assert.ok(Math.abs(counterFlowEffectiveness(6, 1 - 1e-6) - 6 / 7) < 1e-6);
  });
});
