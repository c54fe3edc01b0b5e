import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { CompiledProfile } from "../../src/profiles/binding.ts";
import { encodeWrite } from "../../src/profiles/encode.ts";
import { ProfileLibrary } from "../../src/profiles/library.ts";
import { lintProfile } from "../../src/profiles/lint.ts";
import type { LintSubject } from "../../src/profiles/lint.ts";
import { profileSchema } from "../../src/profiles/schema.ts";
import type { Profile, VectorLine } from "../../src/profiles/schema.ts";
import { runVectors, vectorRunner } from "../../src/profiles/vectors.ts";
import { hexOfWord } from "../../src/wire/modbus/codec.ts";

const ROOT = fileURLToPath(new URL("../../device-profiles", import.meta.url));
const LIBRARY = new ProfileLibrary(ROOT);

/** What the demo site has of each profile: devices, points that a device gives, points derived. */
const DEMO_SITE = {
  "deepgadget/l2a-cdu": { devices: 8, bound: 19, derived: 2 },
  "huawei/ups2000": { devices: 3, bound: 23, derived: 0 },
  "janitza/umg604": { devices: 1, bound: 14, derived: 2 },
  "onicon/system-10": { devices: 1, bound: 8, derived: 0 },
  "schneider/iem3000": { devices: 3, bound: 15, derived: 0 },
  "sunspec/der-storage": { devices: 2, bound: 50, derived: 0 },
  "vertiv/liebert-hpc": { devices: 4, bound: 17, derived: 0 },
  "wirenboard/wb-ms-thls-v2": { devices: 6, bound: 6, derived: 1 },
} as const;

/** Nothing else of these devices has an envelope. */
const WRITABLE: Readonly<Record<string, readonly string[]>> = {
  "deepgadget/l2a-cdu": ["pump-speed-setpoint"],
  "huawei/ups2000": ["battery-test-command"],
  "sunspec/der-storage": [
    "active-power-setpoint",
    "reactive-power-setpoint",
    "alarm-reset",
    "run-command",
  ],
  "vertiv/liebert-hpc": ["secondary.supply-temperature-setpoint", "run-command", "alarm-reset"],
};

/** Their vectors are nodes; what they share with the others is in `iec61850.test.ts`. */
const STATIONS = ["iec61850/bess-station", "iec61850/switchgear-relay"];

const VECTORS_MIN = 10;

function profileOf(name: string): Profile {
  const profile = LIBRARY.profile(name);
  assert.ok(profile !== undefined, `${name} does not parse`);
  return profile;
}

function subjectOf(name: string): LintSubject {
  const entry = LIBRARY.entry(name);
  assert.ok("profile" in entry, `${name} does not parse`);
  return { name, ...entry };
}

function nominalOf(name: string): VectorLine {
  const nominal = profileOf(name).vectors?.find((vector) => vector.name === "nominal");
  assert.ok(nominal !== undefined, `${name} has no vector "nominal"`);
  return nominal;
}

function boundOf(profile: CompiledProfile): readonly string[] {
  return profile.points
    .filter((point) => point.read !== undefined || point.write !== undefined)
    .map((point) => point.id);
}

describe("shipped profiles", () => {
  it("are the eight of the demo site, and two whose points are nodes of IEC 61850", () => {
    assert.deepEqual(LIBRARY.names(), [...Object.keys(DEMO_SITE), ...STATIONS].sort());
  });

  it("are described by the schema beside them", () => {
    const file: unknown = JSON.parse(readFileSync(join(ROOT, "profile.schema.json"), "utf8"));
    assert.deepEqual(file, profileSchema());
  });

  for (const name of Object.keys(DEMO_SITE)) {
    describe(name, () => {
      it("parses and compiles", () => {
        const compiled = LIBRARY.compile(name);
        assert.equal(compiled.name, name);
      });

      it("breaks no rule of the library", () => {
        assert.deepEqual(lintProfile(subjectOf(name), LIBRARY.names().map(subjectOf)), []);
      });

      it("is a draft while it has open questions", () => {
        const isOpen = JSON.stringify(profileOf(name)).includes('"verify":');
        assert.equal(profileOf(name).status === "draft", isOpen);
      });

      it(`has at least ${VECTORS_MIN} vectors and passes them`, () => {
        const profile = profileOf(name);
        assert.ok((profile.vectors?.length ?? 0) >= VECTORS_MIN);
        assert.deepEqual(runVectors(profile, { name }), []);
      });

      it("gives every point that it reads a good value in its nominal state", () => {
        const expected = nominalOf(name).expect ?? {};
        const read = LIBRARY.compile(name).points.filter((point) => point.read !== undefined);
        assert.deepEqual(
          read.map((point) => point.id).filter((id) => expected[id] === undefined),
          [],
        );
        const bad = Object.values(expected).filter(
          (value) => typeof value === "string" && /^(bad|uncertain)\//.test(value),
        );
        assert.deepEqual(bad, []);
      });

      it("notices a changed byte behind every point of its nominal state", () => {
        const profile = profileOf(name);
        const nominal = nominalOf(name);
        const run = vectorRunner(profile, { name });
        for (const [at, words] of Object.entries(nominal.given ?? {})) {
          if (typeof words !== "string" || !isBound(profile, at)) continue;
          const isNoticed = changedBytes(words).some((changed) => {
            const vector = { ...nominal, given: { ...nominal.given, [at]: changed } };
            return run(vector).length > 0;
          });
          assert.ok(isNoticed, `${at} may hold anything`);
        }
      });

      it("writes what it is meant to write and nothing else", () => {
        const writable = LIBRARY.compile(name).points.filter((point) => point.write !== undefined);
        assert.deepEqual(
          writable.map((point) => point.id),
          WRITABLE[name] ?? [],
        );
      });

      it("says whose register map it is and that the plant is simulated", () => {
        assert.match(profileOf(name).note ?? "", /register map of .*simulator/i);
      });
    });
  }
});

describe("points of the demo site", () => {
  for (const [name, counts] of Object.entries(DEMO_SITE)) {
    it(`are ${counts.bound} in each ${name}`, () => {
      const compiled = LIBRARY.compile(name);
      assert.equal(boundOf(compiled).length, counts.bound);
      assert.equal(compiled.derived.length, counts.derived);
    });
  }

  it("are 492 in 28 devices, and 24 more are derived", () => {
    const counts = Object.values(DEMO_SITE);
    const sum = (of: (count: (typeof counts)[number]) => number) =>
      counts.reduce((total, count) => total + of(count), 0);
    assert.equal(
      sum(({ devices }) => devices),
      28,
    );
    assert.equal(
      sum(({ devices, bound }) => devices * bound),
      492,
    );
    assert.equal(
      sum(({ devices, derived }) => devices * derived),
      24,
    );
  });
});

describe("sunspec/der-storage", () => {
  const compiled = LIBRARY.compile("sunspec/der-storage");
  const setpoint = compiled.points.find((point) => point.id === "active-power-setpoint")?.write;

  it("expects its models one after the other from 40000 on", () => {
    const starts = compiled.sunspec?.models.map(({ model, address }) => [model, address]);
    assert.deepEqual(starts, [
      [1, 40002],
      [701, 40070],
      [702, 40225],
      [704, 40277],
      [713, 40344],
      [714, 40353],
      [715, 40398],
      [802, 40407],
    ]);
  });

  it("arms reversion to 0 W once per connection, and enables the setpoint behind its first write", () => {
    const steps = setpoint?.before.map(({ address, raw, when }) => ({ address, raw, when }));
    const behind = setpoint?.after.map(({ address, raw, when }) => ({ address, raw, when }));
    assert.deepEqual(behind, [{ address: 40299, raw: [1], when: "session" }]);
    assert.deepEqual(steps, [
      { address: 40300, raw: [1], when: "session" },
      { address: 40303, raw: [0, 0], when: "session" },
      { address: 40308, raw: [0, 3], when: "session" },
      { address: 40307, raw: [1], when: "session" },
    ]);
  });

  it("keeps a held setpoint alive well within the reversion time of the device", () => {
    const reversionMs = 3000;
    const keepAlives = setpoint?.keepAlive.flatMap((name) => compiled.keepAlives.get(name) ?? []);
    assert.deepEqual(
      keepAlives?.map(({ action }) => action.kind),
      ["repeat", "counter"],
    );
    for (const { everyMs, deviceTimeoutMs } of keepAlives) {
      assert.equal(deviceTimeoutMs, reversionMs);
      assert.ok(everyMs <= reversionMs / 2);
    }
  });
});

describe("deepgadget/l2a-cdu", () => {
  it("never writes a duty that its pumps take for a lost signal", () => {
    const fullSpeedBelow = 80;
    const compiled = LIBRARY.compile("deepgadget/l2a-cdu");
    const pump = compiled.points.find((point) => point.id === "pump-speed-setpoint");
    assert.ok(pump !== undefined);
    const count = compiled.points.length;
    const columns = {
      values: new Float64Array(count),
      quality: new Uint8Array(count),
      texts: new Map<number, string>(),
    };
    let written = 0;
    for (let percent = -10; percent <= 110; percent += 0.25) {
      const encoding = encodeWrite(pump, percent, columns, 0);
      if ("refused" in encoding) continue;
      written += 1;
      assert.equal(encoding.registers.length, 4);
      assert.ok(encoding.registers.every((raw) => raw > fullSpeedBelow && raw <= 850));
    }
    assert.equal(written, 1 + 99 * 4 + 1);
  });

  it("takes the inputs from the site where its wiring differs", () => {
    const compiled = LIBRARY.compile("deepgadget/l2a-cdu", {
      parameters: { leakInput: "discrete 5" },
    });
    const leak = compiled.points.find((point) => point.id === "leak-detected")?.read;
    assert.deepEqual([leak?.table, leak?.address], ["discrete", 5]);
  });
});

function isBound(profile: Profile, at: string): boolean {
  return profile.points.some((line) => {
    const parameter = /^\{(.*)\}$/.exec(line.at ?? "")?.[1] ?? "";
    const place = profile.parameters?.[parameter]?.default ?? line.at;
    return place === at && line.group !== undefined;
  });
}

function rawWords(words: string): readonly number[] {
  return words.split(" ").map((word) => Number.parseInt(word, 16));
}

/** The same words with one byte inverted, or the same bits with one of them. */
function changedBytes(words: string): readonly string[] {
  if (/^[01]( [01])*$/.test(words)) return [(words.startsWith("0") ? "1" : "0") + words.slice(1)];
  const raws = rawWords(words);
  return raws.flatMap((raw, index) =>
    [0xff00, 0x00ff].map((mask) =>
      raws
        .with(index, raw ^ mask)
        .map(hexOfWord)
        .join(" "),
    ),
  );
}
