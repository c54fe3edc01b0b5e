import { strict as assert } from "node:assert";
import { SCENES } from "../../src/simulator/scenes.ts";
import { VirtualPlant } from "./support/virtual-plant.ts";

/** Longer scenes are played in longer steps, the longest by ten seconds each. */
const FINE_S = 130;
const COARSE_S = 700;
const SLOW_S = 4000;
const BALANCE_MAX = 1e-9;
const BATTERY_MAX = 1e-9;
const HEAT_MAX = 1e-6;

function stepOf(durationS: number): number {
  if (durationS <= FINE_S) return 0.01;
  if (durationS <= COARSE_S) return 0.1;
  return durationS <= SLOW_S ? 1 : 10;
}

/** Bus and batteries are added up here once more, so that a flow that the model forgets is seen. */
function electricError(site: VirtualPlant): number {
  const { state } = site.plant;
  const isLive = state.grid.isLive;
  const feedersW = state.load.powerW + state.mechanicalW;
  const upsW = state.ups.reduce((sum, { inputW }) => sum + inputW, 0);
  const belowW = feedersW + upsW;
  const lossW = isLive ? 22_000 + 270_000 * (belowW / 0.98 / 31.5e6) ** 2 : 0;
  const bessW = state.bess.reduce((sum, { pcs }) => sum + pcs.powerW, 0);
  const missingW = state.grid.importW + bessW - belowW - lossW;
  return Math.abs(missingW) / Math.max(1e5, belowW + Math.abs(bessW));
}

function pcsError(site: VirtualPlant): number {
  return Math.max(
    ...site.plant.state.bess.map(({ battery, pcs, lossW }) => {
      const missingW = battery.dcPowerW - pcs.meanW - lossW;
      return Math.abs(missingW) / Math.max(1e5, Math.abs(battery.dcPowerW));
    }),
  );
}

describe("scenes in virtual time", function () {
  this.timeout(60_000);

  for (const scene of SCENES) {
    it(`${scene.number} ${scene.name}: bus, batteries and heat balance in every tenth step`, () => {
      const site = new VirtualPlant();
      const dtS = stepOf(scene.durationS);
      const { bess } = site.plant.state;
      const startSoc = bess.map(({ battery }) => battery.soc);
      let worst = 0;
      let worstPcs = 0;
      let worstHeat = 0;
      site.play(scene, dtS, (step) => {
        // Somebody works with the batteries all the time.
        if (step % 50 === 1) site.drive(((step % 700) / 100 - 3) * 1e6);
        if (step % 10 !== 0 && dtS <= 1) return;
        worst = Math.max(worst, electricError(site), site.plant.snapshot().balanceError);
        worstPcs = Math.max(worstPcs, pcsError(site));
        worstHeat = Math.max(worstHeat, site.plant.snapshot().cooling?.heatBalanceError ?? 0);
      });
      assert.ok(worst <= BALANCE_MAX, `electric ${worst}`);
      assert.ok(worstPcs <= BATTERY_MAX, `battery ${worstPcs}`);
      assert.ok(worstHeat <= HEAT_MAX, `heat ${worstHeat}`);
      const capacityJ = site.plant.parameters.bess.energyCapacityWh * 3600;
      for (const [index, { battery }] of bess.entries()) {
        const givenJ = battery.dischargedJ - battery.chargedJ;
        const movedJ = battery.dischargedJ + battery.chargedJ;
        assert.ok(movedJ > 0, "the battery has worked");
        const missingJ = givenJ - ((startSoc[index] ?? 0) - battery.soc) * capacityJ;
        assert.ok(Math.abs(missingJ) <= 1e-6 * movedJ, `${missingJ} J of charge are missing`);
      }
    });
  }
});
