import { strict as assert } from "node:assert";
import { parseSite, requireSite } from "../../src/config/load.ts";
import { problemLine } from "../../src/config/problem.ts";
import { SAMPLE_SITE } from "../../src/config/sample.ts";
import { GatewayError } from "../../src/domain/errors.ts";

function problemsOf(text: string): string[] {
  const result = parseSite(text);
  return "site" in result
    ? []
    : result.problems.map((problem) => problemLine("site.yaml", problem));
}

/** The sample with one line replaced. */
function sampleWith(line: RegExp, by: string): string {
  assert.match(SAMPLE_SITE, line);
  return SAMPLE_SITE.replace(line, by);
}

/** A problem without its place, and without the forms that would have been right. */
function sentence(problem: string): string {
  return problem.replace(/^\S+ /, "").replace(/ here: .*/, " here");
}

describe("site file", () => {
  it("accepts the sample as it stands and fills in the defaults", () => {
    const result = parseSite(SAMPLE_SITE);
    assert.ok("site" in result, JSON.stringify(result));
    assert.equal(result.site.devices[2]?.process, "field");
    assert.equal(result.site.control?.leaseDefaultMs, 60_000);
    assert.equal(result.site.mqtt.realtimeMs, 100);
  });

  it("tells every problem at once, each with its place", () => {
    const text = sampleWith(/unit: kW,/, "unit: kW, colour: red,").replace(
      "gateway: gw-1",
      "gateway: GW 1",
    );
    assert.deepEqual(problemsOf(text), [
      "site.yaml:4:10: gateway must look like ^[a-z][a-z0-9-]{0,39}$",
      'site.yaml:43:5: envelope/0 has no key "colour"',
    ]);
  });

  describe("with mistakes of form", () => {
    const wrong = (...changes: readonly (readonly [RegExp, string])[]): string =>
      changes.reduce((text, [line, by]) => {
        assert.match(text, line);
        return text.replace(line, by);
      }, SAMPLE_SITE);

    it("tells what breaks a rule elsewhere as well, and nothing that its own mistake makes", () => {
      const text = wrong(
        [/gateway: gw-1/, "gateway: GW 1"],
        [/host: 192.0.2.12, port: 502/, "port: 502"],
        [/connection: chiller-1 }/, "connection: chiller-1, unit: one }"],
        [/units: \[bess-1\]/, "units: [bess-1, bess-7]"],
        [/minimum: -5000/, "minimum: 6000"],
      );
      assert.deepEqual(problemsOf(text).map(sentence), [
        "gateway must look like ^[a-z][a-z0-9-]{0,39}$",
        "connections/chiller-1 is none of the forms that are allowed here",
        "devices/2/unit must be integer",
        'there is no device "bess-7"',
        "minimum is above maximum",
      ]);
    });

    it("misses nothing that a device with a mistake has named or may have meant", () => {
      const text = wrong([
        /profile: sunspec\/der-storage, connection: bess-1,/,
        "conection: bess-1,",
      ]);
      assert.deepEqual(problemsOf(text).map(sentence), [
        'devices/1 needs the key "profile"',
        'devices/1 needs the key "connection"',
        'devices/1 has no key "conection"',
      ]);
    });

    it("says which rules it could not look at", () => {
      const text = wrong(
        [/peakCapKw: 9000/, "peakCapKw: high"],
        [/minimum: -5000/, "minimum: 6000"],
      );
      assert.deepEqual(problemsOf(text).map(sentence), [
        "control/grid/peakCapKw must be number",
        "minimum is above maximum",
        "more may follow once control has its form",
      ]);
      assert.deepEqual(problemsOf("devices: 3").slice(-1).map(sentence), [
        "more may follow once devices and connections have their form",
      ]);
    });

    it("survives any value in the place of any other", () => {
      for (const [at] of SAMPLE_SITE.matchAll(/(?<=: )[^\s,#{}[\]]+(?=[\s,}])/g)) {
        for (const by of ["[]", "{}", "null", "x", "-1", "[[1]]"])
          problemsOf(SAMPLE_SITE.replace(at, by));
      }
    });
  });

  it("gives the place of broken YAML and of a key that stands twice", () => {
    assert.match(problemsOf("site: [1, 2")[0] ?? "", /^site\.yaml:1:\d+: /);
    assert.deepEqual(problemsOf("site: a\nsite: b\n"), ["site.yaml:2:1: Map keys must be unique"]);
  });

  it("says in one sentence that a connection is none of the known forms", () => {
    const problems = problemsOf(
      sampleWith(/protocol: modbus-tcp, host: 192.0.2.10/, "protocol: x"),
    );
    assert.equal(problems.length, 1);
    assert.match(problems[0] ?? "", /connections\/grid is none of the forms/);
  });

  const crossChecks: readonly [string, string, RegExp][] = [
    [
      "a device twice",
      sampleWith(/id: bess-1, profile/, "id: grid-meter, profile"),
      /already the name/,
    ],
    [
      "an unknown connection",
      sampleWith(/connection: grid,/, "connection: gird,"),
      /no connection "gird"/,
    ],
    [
      "a device that is like one that there is not",
      sampleWith(/id: bess-1, profile/, "id: bess-1, sameAs: [bess-9], profile"),
      /no other device "bess-9"/,
    ],
    [
      "a connection without use",
      sampleWith(/connection: grid,/, "connection: bess-1,"),
      /no device uses/,
    ],
    [
      "two devices at one place",
      sampleWith(/connection: grid,/, "connection: bess-1,"),
      /is already/,
    ],
    [
      "a loop on a field device",
      sampleWith(/connection: grid, process: control/, "connection: grid"),
      /must have process: control/,
    ],
    [
      "a cap above the contract",
      sampleWith(/peakCapKw: 9000/, "peakCapKw: 90000"),
      /must not be above importLimitKw, 10000 kW/,
    ],
    [
      "an envelope upside down",
      sampleWith(/minimum: -5000/, "minimum: 6000"),
      /minimum is above maximum/,
    ],
    [
      "an envelope for nobody",
      sampleWith(/device: bess-1,/, "device: bess-9,"),
      /no device "bess-9"/,
    ],
    [
      "a meter that does not exist",
      `${SAMPLE_SITE}\nmeters: { compute: [grid-meter], cooling: [chiller-9] }\n`,
      /no device "chiller-9"/,
    ],
    [
      "a unit that does not exist",
      sampleWith(/units: \[bess-1\]/, "units: [bess-2]"),
      /no device "bess-2"/,
    ],
    [
      "a reserve upside down",
      sampleWith(/socReservePercent: 30/, "socMinPercent: 96"),
      /socMinPercent must be below/,
    ],
  ];
  for (const [what, text, expected] of crossChecks) {
    it(`refuses ${what}`, () => {
      assert.match(problemsOf(text).join("\n"), expected);
    });
  }

  it("names both devices that are one unit behind two connections", () => {
    const grid = "grid: { protocol: modbus-tcp, host: 192.0.2.10, port: 502 }";
    const chiller = "chiller-1: { protocol: modbus-tcp, host: 192.0.2.10 }";
    const text = sampleWith(/chiller-1: \{ protocol.* }/, chiller);
    assert.ok(text.includes(grid), "502 is the port of who says none");
    assert.deepEqual(problemsOf(text), [
      'site.yaml:24:5: "chiller-1" and "grid-meter" are both unit 1 at 192.0.2.10:502, ' +
        'under the connections "chiller-1" and "grid"',
    ]);
    assert.deepEqual(
      problemsOf(text.replace("connection: chiller-1 }", "connection: chiller-1, unit: 2 }")),
      [],
    );
  });

  it("refuses a connection shared by two processes", () => {
    const text = sampleWith(/connection: chiller-1 }/, "connection: grid, unit: 9 }");
    const [problem] = problemsOf(text);
    assert.match(problem ?? "", /^site\.yaml:24:\d+: all devices of connection "grid" must run/);
  });

  it("names the first problem when a process cannot start", () => {
    assert.throws(
      () => requireSite("site: 1\n", "site.yaml"),
      (error) => error instanceof GatewayError && error.code === "CONFIG_INVALID",
    );
  });

  it("survives any prefix of the sample and any byte changed to a colon", () => {
    for (let end = 0; end < SAMPLE_SITE.length; end += 7) {
      parseSite(SAMPLE_SITE.slice(0, end));
      parseSite(`${SAMPLE_SITE.slice(0, end)}:${SAMPLE_SITE.slice(end + 1)}`);
    }
  });
});
