import type { GooseFrame } from "../../../src/wire/goose/codec.ts";
import type { GoosePdu } from "../../../src/wire/goose/pdu.ts";

/** A breaker's position and a trip, as a relay publishes them. */
export const PDU: GoosePdu = {
  controlBlock: "R1CTRL/LLN0$GO$gcb1",
  timeAllowedToLiveMs: 2_000,
  dataSet: "R1CTRL/LLN0$ds1",
  id: "R1trip",
  time: {
    utcMs: 1_700_000_000_500,
    quality: {
      isLeapSecondKnown: true,
      hasClockFailure: false,
      isNotSynchronised: false,
      accuracyBits: 10,
    },
  },
  state: 3,
  sequence: 258,
  isSimulated: false,
  configurationRevision: 1,
  needsCommissioning: false,
  values: [
    { kind: "boolean", value: true },
    { kind: "bits", bitCount: 2, bytes: Uint8Array.of(0x80) },
    { kind: "integer", value: -5 },
  ],
};

export const FRAME: GooseFrame = {
  destination: Uint8Array.of(0x01, 0x0c, 0xcd, 0x01, 0x00, 0x07),
  source: Uint8Array.of(0x02, 0x00, 0x00, 0x00, 0x00, 0x2a),
  vlan: { priority: 4, isDropEligible: false, id: 5 },
  applicationId: 0x3001,
  isSimulatedFrame: false,
  pdu: PDU,
};

/** The same, octet by octet in the order of the standard. */
export const FRAME_HEX = [
  "010ccd010007",
  "02000000002a",
  "81008005",
  "88b8 3001 0065 0000 0000",
  "615b",
  "8013 523143 54524c2f4c4c4e3024474f2467636231",
  "8102 07d0",
  "820f 523143 54524c2f4c4c4e3024647331",
  "8306 523174726970",
  "8408 6553f100 800000 8a",
  "8501 03",
  "8602 0102",
  "8701 00",
  "8801 01",
  "8901 00",
  "8a01 03",
  "ab0a 830101 84020680 8501fb",
].join("");

export function octetsOf(hex: string): Uint8Array {
  const digits = hex.replaceAll(" ", "");
  return Uint8Array.from(digits.match(/../g) ?? [], (octet) => Number.parseInt(octet, 16));
}
