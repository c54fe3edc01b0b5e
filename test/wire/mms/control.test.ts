import assert from "node:assert/strict";
import fc from "fast-check";
import {
  buildControl,
  type ControlCommand,
  originOf,
  readControl,
} from "../../../src/wire/mms/control.ts";
import {
  additionalCauseWord,
  controlErrorWord,
  dataAccessErrorCode,
  dataAccessErrorWord,
  rejectWord,
  serviceErrorWord,
} from "../../../src/wire/mms/error-words.ts";
import { controlName } from "../../../src/wire/mms/names.ts";
import { byNames } from "../../../src/wire/mms/object-name.ts";
import {
  controlNoticeOf,
  encodeControlNotice,
  type ControlNotice,
} from "../../../src/wire/mms/termination.ts";
import type { NamedType, TypeSpec } from "../../../src/wire/mms/type-spec.ts";
import type { MmsValue } from "../../../src/wire/mms/value.ts";
import { UTC_TIME } from "./arbitraries.ts";
import { octets } from "./recorded-frames.ts";

const TIME = {
  utcMs: 1_795_219_480_271,
  quality: {
    isLeapSecondKnown: true,
    hasClockFailure: false,
    isNotSynchronised: false,
    accuracyBits: 10,
  },
};
const COMMAND: ControlCommand = {
  value: true,
  origin: { category: 3, identification: "dcpi-gw" },
  number: 7,
  time: TIME,
  isTest: false,
  isInterlockChecked: true,
  isSynchronismChecked: false,
  operateAt: undefined,
};
const ORIGIN: NamedType = {
  name: "origin",
  type: {
    kind: "structure",
    members: [
      { name: "orCat", type: { kind: "integer", bits: 8 } },
      { name: "orIdent", type: { kind: "octets", size: -64 } },
    ],
  },
};
const FLOAT: TypeSpec = {
  kind: "structure",
  members: [{ name: "f", type: { kind: "float", width: 32, exponentBits: 8 } }],
};

function typeOf(members: Readonly<Record<string, TypeSpec>>): TypeSpec {
  const named = Object.entries(members).map(([name, type]) => ({ name, type }));
  return { kind: "structure", members: named };
}

const OPERATE = typeOf({
  ctlVal: { kind: "boolean" },
  origin: ORIGIN.type,
  ctlNum: { kind: "unsigned", bits: 8 },
  T: { kind: "utc-time" },
  Test: { kind: "boolean" },
  Check: { kind: "bits", size: -2 },
});

function membersOf(type: TypeSpec, command: Partial<ControlCommand>): readonly MmsValue[] {
  const built = buildControl(type, { ...COMMAND, ...command });
  assert.ok(built.result === "built", JSON.stringify(built));
  assert.ok(built.value.kind === "structure");
  return built.value.members;
}

function misfitOf(type: TypeSpec, command: Partial<ControlCommand> = {}): string {
  const built = buildControl(type, { ...COMMAND, ...command });
  return built.result === "misfit" ? built.component : "built";
}

describe("a command", () => {
  it("is built in the order and with the types that the device described", () => {
    assert.deepEqual(membersOf(OPERATE, {}), [
      { kind: "boolean", value: true },
      {
        kind: "structure",
        members: [
          { kind: "integer", value: 3 },
          { kind: "octets", bytes: new TextEncoder().encode("dcpi-gw") },
        ],
      },
      { kind: "unsigned", value: 7 },
      { kind: "utc-time", ...TIME },
      { kind: "boolean", value: false },
      { kind: "bits", bitCount: 2, bytes: Uint8Array.of(0x40) },
    ]);
  });

  it("has its checks in the order of the standard: synchronism, then interlock", () => {
    const type = typeOf({ Check: { kind: "bits", size: -2 } });
    const checks = (isSynchronismChecked: boolean, isInterlockChecked: boolean) =>
      membersOf(type, { isSynchronismChecked, isInterlockChecked })[0];
    const bits = (octet: number) => ({ kind: "bits", bitCount: 2, bytes: Uint8Array.of(octet) });
    assert.deepEqual(checks(false, false), bits(0x00));
    assert.deepEqual(checks(true, false), bits(0x80));
    assert.deepEqual(checks(false, true), bits(0x40));
  });

  it("has a time to operate at only where the type has one", () => {
    const type = typeOf({ operTm: { kind: "utc-time" } });
    const later = { ...TIME, utcMs: TIME.utcMs + 5000 };
    assert.deepEqual(membersOf(type, { operateAt: later }), [{ kind: "utc-time", ...later }]);
    const [none] = membersOf(type, {});
    assert.ok(none?.kind === "utc-time" && none.utcMs === 0);
    assert.equal(membersOf(OPERATE, { operateAt: later }).length, 6);
  });

  it("has the entry time of the first edition where the type has that", () => {
    const type = typeOf({ T: { kind: "binary-time", hasDate: true } });
    assert.deepEqual(membersOf(type, {}), [{ kind: "binary-time", ms: TIME.utcMs, hasDate: true }]);
    assert.equal(misfitOf(typeOf({ T: { kind: "binary-time", hasDate: false } })), "T");
  });

  it("takes numbers for setpoints, whole ones for steps and enumerations", () => {
    const analogue = typeOf({ ctlVal: FLOAT });
    assert.deepEqual(membersOf(analogue, { value: -50_000 }), [
      { kind: "structure", members: [{ kind: "float", value: -50_000, width: 32 }] },
    ]);
    const step = typeOf({ ctlVal: { kind: "integer", bits: 8 } });
    assert.deepEqual(membersOf(step, { value: 12 }), [{ kind: "integer", value: 12 }]);
    assert.equal(misfitOf(step, { value: 200 }), "ctlVal");
    assert.equal(misfitOf(step, { value: 0.5 }), "ctlVal");
    assert.equal(misfitOf(analogue, { value: true }), "ctlVal");
    const coded = typeOf({ ctlVal: { kind: "bits", size: 2 } });
    const raise: MmsValue = { kind: "bits", bitCount: 2, bytes: octets("80") };
    assert.deepEqual(membersOf(coded, { value: raise }), [raise]);
    assert.equal(misfitOf(coded, { value: { ...raise, bitCount: 3 } }), "ctlVal");
  });

  it("tells the component that it does not fill, and guesses nothing", () => {
    assert.equal(
      misfitOf(typeOf({ ctlVal: { kind: "boolean" }, new: { kind: "boolean" } })),
      "new",
    );
    assert.equal(misfitOf({ kind: "boolean" }), "");
    assert.equal(misfitOf(typeOf({ origin: { kind: "boolean" } })), "origin");
    assert.equal(misfitOf(typeOf({ Check: { kind: "bits", size: 1 } })), "Check");
    assert.equal(misfitOf(OPERATE, { number: 256 }), "ctlNum");
    const long = { category: 3, identification: "é".repeat(33) };
    assert.equal(misfitOf(OPERATE, { origin: long }), "origin");
    const strange = typeOf({ origin: typeOf({ orWho: { kind: "octets", size: -64 } }) });
    assert.equal(misfitOf(strange), "origin");
  });

  it("comes back from what it was built to", () => {
    fc.assert(
      fc.property(
        fc.boolean(),
        fc.nat(255),
        UTC_TIME,
        fc.tuple(fc.boolean(), fc.boolean(), fc.boolean()),
        (value, number, time, [isTest, isInterlockChecked, isSynchronismChecked]) => {
          const command = {
            ...COMMAND,
            value: { kind: "boolean", value } as const,
            number,
            time,
            isTest,
            isInterlockChecked,
            isSynchronismChecked,
          };
          const built = buildControl(OPERATE, command);
          assert.ok(built.result === "built");
          assert.deepEqual(readControl(OPERATE, built.value), { result: "command", command });
        },
      ),
    );
  });

  it("is not read from another structure than was described", () => {
    const built = buildControl(OPERATE, COMMAND);
    assert.ok(built.result === "built" && built.value.kind === "structure");
    const { members } = built.value;
    const misread = (changed: readonly (MmsValue | undefined)[]) => {
      const value = { kind: "structure", members: changed as MmsValue[] } as const;
      const read = readControl(OPERATE, value);
      return read.result === "misfit" ? read.component : "read";
    };
    assert.equal(misread(members), "read");
    assert.equal(misread(members.slice(0, 5)), "Check");
    assert.equal(misread([...members, members[0]]), "");
    const other: MmsValue = { kind: "text", value: "" };
    ["origin", "ctlNum", "T", "Test"].forEach((component, at) => {
      assert.equal(misread(members.with(at + 1, other)), component);
    });
    assert.equal(readControl(OPERATE, other).result, "misfit");
    assert.equal(originOf(undefined), undefined);
  });
});

describe("the end of a command", () => {
  const name = controlName({ ld: "LD", ln: "DRCC1", path: ["OutWSet"] }, "Oper");
  assert.ok(name.scope === "domain");
  const error = {
    object: "LD/DRCC1$CO$OutWSet$Oper",
    error: 0,
    origin: COMMAND.origin,
    number: 7,
    additionalCause: 20,
  };
  const command: MmsValue = { kind: "structure", members: [] };
  const NOTICES: readonly ControlNotice[] = [
    { notice: "application-error", error },
    { notice: "termination", name, command, error: undefined },
    { notice: "termination", name, command, error },
  ];

  it("comes back as it was told", () => {
    for (const notice of NOTICES) {
      assert.deepEqual(controlNoticeOf(encodeControlNotice(notice)), notice);
    }
  });

  it("is nothing else than the standard's two names", () => {
    const other = { scope: "domain", domain: "LD", item: "MMXU1$MX$TotW" } as const;
    const lastError = { scope: "device", item: "LastApplError" } as const;
    const [whole] = encodeControlNotice(NOTICES[0]!).results;
    assert.equal(controlNoticeOf({ access: byNames([other]), results: [command] }), undefined);
    assert.equal(controlNoticeOf({ access: byNames([name]), results: [] }), undefined);
    assert.equal(controlNoticeOf({ access: byNames([]), results: [] }), undefined);
    assert.equal(controlNoticeOf({ access: byNames([lastError]), results: [command] }), undefined);
    assert.equal(
      controlNoticeOf({ access: byNames([name, name]), results: [command, command] }),
      undefined,
    );
    assert.equal(
      controlNoticeOf({
        access: byNames([lastError, name, name]),
        results: [whole!, command, command],
      }),
      undefined,
    );
    const list = { by: "list", list: lastError } as const;
    assert.equal(controlNoticeOf({ access: list, results: [whole!] }), undefined);
  });
});

describe("refusals in words", () => {
  it("are those of the standards, and a number where there is none", () => {
    assert.equal(dataAccessErrorWord(3), "object-access-denied");
    assert.equal(dataAccessErrorWord(11), "object-value-invalid");
    assert.equal(dataAccessErrorWord(42), "code-42");
    assert.equal(dataAccessErrorCode("object-non-existent"), 10);
    assert.equal(additionalCauseWord(10), "blocked-by-interlocking");
    assert.equal(additionalCauseWord(18), "object-not-selected");
    assert.equal(additionalCauseWord(27), "locked-by-other-client");
    assert.equal(additionalCauseWord(99), "cause-99");
    assert.equal(controlErrorWord(2), "timeout-test-not-ok");
    assert.equal(controlErrorWord(9), "error-9");
    assert.equal(serviceErrorWord({ class: 7, code: 2 }), "access: object-non-existent");
    assert.equal(serviceErrorWord({ class: 3, code: 1 }), "resource: code-1");
    assert.equal(rejectWord({ rejected: 1, reason: 1 }), "confirmed-request: reason-1");
  });
});
