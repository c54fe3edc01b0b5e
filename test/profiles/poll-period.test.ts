import { strict as assert } from "node:assert";
import fc from "fast-check";
import { buildPointTable, groupPeriodMs } from "../../src/config/point-table.ts";
import { parseSite } from "../../src/config/load.ts";
import { SAMPLE_SITE } from "../../src/config/sample.ts";
import { contextOf } from "../../src/app/site-context.ts";
import { periodInCycles, pollPeriodMs } from "../../src/profiles/poll-period.ts";

const NO_MINIMUM = 1;

describe("poll periods of a control loop", () => {
  const fast = { everyMs: 50, givenMs: undefined };

  it("read what feeds the loop once in each cycle of 20, 50 or 100 ms", () => {
    assert.equal(periodInCycles(fast, NO_MINIMUM, 20), 20);
    assert.equal(periodInCycles(fast, NO_MINIMUM, 50), 50);
    // Twice in each: who watches the meter sees what he saw at 50 ms.
    assert.equal(periodInCycles(fast, NO_MINIMUM, 100), 50);
  });

  it("ask no device more often than it bears, and keep the place in the cycle even so", () => {
    assert.equal(periodInCycles(fast, 50, 20), 60);
    assert.equal(periodInCycles(fast, 30, 20), 40);
  });

  it("follow the site's word as nearly as cycles allow", () => {
    assert.equal(periodInCycles({ everyMs: 50, givenMs: 40 }, NO_MINIMUM, 20), 40);
    assert.equal(periodInCycles({ everyMs: 50, givenMs: 50 }, NO_MINIMUM, 20), 40);
    assert.equal(periodInCycles({ everyMs: 50, givenMs: 20 }, NO_MINIMUM, 50), 25);
  });

  it("leave what is slow as slow as it is", () => {
    assert.equal(periodInCycles({ everyMs: 500, givenMs: undefined }, NO_MINIMUM, 20), 500);
    assert.equal(periodInCycles({ everyMs: 1_010, givenMs: undefined }, NO_MINIMUM, 50), 1_000);
  });

  it("are a whole number of cycles or of parts of one, never below the minimum", () => {
    const ms = fc.integer({ min: 1, max: 5_000 });
    fc.assert(
      fc.property(ms, ms, fc.constantFrom(10, 20, 50, 100), (everyMs, minimumMs, cycleMs) => {
        const given = { everyMs, givenMs: undefined };
        const cycles = periodInCycles(given, minimumMs, cycleMs) / cycleMs;
        const whole = cycles < 1 ? 1 / cycles : cycles;
        assert.ok(Math.abs(whole - Math.round(whole)) < 1e-9, `${cycles} cycles`);
        assert.ok(cycles * cycleMs >= minimumMs * (1 - 1e-9));
      }),
    );
  });
});

describe("poll periods of a device", () => {
  const fast = { name: "fast", everyMs: 200 };
  const once = { name: "once", everyMs: 0 };
  const terms = { pollMs: {}, minimumPeriodMs: 0, cycleMs: undefined };

  it("are the site's by group, then the site's for all, then the profile's", () => {
    assert.equal(pollPeriodMs(fast, terms), 200);
    assert.equal(pollPeriodMs(fast, { ...terms, pollMs: { default: 700 } }), 700);
    assert.equal(pollPeriodMs(fast, { ...terms, pollMs: { default: 700, fast: 300 } }), 300);
  });

  it("are never shorter than the device bears", () => {
    const slow = { ...terms, minimumPeriodMs: 500 };
    assert.equal(pollPeriodMs(fast, slow), 500);
    assert.equal(pollPeriodMs(fast, { ...slow, pollMs: { fast: 100 } }), 500);
    assert.equal(pollPeriodMs(fast, { ...slow, cycleMs: 50 }), 500);
  });

  it("are none for what is read once, by the profile or by the site", () => {
    assert.equal(pollPeriodMs(once, { ...terms, pollMs: { default: 700 } }), 0);
    assert.equal(pollPeriodMs(fast, { ...terms, pollMs: { fast: 0 } }), 0);
    assert.equal(pollPeriodMs(fast, { ...terms, pollMs: { fast: 0 }, cycleMs: 50 }), 0);
  });

  it("are in the point table as the driver polls, for either process", () => {
    const parsed = parseSite(
      SAMPLE_SITE.replace(
        "connection: chiller-1 }",
        "connection: chiller-1, pollMs: { default: 7 } }",
      ),
    );
    assert.ok("site" in parsed);
    const { site } = parsed;
    const { deviceById } = contextOf(site, "/etc/site.yaml");
    const profiles = new Map([...deviceById].map(([id, { profile }]) => [id, profile]));
    const table = buildPointTable(site, profiles);
    let compared = 0;
    for (const { config, profile } of deviceById.values())
      for (const { id, group } of profile.points) {
        const polled = group === undefined ? undefined : profile.groups[group];
        if (polled === undefined) continue;
        const driverMs = pollPeriodMs(polled, {
          pollMs: config.pollMs,
          minimumPeriodMs: profile.modbus.minimumPeriodMs,
          cycleMs: config.process === "control" ? site.control?.periodMs : undefined,
        });
        const index = table.indexById.get(`${config.id}/${id}`) ?? -1;
        assert.equal(table.points[index]?.everyMs ?? 0, driverMs, `${config.id}/${id}`);
        compared += 1;
      }
    assert.ok(compared > 50, `${compared} points`);
    const chiller = deviceById.get("chiller-1");
    assert.ok(chiller !== undefined);
    const { minimumPeriodMs } = chiller.profile.modbus;
    for (const group of chiller.profile.groups.filter(({ everyMs }) => everyMs > 0))
      assert.equal(groupPeriodMs(group, chiller, site), Math.max(7, minimumPeriodMs));
  });
});
