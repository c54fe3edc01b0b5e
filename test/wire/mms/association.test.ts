import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type Apdu,
  type ApplicationEntity,
  type AssociateRequest,
  decodeApdu,
  encodeApdu,
} from "../../../src/wire/mms/acse.ts";
import {
  type AssociationRequest,
  decodeAssociationAnswer,
  decodeAssociationRequest,
  DEFAULT_CALLED,
  DEFAULT_CALLING,
  decodeUnit,
  encodeAbort,
  encodeAssociationAccept,
  encodeAssociationRefusal,
  encodeAssociationRequest,
  encodeMms,
  encodeRelease,
  OUR_CONTEXTS,
} from "../../../src/wire/mms/association.ts";
import { ourInitiate, supportedServices } from "../../../src/wire/mms/initiate.ts";
import { encodePdu } from "../../../src/wire/mms/pdu.ts";
import {
  answerContexts,
  decodePresentationAbort,
  decodePresentationAccept,
  decodePresentationConnect,
  decodePresentationData,
  decodePresentationReject,
  encodePresentationAbort,
  encodePresentationAccept,
  encodePresentationConnect,
  encodePresentationData,
  encodePresentationReject,
  grantedContexts,
  type PresentationContext,
} from "../../../src/wire/mms/presentation.ts";
import { decodeSpdu, encodeSpdu, type Spdu } from "../../../src/wire/mms/session.ts";
import { OCTETS, plain } from "./arbitraries.ts";
import { assertFault } from "./assert-fault.ts";
import { octets } from "./recorded-frames.ts";

const IDS = { acse: 1, mms: 3 };
const LIMITS = { pduOctets: 65_000, outstandingCalling: 5, outstandingCalled: 5, nesting: 10 };
const INITIATE = ourInitiate(LIMITS, ["read", "write", "getNameList"]);
const REQUEST: AssociationRequest = {
  calling: DEFAULT_CALLING,
  called: DEFAULT_CALLED,
  password: undefined,
  initiate: INITIATE,
};

const maybe = <T>(some: fc.Arbitrary<T>) => fc.option(some, { nil: undefined });
const SELECTOR = maybe(fc.uint8Array({ maxLength: 16 }));
const CONTENT = fc.uint8Array({ minLength: 1, maxLength: 600 });
const CONTEXT_VALUE = plain({ contextId: fc.nat(127), content: CONTENT });
const ENTITY: fc.Arbitrary<ApplicationEntity> = plain({
  title: maybe(
    fc.array(fc.nat(100_000), { maxLength: 4 }).map((arcs) => [1, 3, ...arcs].join(".")),
  ),
  qualifier: maybe(fc.nat(1000)),
});

describe("session", () => {
  it("gives back every SPDU, short and long", () => {
    const spdu: fc.Arbitrary<Spdu> = fc.oneof(
      plain({
        type: fc.constantFrom("connect" as const, "accept" as const),
        callingSelector: SELECTOR,
        calledSelector: SELECTOR,
        content: CONTENT,
      }),
      plain({ type: fc.constant("refuse" as const), reason: fc.nat(255), content: OCTETS }),
      plain({
        type: fc.constantFrom(
          "data" as const,
          "finish" as const,
          "disconnect" as const,
          "abort" as const,
        ),
        content: CONTENT,
      }),
      plain({ type: fc.constant("abort-accept" as const) }),
    );
    fc.assert(
      fc.property(spdu, (one) => {
        assert.deepEqual(decodeSpdu(encodeSpdu(one)), one);
      }),
    );
  });

  it("refuses what is no SPDU, or has parameters beyond its end", () => {
    assertFault("session-type", () => decodeSpdu(octets("0700")));
    assertFault("session-type", () => decodeSpdu(octets("01000200")));
    assertFault("session-type", () => decodeSpdu(octets("0100")));
    assertFault("session-parameter", () => decodeSpdu(octets("0d05c10900")));
    assertFault("session-parameter", () => decodeSpdu(octets("0d04c1090000")));
    assertFault("session-parameter", () => decodeSpdu(octets("0dff0400")));
    assertFault("session-parameter", () => decodeSpdu(octets("")));
    assertFault("session-parameter", () => decodeSpdu(octets("09030000")));
    assertFault("session-parameter", () => decodeSpdu(octets(`0d133311${"00".repeat(17)}`)));
  });
});

describe("presentation", () => {
  const contexts: fc.Arbitrary<readonly PresentationContext[]> = fc.array(
    plain({
      id: fc.nat(255),
      abstractSyntax: fc.constantFrom("2.2.1.0.1", "1.0.9506.2.1"),
      transferSyntaxes: fc.array(fc.constant("2.1.1"), { minLength: 1, maxLength: 3 }),
    }),
    { maxLength: 5 },
  );
  const results = fc.array(
    plain({
      result: fc.constantFrom(
        "acceptance" as const,
        "user-rejection" as const,
        "provider-rejection" as const,
      ),
      transferSyntax: maybe(fc.constant("2.1.1")),
    }),
    { maxLength: 5 },
  );

  it("gives back every PPDU", () => {
    fc.assert(
      fc.property(
        plain({
          callingSelector: SELECTOR,
          calledSelector: SELECTOR,
          contexts,
          value: CONTEXT_VALUE,
        }),
        plain({ respondingSelector: SELECTOR, results, value: CONTEXT_VALUE }),
        plain({ providerReason: maybe(fc.nat(255)), value: maybe(CONTEXT_VALUE) }),
        (connect, accept, reject) => {
          assert.deepEqual(decodePresentationConnect(encodePresentationConnect(connect)), connect);
          assert.deepEqual(decodePresentationAccept(encodePresentationAccept(accept)), accept);
          assert.deepEqual(decodePresentationReject(encodePresentationReject(reject)), reject);
          const { value } = connect;
          assert.deepEqual(decodePresentationData(encodePresentationData(value)), value);
          const abort = { type: "user", value: reject.value } as const;
          assert.deepEqual(decodePresentationAbort(encodePresentationAbort(abort)), abort);
        },
      ),
    );
    const provider = { type: "provider", reason: 2 } as const;
    assert.deepEqual(decodePresentationAbort(encodePresentationAbort(provider)), provider);
  });

  it("takes the numbers of contexts from the answer, in whatever order they were proposed", () => {
    const [acse, mms] = OUR_CONTEXTS;
    const swapped = [
      { ...mms!, id: 7 },
      { ...acse!, id: 9 },
    ];
    assert.deepEqual(grantedContexts(swapped, answerContexts(swapped)), { acse: 9, mms: 7 });
    const [granted] = answerContexts(OUR_CONTEXTS);
    assert.equal(grantedContexts(OUR_CONTEXTS, [granted!]), undefined);
    const refused = { result: "provider-rejection", transferSyntax: undefined } as const;
    assert.equal(grantedContexts(OUR_CONTEXTS, [granted!, refused]), undefined);
  });

  it("reads a value that says its transfer syntax, or comes as octets", () => {
    const expected = { contextId: 3, content: Uint8Array.of(0x8b, 0) };
    assert.deepEqual(
      decodePresentationData(octets("610d 300b 06025101 020103 a0028b00")),
      expected,
    );
    assert.deepEqual(decodePresentationData(octets("6109 3007 020103 81028b00")), expected);
  });

  it("refuses two values in one, X.410 mode and a connect without content", () => {
    assertFault("trailing-octets", () =>
      decodePresentationData(octets("6110 3006 020103 a00100 3006 020103 a00100")),
    );
    assertFault("presentation-type", () => decodePresentationData(octets("3100")));
    assertFault("presentation-encoding", () =>
      decodePresentationConnect(octets("3107 a003800100 a200")),
    );
    assertFault("presentation-encoding", () =>
      decodePresentationConnect(octets("3107 a003800101 a200")),
    );
    assertFault("presentation-encoding", () => decodePresentationAccept(octets("3102 a200")));
    assertFault("presentation-type", () => decodePresentationAbort(octets("0100")));
    const selector = `8111${"00".repeat(17)}`;
    assertFault("wrong-size", () =>
      decodePresentationConnect(octets(`311a a003800101 a213 ${selector}`)),
    );
    const many = Array.from({ length: 17 }, () => OUR_CONTEXTS[0]!);
    assertFault("too-many-elements", () =>
      decodePresentationConnect(
        encodePresentationConnect({
          callingSelector: undefined,
          calledSelector: undefined,
          contexts: many,
          value: { contextId: 1, content: octets("00") },
        }),
      ),
    );
  });
});

describe("ACSE", () => {
  const user = plain({ contextId: fc.nat(127), content: CONTENT });

  it("gives back every APDU", () => {
    const apdu = fc.oneof(
      plain({
        type: fc.constant("associate-request" as const),
        applicationContext: fc.constant("1.0.9506.2.3"),
        called: ENTITY,
        calling: ENTITY,
        password: maybe(fc.uint8Array({ maxLength: 60 })),
        user,
      }),
      plain({
        type: fc.constant("associate-response" as const),
        applicationContext: fc.constant("1.0.9506.2.3"),
        result: fc.constantFrom(
          "accepted" as const,
          "rejected-permanent" as const,
          "rejected-transient" as const,
        ),
        source: fc.constantFrom("service-user" as const, "service-provider" as const),
        diagnostic: fc.nat(14),
        responding: ENTITY,
        user: maybe(user),
      }),
      plain({
        type: fc.constantFrom("release-request" as const, "release-response" as const),
        reason: maybe(fc.nat(30)),
      }),
      plain({
        type: fc.constant("abort" as const),
        source: fc.constantFrom("service-user" as const, "service-provider" as const),
      }),
    ) as fc.Arbitrary<Apdu>;
    fc.assert(
      fc.property(apdu, (one) => {
        assert.deepEqual(decodeApdu(encodeApdu(one)), one);
      }),
    );
  });

  it("steps over what a second known server adds to the user information", () => {
    // be [30] { EXTERNAL { direct reference 2.1.1, context 3, single value } }.
    const bytes = octets(
      "6129 a107 060528ca220203 a203020100 a305a103020100 8a020780" +
        "be0d280b 06025101 020103 a0028b00",
    );
    bytes[1] = bytes.length - 2;
    const apdu = decodeApdu(bytes);
    assert.ok(apdu.type === "associate-response");
    assert.deepEqual(apdu.user, { contextId: 3, content: Uint8Array.of(0x8b, 0) });
  });

  it("refuses what is no APDU and a request without content", () => {
    assertFault("acse-type", () => decodeApdu(octets("6500")));
    assertFault("missing-element", () => decodeApdu(octets("6000")));
    assertFault("missing-element", () => decodeApdu(octets("6100")));
    assertFault("missing-element", () =>
      decodeApdu(octets("6010 a107 060528ca220203 be05280302 0103")),
    );
    assertFault("wrong-size", () => {
      const long: AssociateRequest = {
        applicationContext: "1.0.9506.2.3",
        called: { title: undefined, qualifier: undefined },
        calling: { title: undefined, qualifier: undefined },
        password: new Uint8Array(256),
        user: { contextId: 3, content: octets("8b00") },
      };
      decodeApdu(encodeApdu({ type: "associate-request", ...long }));
    });
  });
});

describe("an association", () => {
  it("carries a password to the server, and a refusal back", () => {
    const password = new TextEncoder().encode("secret");
    const indication = decodeAssociationRequest(encodeAssociationRequest({ ...REQUEST, password }));
    assert.deepEqual(indication.password, password);
    assert.deepEqual(indication.ids, IDS);
    assert.deepEqual(indication.calling, DEFAULT_CALLING.entity);
    const refusal = encodeAssociationRefusal(indication, IDS, 13);
    assert.deepEqual(decodeAssociationAnswer(refusal), {
      result: "refused",
      by: "acse",
      how: "rejected-permanent",
      source: "service-user",
      reason: 13,
    });
  });

  it("agrees on limits and services", () => {
    const indication = decodeAssociationRequest(encodeAssociationRequest(REQUEST));
    const answer = ourInitiate({ ...LIMITS, pduOctets: 8000 }, ["read"]);
    const accept = encodeAssociationAccept(indication, IDS, answer);
    const answered = decodeAssociationAnswer(accept);
    assert.deepEqual(answered, { result: "associated", ids: IDS, initiate: answer });
    assert.deepEqual([...supportedServices(answer.services)], ["read"]);
  });

  it("tells by which layer it was refused", () => {
    const bare: Spdu = { type: "refuse", reason: 129, content: new Uint8Array(0) };
    assert.deepEqual(decodeAssociationAnswer(encodeSpdu(bare)), {
      result: "refused",
      by: "session",
      reason: 129,
    });
    const reject = encodePresentationReject({ providerReason: 4, value: undefined });
    const carried: Spdu = { type: "refuse", reason: 2, content: reject };
    assert.deepEqual(decodeAssociationAnswer(encodeSpdu(carried)), {
      result: "refused",
      by: "presentation",
      reason: 4,
    });
    assert.deepEqual(decodeAssociationAnswer(encodeAbort(IDS)), { result: "aborted" });
    const indication = decodeAssociationRequest(encodeAssociationRequest(REQUEST));
    const unable = { ...indication, contexts: [indication.contexts[0]!] };
    assert.deepEqual(decodeAssociationAnswer(encodeAssociationAccept(unable, IDS, INITIATE)), {
      result: "refused",
      by: "presentation",
      reason: undefined,
    });
  });

  it("tells an initiate that MMS itself refused", () => {
    const error = { class: 8, code: 3 };
    const content = encodePresentationAccept({
      respondingSelector: undefined,
      results: answerContexts(OUR_CONTEXTS),
      value: {
        contextId: 1,
        content: encodeApdu({
          type: "associate-response",
          applicationContext: "1.0.9506.2.3",
          result: "accepted",
          source: "service-user",
          diagnostic: 0,
          responding: { title: undefined, qualifier: undefined },
          user: { contextId: 3, content: encodePdu({ kind: "initiate-error", error }) },
        }),
      },
    });
    const tsdu = encodeSpdu({
      type: "accept",
      callingSelector: undefined,
      calledSelector: undefined,
      content,
    });
    assert.deepEqual(decodeAssociationAnswer(tsdu), { result: "refused", by: "mms", error });
  });

  it("carries PDUs, a release and an abort once it stands", () => {
    const pdu = { kind: "conclude-request" } as const;
    assert.deepEqual(decodeUnit(encodeMms(IDS, pdu), IDS), { unit: "mms", pdu });
    for (const type of ["release-request", "release-response"] as const) {
      assert.deepEqual(decodeUnit(encodeRelease(IDS, type), IDS), { unit: type });
    }
    assert.deepEqual(decodeUnit(encodeAbort(IDS), IDS), { unit: "abort", by: "user" });
    const garbled = encodeSpdu({ type: "abort", content: octets("ff") });
    assert.deepEqual(decodeUnit(garbled, IDS), { unit: "abort", by: "provider" });
  });

  it("refuses a value in a context that was not agreed", () => {
    const tsdu = encodeMms({ acse: 1, mms: 5 }, { kind: "conclude-request" });
    assertFault("presentation-context", () => decodeUnit(tsdu, IDS));
    assertFault("presentation-context", () =>
      decodeUnit(encodeRelease({ acse: 5, mms: 3 }, "release-request"), IDS),
    );
    assertFault("session-type", () => decodeUnit(encodeAssociationRequest(REQUEST), IDS));
    assertFault("session-type", () => decodeAssociationAnswer(encodeAssociationRequest(REQUEST)));
    assertFault("session-type", () => decodeAssociationRequest(tsdu));
  });
});
