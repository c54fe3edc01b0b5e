import { strict as assert } from "node:assert";
import { VirtualSite } from "../support/virtual-site.ts";

const MVA = 1e6;
const UNITS = ["bess-1", "bess-2"] as const;
/** Of one converter: active power, and apparent power. */
const RATED_W = 12 * MVA;
const APPARENT_VA = 13 * MVA;
const ASKED_VAR = 12 * MVA;
/** Import at full load, W. */
const FULL_LOAD_W = 25.754 * MVA;

/** Both give all they have for a peak cap, and are asked for vars beside it. */
function askedFor(nominalV: number, apparentVa = APPARENT_VA): (text: string) => string {
  const capKw = (FULL_LOAD_W - 2 * RATED_W) / 1_000;
  const entry = (device: string): string =>
    `  - { device: ${device}, point: reactive-power-setpoint, minimum: -13000, maximum: 13000, ` +
    `unit: kvar, beyond: clamp }\n`;
  return (text) =>
    text
      .replace(/peakCapKw: \d+/, `peakCapKw: ${capKw}`)
      .replace(/unitCapacityKwh: \d+/, `$&\n      unitApparentKva: ${apparentVa / 1_000}`)
      .replace("\nmeters:", `  reactive: { powerKvar: ${ASKED_VAR / 1_000} }\n\nmeters:`)
      .replace(/nominalVoltageV: \d+/, `nominalVoltageV: ${nominalV}`)
      .replace("envelope:\n", `envelope:\n${UNITS.map(entry).join("")}`);
}

const asked = (site: VirtualSite, unit: string, name: string): number =>
  site.plant.device(unit).readNumber(name, Number.NaN);

describe("scenario 14: active and reactive power share the circle, in the registers", function () {
  this.timeout(120_000);

  it("gives active power first: vars have what is left of the circle, and keep it", async () => {
    const site = await VirtualSite.open({ change: askedFor(20_000) });
    await site.run(8);
    const leftVar = Math.sqrt(APPARENT_VA ** 2 - RATED_W ** 2);
    assert.ok(leftVar < ASKED_VAR / 2, "less is left than was asked");
    for (const unit of UNITS) {
      assert.ok(Math.abs(asked(site, unit, "active-power-setpoint") - RATED_W) < 2e3);
      const var1 = asked(site, unit, "reactive-power-setpoint");
      assert.ok(Math.abs(var1 - leftVar) <= 0.03 * MVA, `${var1} of ${leftVar} var`);
      assert.ok(Math.hypot(RATED_W, var1) <= APPARENT_VA * 1.001);
      const givenVar = site.told(unit, "reactive-power").value;
      assert.ok(Math.abs(givenVar - leftVar) <= 0.03 * MVA, `${givenVar} var measured`);
    }
    assert.equal(site.status.reactive?.priority, "active");
    assert.equal(site.status.reactive.askedVar, ASKED_VAR);
    await site.run(5);
    const keptVar = asked(site, "bess-1", "reactive-power-setpoint");
    assert.ok(Math.abs(keptVar - leftVar) <= 0.03 * MVA, "beyond its own reversion of 3 s");
    await site.close();
  });

  it("gives vars first while the voltage is at 85 %: active power has what is left", async () => {
    const site = await VirtualSite.open({ change: askedFor(Math.round(19_780 / 0.85)) });
    await site.run(8);
    assert.equal(site.status.reactive?.priority, "reactive");
    assert.equal(site.eventsOf("voltage-event")[0]?.phase, "raised");
    const leftW = Math.sqrt(APPARENT_VA ** 2 - (ASKED_VAR / 2) ** 2);
    for (const unit of UNITS) {
      const var1 = asked(site, unit, "reactive-power-setpoint");
      assert.ok(Math.abs(var1 - ASKED_VAR / 2) <= 2e3, `${var1} var`);
      const powerW = asked(site, unit, "active-power-setpoint");
      assert.ok(Math.abs(powerW - leftW) <= 0.01 * MVA, `${powerW} of ${leftW} W`);
    }
    await site.close();
  });

  it("would leave the circle if nobody knew of it (negative control)", async () => {
    const site = await VirtualSite.open({ change: askedFor(20_000, 20 * MVA) });
    await site.run(3);
    const powers = ["active-power-setpoint", "reactive-power-setpoint"].map((name) =>
      asked(site, "bess-1", name),
    );
    assert.ok(Math.hypot(...powers) > APPARENT_VA * 1.02, powers.join());
    await site.close();
  });
});
