import assert from "node:assert/strict";
import { compileProfile, slugOf } from "../../src/profiles/compile.ts";
import { wireAddressOf } from "../../src/profiles/place.ts";
import type { Notation } from "../../src/profiles/place.ts";
import { firmwareMatches } from "../../src/profiles/resolve.ts";
import type { Profile } from "../../src/profiles/schema.ts";
import type { PointLine } from "../../src/profiles/schema-point.ts";
import { compiled, pointWith, problemsOf, profileWith } from "./builders.ts";

const A: PointLine = { point: "x-a", at: "holding 1", type: "int16", unit: "W", group: "g" };
const B: PointLine = { point: "x-b", at: "holding 2", type: "int16", unit: "W", group: "g" };
const RULE = { readBack: { withinMs: 1 }, danger: "power" } as const;

describe("compiling a profile", () => {
  it("numbers points in the order of the file, derived ones behind", () => {
    const profile = compiled({
      points: [B, A],
      derived: [{ point: "x-c", unit: "W", sum: ["x-a", "x-b"] }],
    });
    assert.deepEqual(
      profile.points.map(({ ordinal, id, group }) => [ordinal, id, group]),
      [
        [0, "x-b", 0],
        [1, "x-a", 0],
        [2, "x-c", undefined],
      ],
    );
    assert.deepEqual(profile.derived, [{ ordinal: 2, operation: { kind: "sum", of: [1, 0] } }]);
    assert.equal(profile.name, "acme/one");
  });

  it("takes meaning, unit, range and field of a canonical point from the vocabulary", () => {
    const point = pointWith({ point: "state-of-charge", type: "uint16", unit: "%" });
    assert.deepEqual(
      [point.type, point.unit, point.range, point.field, point.access],
      ["float", "%", [0, 100], "state_of_charge_pct", "r"],
    );
  });

  it("gives an extra point the canonical unit of its quantity", () => {
    assert.equal(pointWith({ type: "int16", unit: "kW" }).unit, "W");
    assert.equal(pointWith({ type: "int16", unit: "kW" }).field, "x_value_w");
    assert.equal(pointWith({ type: "int16", unit: "lx" }).unit, "lx");
    assert.equal(pointWith({ type: "uint16", unit: "1" }).type, "int");
    assert.equal(pointWith({ type: "uint16", unit: "1", scale: 0.1 }).type, "float");
  });

  it("fills in what a profile does not say of Modbus", () => {
    const { modbus } = compiled({ points: [A], modbus: { serial: {} } });
    assert.deepEqual([modbus.maxRead, modbus.maxReadBits, modbus.maxWrite], [125, 2000, 123]);
    assert.deepEqual([modbus.timeoutMs, modbus.pauseMs, modbus.maxGap], [1000, 0, undefined]);
    assert.deepEqual(modbus.serial, { baud: 9600, format: "8N1", turnaroundMs: 0 });
    const stated = compiled({
      points: [A],
      modbus: {
        maxGap: 3,
        illegal: { holding: [[5, 9]] },
        exceptions: { "2": "absent" },
        functions: [3, 6],
      },
    }).modbus;
    assert.deepEqual(stated.illegal.get("holding"), [[5, 9]]);
    assert.equal(stated.exceptions.get(2), "absent");
    assert.deepEqual(stated.functions, new Set([3, 6]));
  });

  it("has one hash for one meaning, whatever the site's parameters", () => {
    const parts: Partial<Profile> = {
      parameters: { start: { type: "integer", default: 1 } },
      points: [{ ...A, at: "holding {start}" }],
    };
    const plain = compiled(parts);
    assert.equal(compiled(parts, { parameters: { start: 7 } }).hash, plain.hash);
    assert.notEqual(compiled({ ...parts, version: "0.1.1" }).hash, plain.hash);
  });

  it("reads a point of another unit id behind the same link", () => {
    assert.equal(pointWith({ type: "int16", unitId: 7 }).read?.unit, 7);
  });
});

describe("what keeps a profile from being compiled", () => {
  const one = (line: Partial<PointLine>, parts: Partial<Profile> = {}): readonly string[] =>
    problemsOf({ points: [{ ...A, ...line }], ...parts });
  const without = (key: keyof PointLine): PointLine => {
    const line = { ...A };
    Reflect.deleteProperty(line, key);
    return line;
  };
  const cases: readonly (readonly [string, () => readonly string[], string])[] = [
    [
      "an unknown id",
      () => one({ point: "power" }),
      '"power" is not in the plant vocabulary; name it "x-power"',
    ],
    ["a point of the gateway", () => one({ point: "link-up" }), '"link-up" is made by the gateway'],
    [
      "a unit of another quantity",
      () => one({ point: "frequency", unit: "W" }),
      '"frequency" is in Hz: "W" cannot become it',
    ],
    [
      "no unit",
      () => problemsOf({ points: [without("unit")] }),
      '"x-a" needs a unit, "1" where it has none',
    ],
    [
      "no type",
      () => problemsOf({ points: [without("type")] }),
      '"x-a" needs a type, and a text its length',
    ],
    [
      "a text without length",
      () => one({ type: "string" }),
      '"x-a" needs a type, and a text its length',
    ],
    ["no place", () => problemsOf({ points: [without("at")] }), '"x-a" has no at'],
    [
      "no group",
      () => problemsOf({ points: [without("group")] }),
      '"x-a" has neither a group nor a write section',
    ],
    ["an unknown group", () => one({ group: "slow" }), 'there is no group "slow"'],
    [
      "a strange place",
      () => one({ at: "register 5" }),
      '"register 5" is neither a table with an address nor a point of a model',
    ],
    [
      "a place beyond the table",
      () => one({ at: "holding 65535", type: "uint32" }),
      '"holding 65535" ends beyond address 65535',
    ],
    ["a point twice", () => problemsOf({ points: [A, A] }), 'the point "x-a" stands twice'],
    [
      "two points of one field",
      () =>
        problemsOf({
          points: [
            { ...A, point: "x-a.b" },
            { ...B, point: "x-a-b" },
          ],
        }),
      'two points have the field "x_a_b_w"',
    ],
    [
      "an order of another length",
      () => one({ order: "CDAB" }),
      '"CDAB" is no byte order of 1 registers',
    ],
    ["a selector", () => one({ order: "$order" }), "selectors are not supported by this version"],
    ["a scale of zero", () => one({ scale: 0 }), "a scale of 0 gives no value"],
    [
      "a curve that turns",
      () =>
        one({
          curve: [
            [0, 0],
            [5, 9],
            [9, 3],
          ],
        }),
      "a curve must rise or fall all the way in both columns",
    ],
    [
      "a slice of a signed type",
      () => one({ slice: [0, 4] }),
      "a slice is cut from an unsigned integer or from bits",
    ],
    [
      "a slice beyond the value",
      () => one({ type: "uint16", slice: [12, 5] }),
      "the slice ends beyond the 16 bits of the value",
    ],
    [
      "a state that is none",
      () => one({ point: "operating-state", values: { "1": "sleeping" } }),
      '"sleeping" is no state of "operating-state": unknown, off',
    ],
    [
      "an absent reason that is none",
      () => one({ absent: { FFFF: "broken" } }),
      '"broken" is not a reason for a bad value',
    ],
    [
      "an absent pattern that is too long",
      () => one({ absent: ["FFFFFFFF"] }),
      '"FFFFFFFF" is longer than the value',
    ],
    [
      "a percentage in W",
      () => one({ percentOf: "x-a" }),
      'a value that is percent of a point has the unit "%"',
    ],
    [
      "a percentage of nothing",
      () => one({ percentOf: "x-b", unit: "%" }),
      'this profile has no point "x-b"',
    ],
    ["a write without range", () => one({ write: RULE }), 'the write of "x-a" has no range'],
    [
      "a write without danger",
      () => one({ write: { range: [0, 1], readBack: { withinMs: 1 } } }),
      'the write of "x-a" says no danger',
    ],
    [
      "a write without read-back",
      () => one({ write: { range: [0, 1], danger: "none" } }),
      'the write of "x-a" has neither readBack nor a reason',
    ],
    [
      "a write that is not read back for no reason",
      () => one({ write: { range: [0, 1], danger: "none", readBack: false } }),
      'the write of "x-a" has neither readBack nor a reason',
    ],
    [
      "a write to inputs",
      () => one({ at: "input 1", write: { ...RULE, range: [0, 1] } }),
      "the input table cannot be written",
    ],
    [
      "a coil function for a register",
      () => one({ write: { ...RULE, range: [0, 1], function: 5 } }),
      "function 5 does not write the holding table",
    ],
    [
      "a part of a register",
      () => one({ type: "uint16", slice: [0, 4], write: { ...RULE, range: [0, 1] } }),
      "a part of a register is written with function 22 or to a register of its own",
    ],
    [
      "a limit that is no point",
      () => one({ write: { ...RULE, range: [0, "x-b"] } }),
      'this profile has no point "x-b"',
    ],
    [
      "a need that is no interlock",
      () => one({ write: { ...RULE, range: [0, 1], needs: ["remote"] } }),
      'nothing here is named "remote"',
    ],
    [
      "a keep-alive that is none",
      () => one({ write: { ...RULE, range: [0, 1], keepAlive: "beat" } }),
      'nothing here is named "beat"',
    ],
    [
      "a keep-alive of none without reason",
      () => one({ write: { ...RULE, range: [0, 1], keepAlive: "none" } }),
      'keepAlive "none" needs a reason in why',
    ],
    [
      "wear",
      () =>
        one({
          write: {
            ...RULE,
            range: [0, 1],
            wear: { kind: "flash", minimumIntervalMs: 1, dailyBudget: 1 },
          },
        }),
      '"wear" is not supported for Modbus by this version',
    ],
    [
      "a secret in a step",
      () =>
        one({ write: { ...RULE, range: [0, 1], before: [{ at: "holding 9", secret: "pin" }] } }),
      "secrets in write steps are not supported by this version",
    ],
    [
      "a step that does not fit",
      () => one({ write: { ...RULE, range: [0, 1], before: [{ at: "holding 9", raw: 70_000 }] } }),
      "raw does not fit the place",
    ],
    [
      "another protocol",
      () =>
        one(
          {},
          { identity: { manufacturer: "a", model: "b", class: "bess", protocols: ["opcua"] } },
        ),
      "only Modbus and IEC 61850 profiles are compiled by this version",
    ],
    [
      "an unknown class",
      () =>
        one(
          {},
          { identity: { manufacturer: "a", model: "b", class: "boat", protocols: ["modbus-tcp"] } },
        ),
      '"boat" is not an equipment class',
    ],
    [
      "an alarm without a point",
      () => one({}, { alarms: [{ at: "holding 77", id: "x", severity: "info" }] }),
      'no point is bound at "holding 77"',
    ],
    [
      "alarm bits of a number",
      () => one({}, { alarms: [{ point: "x-a", bits: { "1": { id: "x", severity: "info" } } }] }),
      "alarm bits need a point of type bits",
    ],
    [
      "an alarm without id",
      () => one({}, { alarms: [{ point: "x-a" }] }),
      "an alarm needs bits, values, or an id with a severity",
    ],
    [
      "an interlock of no state",
      () => one({ values: { "1": "on" } }, { interlocks: { i: { point: "x-a", equals: "off" } } }),
      '"off" is no state of "x-a"',
    ],
    [
      "a keep-alive that does nothing",
      () => one({}, { keepAlive: { k: { at: "holding 5", everyMs: 1, onLoss: "x" } } }),
      "a keep-alive needs one of raw, counter, toggle and repeat",
    ],
    [
      "a number that is active when low",
      () => one({ active: "low" }),
      "only a flag can be active when low",
    ],
    [
      "an else that is no state",
      () => one({ point: "health", values: { "1": "ok" }, else: "odd" }),
      '"odd" is no state of "health"',
    ],
    [
      "a scale factor nowhere",
      () => one({ sf: { at: "nowhere" } }),
      '"nowhere" is neither a table with an address nor a point of a model',
    ],
    [
      "a scale factor of no model",
      () => one({ sf: "W_SF" }),
      '"W_SF" is neither a table with an address nor a point of a model',
    ],
    [
      "a selected scale",
      () => one({ scale: "$factor" }),
      "selectors are not supported by this version",
    ],
    [
      "selectors",
      () => one({}, { selectors: { order: { at: "holding 1", map: {} } } }),
      "selectors are not supported by this version",
    ],
    [
      "an absence by no state",
      () => one({ absentWhen: { point: "x-a", equals: "none" } }),
      '"none" is no state of "x-a"',
    ],
    [
      "a range from an IEC device",
      () => one({ write: { ...RULE, range: "from-device" } }),
      '"from-device" is not supported for Modbus: name a point',
    ],
    [
      "a read-back nowhere",
      () =>
        one({ write: { range: [0, 1], danger: "none", readBack: { at: "nowhere", withinMs: 1 } } }),
      '"nowhere" is neither a table with an address nor a point of a model',
    ],
    [
      "a read-back of what is not read",
      () => problemsOf({ points: [{ ...without("group"), write: { ...RULE, range: [0, 1] } }] }),
      '"x-a" is not read: its readBack needs a place',
    ],
    [
      "a write nowhere",
      () => one({ write: { ...RULE, range: [0, 1], at: "nowhere" } }),
      '"nowhere" is neither a table with an address nor a point of a model',
    ],
    [
      "a step without raw",
      () => one({ write: { ...RULE, range: [0, 1], before: [{ at: "holding 1" }] } }),
      "a write step needs raw",
    ],
    [
      "an interlock nowhere",
      () => one({}, { interlocks: { i: { equals: 1 } } }),
      "this needs at or point",
    ],
    [
      "a keep-alive nowhere",
      () => one({}, { keepAlive: { k: { everyMs: 1, onLoss: "x" } } }),
      "a keep-alive needs at or repeat",
    ],
    [
      "a time-out that the device knows",
      () =>
        one(
          {},
          {
            keepAlive: {
              k: { repeat: "x-a", deviceTimeoutAt: "holding 1", everyMs: 1, onLoss: "x" },
            },
          },
        ),
      "deviceTimeoutAt is not supported for Modbus: state deviceTimeoutMs",
    ],
    [
      "an alarm of no state",
      () =>
        one(
          { values: { "1": "on" } },
          { alarms: [{ point: "x-a", values: { off: { id: "x", severity: "info" } } }] },
        ),
      '"off" is no state of "x-a"',
    ],
    [
      "a case of no state",
      () =>
        one(
          { values: { "1": "on" } },
          { derived: [{ point: "x-d", select: { by: "x-a", cases: { off: "x-a" } } }] },
        ),
      '"off" is no state of "x-a"',
    ],
    [
      "a group without a period",
      () => one({}, { groups: { g: {} } }),
      'the group "g" needs everyMs',
    ],
    ["a missing base", () => one({}, { extends: "acme/none" }), 'there is no profile "acme/none"'],
  ];
  for (const [what, problems, expected] of cases) {
    it(`is ${what}`, () => {
      const [first] = problems();
      assert.ok(
        first?.startsWith(expected) === true,
        `${first ?? "no problem"} instead of ${expected}`,
      );
    });
  }
});

describe("the number that the manufacturer printed", () => {
  const cases: readonly (readonly [string, Notation, string])[] = [
    ["1369", "wire", "undefined 1369"],
    ["0x10", "wire", "undefined 16"],
    ["100", "jbus", "undefined 100"],
    ["100", "one-based", "undefined 99"],
    ["0", "one-based", "none"],
    ["40001", "modicon-5", "holding 0"],
    ["30493", "modicon-5", "input 492"],
    ["10008", "modicon-5", "discrete 7"],
    ["00004", "modicon-5", "coil 3"],
    ["4", "modicon-5", "coil 3"],
    ["400001", "modicon-5", "none"],
    ["400001", "modicon-6", "holding 0"],
    ["465536", "modicon-6", "holding 65535"],
    ["20001", "modicon-5", "none"],
    ["1F", "hex-one-based", "undefined 30"],
    ["1024", { offset: 10_000 }, "undefined 11024"],
    ["40001", { offset: -40_001 }, "undefined 0"],
    ["abc", "wire", "none"],
  ];
  for (const [documented, notation, expected] of cases) {
    it(`${documented} in ${JSON.stringify(notation)} is ${expected}`, () => {
      const found = wireAddressOf(documented, notation);
      const shown = found === undefined ? "none" : `${String(found.table)} ${found.address}`;
      assert.equal(shown, expected);
    });
  }

  it("must lead to the address of the line", () => {
    const line = { ...A, at: "holding 99", documented: "40100" };
    const modbus = { notation: "modicon-5" } as const;
    assert.deepEqual(problemsOf({ points: [line], modbus }), []);
    assert.deepEqual(problemsOf({ points: [{ ...line, at: "holding 100" }], modbus }), [
      '"40100" gives holding 99, not holding 100',
    ]);
    assert.deepEqual(problemsOf({ points: [{ ...line, at: "input 99" }], modbus }), [
      '"40100" gives holding 99, not input 99',
    ]);
    assert.deepEqual(problemsOf({ points: [line] }), [
      "modbus.notation must say how the source counts",
    ]);
  });
});

describe("reuse", () => {
  const base = profileWith({ points: [A, B], interlocks: { i: { point: "x-a", equals: 1 } } });
  const library = (name: string): Profile | undefined => (name === "acme/base" ? base : undefined);
  const own = { ...B, at: "holding 20" };

  it("replaces whole lines, removes lines and adds lines", () => {
    const c = { ...A, point: "x-c", at: "holding 3" };
    const profile = compiled({ extends: "acme/base", points: [own, c] }, { library });
    assert.deepEqual(
      profile.points.map((point) => [point.id, point.read?.address]),
      [
        ["x-a", 1],
        ["x-b", 20],
        ["x-c", 3],
      ],
    );
    assert.ok(profile.interlocks.has("i"));
    const less = compiled({ extends: "acme/base", remove: ["x-b"], points: [] }, { library });
    assert.deepEqual(
      less.points.map((point) => point.id),
      ["x-a"],
    );
    assert.deepEqual(problemsOf({ extends: "acme/base", remove: ["x-z"] }, { library }), [
      '"x-z" is not a point of the base',
    ]);
  });

  it("goes one level deep and no deeper", () => {
    const nested = (name: string): Profile | undefined =>
      name === "acme/base" ? { ...base, extends: "acme/other" } : undefined;
    assert.deepEqual(problemsOf({ extends: "acme/base" }, { library: nested }), [
      '"acme/base" extends another profile itself',
    ]);
  });

  it("takes the first variant that fits", () => {
    const variants: Profile["variants"] = [
      { when: { firmware: ">=2 <3" }, points: [own] },
      { when: { parameter: { wired: "delta" } }, remove: ["x-b"] },
    ];
    const parts: Partial<Profile> = {
      points: [A, B],
      variants,
      parameters: { wired: { values: ["star", "delta"], default: "star" } },
    };
    const places = (options: object): readonly unknown[] =>
      compiled(parts, options).points.map((point) => point.read?.address);
    assert.deepEqual(places({}), [1, 2]);
    assert.deepEqual(places({ firmware: "2.4.1" }), [1, 20]);
    assert.deepEqual(places({ firmware: "3.0" }), [1, 2]);
    assert.deepEqual(places({ parameters: { wired: "delta" } }), [1]);
    assert.deepEqual(places({ firmware: "2.0", parameters: { wired: "delta" } }), [1, 20]);
  });

  it("compares firmware number by number", () => {
    assert.ok(firmwareMatches("2.10", ">2.9"));
    assert.ok(firmwareMatches("2.1", "2.1.0"));
    assert.ok(!firmwareMatches("2.1", "<=2.0"));
    assert.ok(firmwareMatches("2.1", "<=2.1"));
    assert.ok(!firmwareMatches("2.1", "^2"));
  });
});

describe("parameters and repeats", () => {
  const parameters: Profile["parameters"] = {
    input: { type: "string", default: "discrete 0", question: "Which input?" },
    strings: { type: "integer", range: [1, 8], default: 2 },
  };
  const leak: PointLine = { point: "x-leak", at: "{input}", type: "bool", group: "g" };

  it("fill places", () => {
    const at = (given: Record<string, string>): unknown =>
      compiled({ parameters, points: [leak] }, { parameters: given }).points[0]?.read?.address;
    assert.equal(at({}), 0);
    assert.equal(at({ input: "discrete 5" }), 5);
  });

  it("are checked", () => {
    const problems = (given: Record<string, string | number>): readonly string[] =>
      problemsOf({ parameters, points: [leak] }, { parameters: given });
    assert.deepEqual(problems({ colour: "red" }), ['this profile has no parameter "colour"']);
    assert.deepEqual(problems({ strings: 9 }), ['the parameter "strings" must be between 1 and 8']);
    assert.deepEqual(problems({ strings: "3" }), [
      'the parameter "strings" must be of type integer',
    ]);
    const needed = { name: { type: "string" } } as const;
    assert.deepEqual(problemsOf({ parameters: needed, points: [A] }), [
      'the parameter "name" has no value and no default',
    ]);
    const listed = { frame: { values: ["producer", "consumer"], default: "other" } };
    assert.deepEqual(problemsOf({ parameters: listed, points: [A] }), [
      'the parameter "frame" must be one of: producer, consumer',
    ]);
  });

  it("make one point for each number", () => {
    const line: PointLine = {
      ...A,
      point: "x-string.{n}",
      at: "holding 100",
      repeat: { n: [1, "{strings}"], stride: 10 },
    };
    const points = compiled({ parameters, points: [line] }, { parameters: { strings: 3 } }).points;
    assert.deepEqual(
      points.map((point) => [point.id, point.read?.address]),
      [
        ["x-string.1", 100],
        ["x-string.2", 110],
        ["x-string.3", 120],
      ],
    );
    assert.deepEqual(problemsOf({ points: [{ ...line, repeat: { n: [3, 1] } }] }), [
      '"n" must count upwards, at most 512 times',
    ]);
    assert.deepEqual(problemsOf({ points: [{ ...line, repeat: { n: [1, 2], m: [1, 2] } }] }), [
      "a repeat rule counts exactly one name",
    ]);
  });
});

describe("writes", () => {
  const write = { ...RULE, range: [0, 100] as [number, number] };

  it("choose the function that the device can do", () => {
    const code = (line: Partial<PointLine>, parts: Partial<Profile> = {}): unknown =>
      pointWith({ type: "uint16", write, ...line }, parts).write?.function;
    assert.equal(code({}), 6);
    assert.equal(code({ type: "uint32" }), 16);
    assert.equal(code({ write: { ...write, copies: 2 } }), 16);
    assert.equal(code({}, { modbus: { functions: [3, 16] } }), 16);
    assert.equal(code({ at: "coil 1", type: "bool", write: RULE }), 5);
    assert.equal(code({ at: "coil 1", type: "bool", write: { ...RULE, copies: 2 } }), 15);
  });

  it("carry their steps, keep-alives and interlocks", () => {
    const profile = compiled({
      points: [
        {
          ...A,
          write: {
            ...write,
            at: "holding 50",
            before: [
              { at: "holding 60", raw: 3, type: "uint32", when: "session" },
              { at: "holding 70", raw: [1, 2] },
            ],
            after: [{ at: "coil 4", raw: 1 }],
            keepAlive: ["beat", "again"],
            needs: ["remote", "up", "key"],
            readBack: { at: "input 5", withinMs: 500, tolerance: 2 },
          },
        },
      ],
      interlocks: {
        remote: { point: "x-a", equals: 3 },
        up: { point: "link-up", equals: true },
        key: { at: "discrete 9", equals: true },
      },
      keepAlive: {
        beat: { at: "holding 80", counter: true, type: "uint32", everyMs: 1, onLoss: "x" },
        again: { repeat: "x-a", everyMs: 1, onLoss: "x" },
        kick: { at: "coil 81", toggle: true, everyMs: 1, onLoss: "x" },
        ten: { at: "holding 82", raw: 10, everyMs: 1, onLoss: "x" },
      },
    });
    const binding = profile.points[0]?.write;
    assert.equal(binding?.address, 50);
    assert.deepEqual(
      binding.before.map(({ address, count, raw, when }) => ({ address, count, raw, when })),
      [
        { address: 60, count: 2, raw: [0, 3], when: "session" },
        { address: 70, count: 2, raw: [1, 2], when: "each" },
      ],
    );
    assert.deepEqual(binding.after[0]?.raw, [1]);
    assert.deepEqual(binding.keepAlive, ["beat", "again"]);
    assert.equal(binding.readBack?.place?.table, "input");
    assert.equal(binding.readBack.tolerance, 2);
    const remote = profile.interlocks.get("remote");
    assert.deepEqual([remote?.ordinal, remote?.equals], [0, 3]);
    const up = profile.interlocks.get("up");
    assert.deepEqual([up?.ordinal, up?.place], [undefined, undefined]);
    assert.equal(profile.interlocks.get("key")?.place?.table, "discrete");
    const kinds = [...profile.keepAlives.values()].map((keepAlive) => keepAlive.action.kind);
    assert.deepEqual(kinds, ["counter", "repeat", "toggle", "raw"]);
  });
});

describe("names of files", () => {
  it("are lower case with single dashes", () => {
    assert.equal(
      slugOf("blueplanet gridsave 50.0/92.0 TL3-S"),
      "blueplanet-gridsave-50-0-92-0-tl3-s",
    );
    assert.equal(slugOf(" KACO new energy "), "kaco-new-energy");
  });
});

describe("problems", () => {
  it("stand at the place of the file that they are about", () => {
    const positions = new Map([
      ["", { line: 1, column: 1 }],
      ["/points/0", { line: 9, column: 5 }],
      ["/points/0/at", { line: 10, column: 11 }],
    ]);
    const result = compileProfile(profileWith({ points: [{ ...A, at: "nowhere" }] }), {
      positions,
    });
    assert.ok("problems" in result);
    assert.deepEqual([result.problems[0]?.line, result.problems[0]?.column], [10, 11]);
  });
});
