import fc from "fast-check";
import type {
  ObjectName,
  VariableAccess,
  VariableName,
} from "../../../src/wire/mms/object-name.ts";
import type { InformationReport, MmsPdu } from "../../../src/wire/mms/pdu.ts";
import type { MmsRequest } from "../../../src/wire/mms/request.ts";
import type { MmsResponse } from "../../../src/wire/mms/response.ts";
import type { TypeSpec } from "../../../src/wire/mms/type-spec.ts";
import type { AccessResult, MmsValue } from "../../../src/wire/mms/value.ts";
import { bitsOf } from "../../../src/wire/mms/value.ts";

/** Anything that the wire can say, for round trips. */

/** A record with the prototype of every other object, so that it can be compared. */
export function plain<T extends object>(parts: {
  [K in keyof T]: fc.Arbitrary<T[K]>;
}): fc.Arbitrary<T> {
  return fc.record(parts, { noNullPrototype: true }) as fc.Arbitrary<T>;
}

const only = <const T>(value: T): fc.Arbitrary<T> => fc.constant(value);
const maybe = <T>(some: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(some, { nil: undefined });

export const NAME = fc.string({
  unit: fc.constantFrom("A", "b", "Z", "x", "0", "1", "9", "$", "_", "-"),
  minLength: 1,
  maxLength: 129,
});
export const OCTETS = fc.uint8Array({ maxLength: 40 });
const LATIN1 = fc.uint8Array({ maxLength: 40 }).map((bytes) => String.fromCharCode(...bytes));
const WHOLE = fc.oneof(
  fc.maxSafeInteger(),
  fc.bigInt({ min: 2n ** 53n, max: 2n ** 63n - 1n }),
  fc.integer({ min: -300, max: 300 }),
);

export const BITS = fc.array(fc.boolean(), { maxLength: 40 }).map((bits) =>
  bitsOf(
    bits.length,
    bits.flatMap((bit, at) => (bit ? [at] : [])),
  ),
);

/** To the microsecond, as the wire gives it back. */
export const UTC_TIME = plain({
  utcMs: fc
    .tuple(fc.nat(0xffff_ffff), fc.nat(999_999))
    .map(([seconds, microseconds]) => seconds * 1000 + microseconds / 1000),
  quality: plain({
    isLeapSecondKnown: fc.boolean(),
    hasClockFailure: fc.boolean(),
    isNotSynchronised: fc.boolean(),
    accuracyBits: maybe(fc.nat(24)),
  }),
});

const BINARY_TIME = fc.oneof(
  plain({ ms: fc.nat(86_399_999), hasDate: only(false) }),
  plain({
    ms: fc
      .tuple(fc.nat(0xffff), fc.nat(86_399_999))
      .map(([days, ms]) => 441_763_200_000 + days * 86_400_000 + ms),
    hasDate: only(true),
  }),
);

const LEAF: fc.Arbitrary<MmsValue> = fc.oneof(
  plain({ kind: only("boolean"), value: fc.boolean() }),
  plain({ kind: only("integer"), value: WHOLE }),
  plain({
    kind: only("unsigned"),
    value: fc.oneof(fc.nat(), fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n - 1n })),
  }),
  plain({ kind: only("float"), value: fc.float(), width: only(32) }),
  plain({ kind: only("float"), value: fc.double(), width: only(64) }),
  BITS.map((bits) => ({ kind: "bits" as const, ...bits })),
  plain({ kind: only("octets"), bytes: OCTETS }),
  plain({ kind: only("text"), value: LATIN1 }),
  plain({ kind: only("unicode"), value: fc.string({ unit: "grapheme" }) }),
  UTC_TIME.map((time) => ({ kind: "utc-time" as const, ...time })),
  BINARY_TIME.map((time) => ({ kind: "binary-time" as const, ...time })),
  plain({ kind: only("foreign"), tag: fc.constantFrom(0x8b, 0x8d, 0x8e, 0x8f), bytes: OCTETS }),
);

export const VALUE: fc.Arbitrary<MmsValue> = fc.letrec<{ value: MmsValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", maxDepth: 6 },
    LEAF,
    plain({ kind: only("structure"), members: fc.array(tie("value"), { maxLength: 5 }) }),
    plain({ kind: only("array"), members: fc.array(tie("value"), { maxLength: 5 }) }),
  ),
})).value;

const RESULT: fc.Arbitrary<AccessResult> = fc.oneof(
  VALUE,
  plain({ kind: only("error"), code: fc.nat(11) }),
);

const SIZE = fc.integer({ min: -255, max: 255 });

export const TYPE: fc.Arbitrary<TypeSpec> = fc.letrec<{ type: TypeSpec }>((tie) => ({
  type: fc.oneof(
    { depthSize: "small", maxDepth: 6 },
    plain({ kind: fc.constantFrom("boolean" as const, "utc-time" as const) }),
    plain({
      kind: fc.constantFrom(
        "bits" as const,
        "octets" as const,
        "text" as const,
        "unicode" as const,
      ),
      size: SIZE,
    }),
    plain({
      kind: fc.constantFrom("integer" as const, "unsigned" as const),
      bits: fc.constantFrom(8, 16, 32, 64),
    }),
    plain({ kind: only("float"), width: only(32), exponentBits: only(8) }),
    plain({ kind: only("binary-time"), hasDate: fc.boolean() }),
    plain({ kind: only("foreign"), tag: fc.constantFrom(0x80, 0x8b, 0x8d, 0x8f), bytes: OCTETS }),
    plain({
      kind: only("structure"),
      members: fc.array(plain({ name: NAME, type: tie("type") }), { maxLength: 5 }),
    }),
    plain({ kind: only("array"), count: fc.nat(1000), element: tie("type") }),
  ),
})).type;

export const OBJECT_NAME: fc.Arbitrary<ObjectName> = fc.oneof(
  plain({ scope: only("device"), item: NAME }),
  plain({ scope: only("domain"), domain: NAME, item: NAME }),
  plain({ scope: only("association"), item: NAME }),
);

const VARIABLES: fc.Arbitrary<readonly VariableName[]> = fc.array(
  plain({ name: OBJECT_NAME, alternateAccess: maybe(OCTETS) }),
  { maxLength: 4 },
);

const ACCESS: fc.Arbitrary<VariableAccess> = fc.oneof(
  plain({ by: only("names"), variables: VARIABLES }),
  plain({ by: only("list"), list: OBJECT_NAME }),
);

const SCOPE = fc.oneof(
  plain({ of: only("device") }),
  plain({ of: only("domain"), domain: NAME }),
  plain({ of: only("association") }),
);

export const REQUEST: fc.Arbitrary<MmsRequest> = fc.oneof(
  plain({ service: only("status"), isExtended: fc.boolean() }),
  plain({ service: only("identify") }),
  plain({
    service: only("getNameList"),
    class: fc.constantFrom(
      "variable" as const,
      "variable-list" as const,
      "domain" as const,
      "other" as const,
    ),
    scope: SCOPE,
    continueAfter: maybe(NAME),
  }),
  plain({ service: only("read"), isSpecificationWanted: fc.boolean(), access: ACCESS }),
  plain({
    service: only("write"),
    access: ACCESS,
    values: fc.array(VALUE, { maxLength: 4 }),
  }),
  plain({
    service: fc.constantFrom(
      "getVariableAccessAttributes" as const,
      "getNamedVariableListAttributes" as const,
    ),
    name: OBJECT_NAME,
  }),
  plain({ service: only("defineNamedVariableList"), name: OBJECT_NAME, variables: VARIABLES }),
  plain({
    service: only("deleteNamedVariableList"),
    names: fc.oneof(fc.array(OBJECT_NAME, { maxLength: 4 }), only("all-of-scope")),
  }),
  plain({ service: only("unknown"), tag: fc.constantFrom(0x8c, 0xbf48) }),
);

export const RESPONSE: fc.Arbitrary<MmsResponse> = fc.oneof(
  plain({ service: only("status"), logical: fc.nat(3), physical: fc.nat(3) }),
  plain({ service: only("identify"), vendor: LATIN1, model: LATIN1, revision: LATIN1 }),
  plain({
    service: only("getNameList"),
    names: fc.array(NAME, { maxLength: 10 }),
    moreFollows: fc.boolean(),
  }),
  plain({
    service: only("read"),
    access: maybe(ACCESS),
    results: fc.array(RESULT, { maxLength: 5 }),
  }),
  plain({
    service: only("write"),
    results: fc.array(fc.oneof(only("accepted"), plain({ code: fc.nat(11) })), { maxLength: 5 }),
  }),
  plain({ service: only("getVariableAccessAttributes"), isDeletable: fc.boolean(), type: TYPE }),
  plain({
    service: only("getNamedVariableListAttributes"),
    isDeletable: fc.boolean(),
    variables: VARIABLES,
  }),
  plain({ service: only("defineNamedVariableList") }),
  plain({ service: only("deleteNamedVariableList"), matched: fc.nat(), deleted: fc.nat() }),
  plain({ service: only("unknown"), tag: fc.constantFrom(0x8c, 0xbf48) }),
);

const INVOKE_ID = fc.nat(0xffff_ffff);
const SERVICE_ERROR = plain({ class: fc.nat(12), code: fc.nat(255) });

export const INITIATE = plain({
  pduOctets: maybe(fc.integer({ min: 1, max: 65_000 })),
  outstandingCalling: fc.nat(100),
  outstandingCalled: fc.nat(100),
  nesting: maybe(fc.nat(20)),
  version: only(1),
  parameters: BITS,
  services: BITS,
});

const INFORMATION: fc.Arbitrary<InformationReport> = plain({
  access: ACCESS,
  results: fc.array(RESULT, { maxLength: 5 }),
});

export const PDU: fc.Arbitrary<MmsPdu> = fc.oneof(
  plain({ kind: only("confirmed-request"), invokeId: INVOKE_ID, request: REQUEST }),
  plain({ kind: only("confirmed-response"), invokeId: INVOKE_ID, response: RESPONSE }),
  plain({ kind: only("confirmed-error"), invokeId: INVOKE_ID, error: SERVICE_ERROR }),
  plain({ kind: only("information-report"), report: INFORMATION }),
  plain({ kind: only("unconfirmed-unknown"), tag: fc.constantFrom(0xa1, 0xa2) }),
  plain({
    kind: only("reject"),
    invokeId: maybe(INVOKE_ID),
    rejected: fc.integer({ min: 1, max: 11 }),
    reason: fc.nat(20),
  }),
  plain({
    kind: fc.constantFrom("initiate-request" as const, "initiate-response" as const),
    initiate: INITIATE,
  }),
  plain({
    kind: fc.constantFrom("initiate-error" as const, "conclude-error" as const),
    error: SERVICE_ERROR,
  }),
  plain({ kind: fc.constantFrom("conclude-request" as const, "conclude-response" as const) }),
);
