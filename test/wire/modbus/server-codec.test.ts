import { strict as assert } from "node:assert";
import fc from "fast-check";
import {
  decodeRequest,
  encodeBits,
  encodeException,
  encodeIdentification,
  encodeMbap,
  encodeRegisters,
  encodeWritten,
  mbapFrameBytes,
  type ModbusRequest,
} from "../../../src/wire/modbus/server-codec.ts";

const hex = (text: string): Uint8Array =>
  Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"));
const decode = (text: string): ModbusRequest => {
  const bytes = hex(text);
  return decodeRequest(bytes, 0, bytes.length);
};
const written = (target: Uint8Array, end: number): string =>
  Buffer.from(target.subarray(0, end)).toString("hex");

describe("Modbus server codec: requests", () => {
  // The examples of the specification V1.1b3, sections 6.1 to 6.16.
  it("reads the examples of the specification", () => {
    const cases: [string, ModbusRequest][] = [
      ["01 0013 0013", { kind: "read", function: 1, table: "coil", address: 0x13, count: 19 }],
      ["02 00C4 0016", { kind: "read", function: 2, table: "discrete", address: 0xc4, count: 22 }],
      ["03 006B 0003", { kind: "read", function: 3, table: "holding", address: 0x6b, count: 3 }],
      ["04 0008 0001", { kind: "read", function: 4, table: "input", address: 8, count: 1 }],
      ["05 00AC FF00", { kind: "write", function: 5, table: "coil", address: 0xac, values: [1] }],
      ["06 0001 0003", { kind: "write", function: 6, table: "holding", address: 1, values: [3] }],
      [
        "0F 0013 000A 02 CD01",
        {
          kind: "write",
          function: 15,
          table: "coil",
          address: 0x13,
          values: [1, 0, 1, 1, 0, 0, 1, 1, 1, 0],
        },
      ],
      [
        "10 0001 0002 04 000A 0102",
        { kind: "write", function: 16, table: "holding", address: 1, values: [10, 0x102] },
      ],
      ["16 0004 00F2 0025", { kind: "mask", function: 22, address: 4, and: 0xf2, or: 0x25 }],
      ["2B 0E 01 00", { kind: "identify", function: 43, code: 1, object: 0 }],
    ];
    for (const [text, expected] of cases) assert.deepEqual(decode(text), expected, text);
  });

  it("answers what it cannot do with the exception of the specification", () => {
    const cases: [string, number, string][] = [
      ["07", 1, "unknown function"],
      ["83 0000 0001", 1, "function with the exception bit"],
      ["2B 0D 00 00", 1, "other encapsulated interface"],
      ["03 0000 0000", 3, "nothing asked for"],
      ["03 0000 007E", 3, "126 registers"],
      ["01 0000 07D1", 3, "2,001 coils"],
      ["03 FFFF 0002", 2, "beyond the last register"],
      ["10 FFFF 0002 04 0000 0000", 2, "write beyond the last register"],
      ["0F FFFF 0002 01 00", 2, "write beyond the last coil"],
      ["05 0000 0001", 3, "a coil that is neither on nor off"],
      ["10 0001 0002 02 000A", 3, "byte count does not match"],
      ["10 0001 0002 04 000A", 3, "fewer bytes than announced"],
      ["10 0001 0001 02 000A 00", 3, "more bytes than announced"],
      ["10 0001 0000 00", 3, "writes nothing"],
      ["0F 0001 0009 01 FF", 3, "coils do not fit the byte count"],
      ["03 0000", 3, "cut short"],
      ["06 0000 00", 3, "cut short write"],
      ["16 0000 0000", 3, "cut short mask"],
      ["2B 0E 05 00", 3, "unknown identification code"],
    ];
    for (const [text, exception, why] of cases) {
      const request = decode(text);
      assert.ok(request.kind === "refused", why);
      assert.equal(request.exception, exception, why);
    }
  });

  it("never reads outside the frame, whatever the bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 253 }), (pdu) => {
        const padded = new Uint8Array(pdu.length + 8).fill(0xff);
        padded.set(pdu, 4);
        const request = decodeRequest(padded, 4, 4 + pdu.length);
        assert.equal(request.function, pdu[0]);
        if (request.kind === "write") assert.ok(request.values.length <= 1968);
        if (request.kind === "read") assert.ok(request.address + request.count <= 0x1_0000);
      }),
    );
  });
});

describe("Modbus server codec: frames", () => {
  it("waits for the header, then tells the length", () => {
    const frame = hex("0001 0000 0006 01 03 006B 0003");
    assert.equal(mbapFrameBytes(frame, 0, 5), 0);
    assert.equal(mbapFrameBytes(frame, 0, 6), 12);
    assert.equal(mbapFrameBytes(frame, 0, frame.length), 12);
  });

  it("gives up on what cannot be Modbus TCP", () => {
    for (const text of [
      "0001 0001 0006 01",
      "0001 0000 0001 01",
      "0001 0000 00FF 01",
      "474554202f20",
    ]) {
      const frame = hex(text);
      assert.equal(mbapFrameBytes(frame, 0, frame.length), -1, text);
    }
    const longest = hex("0001 0000 00FE");
    assert.equal(mbapFrameBytes(longest, 0, longest.length), 260);
  });
});

describe("Modbus server codec: answers", () => {
  it("writes the answers of the specification", () => {
    const target = new Uint8Array(300);
    const registers = encodeRegisters(target, 0, 3, hex("022B 0000 0064"));
    assert.equal(written(target, registers), "0306022b00000064");
    const bits = Uint8Array.from([1, 0, 1, 1, 0, 0, 1, 1, 1, 1]);
    assert.equal(written(target, encodeBits(target, 0, 1, bits)), "0102cd03");
    assert.equal(written(target, encodeException(target, 0, 1, 2)), "8102");
    const echo = (text: string): string => {
      const request = decode(text);
      assert.ok(request.kind === "write" || request.kind === "mask");
      return written(target, encodeWritten(target, 0, request));
    };
    assert.equal(echo("05 00AC FF00"), "0500acff00");
    assert.equal(echo("05 00AC 0000"), "0500ac0000");
    assert.equal(echo("06 0001 0003"), "0600010003");
    assert.equal(echo("0F 0013 000A 02 CD01"), "0f0013000a");
    assert.equal(echo("10 0001 0002 04 000A 0102"), "1000010002");
    assert.equal(echo("16 0004 00F2 0025"), "16000400f20025");
  });

  it("forgets the bits of the answer before", () => {
    const target = new Uint8Array(16).fill(0xff);
    assert.equal(written(target, encodeBits(target, 0, 2, new Uint8Array(9))), "02020000");
  });

  it("puts unit, length and transaction in front", () => {
    const target = new Uint8Array(16);
    encodeMbap(target, 0, 5, { transaction: 0x1501, unit: 0xff });
    assert.equal(written(target, 7), "1501000000" + "06ff");
  });

  it("identifies as a stream and object by object", () => {
    const target = new Uint8Array(300);
    const identify = (code: number, object: number): string | undefined => {
      const request = { kind: "identify", function: 43, code, object } as const;
      const end = encodeIdentification(target, 0, request, ["ab", "c", "1.0"]);
      return end === undefined ? undefined : written(target, end);
    };
    assert.equal(identify(1, 0), "2b0e01810000" + "03" + "00026162" + "010163" + "0203312e30");
    assert.equal(identify(4, 1), "2b0e04810000" + "01" + "010163");
    assert.equal(identify(4, 7), undefined);
  });
});
