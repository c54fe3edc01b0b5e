import { assert } from "../../domain/assert.ts";
import { BerReader } from "../mms/ber-reader.ts";
import { BerWriter } from "../mms/ber-writer.ts";
import { decodeUtcTime, encodeUtcTime, type UtcTime } from "../mms/time.ts";
import { type MmsValue, readValue, writeValue } from "../mms/value.ts";
import { WireError } from "../mms/wire-error.ts";

/**
 * The PDU of GOOSE: what a publisher says about one data set.
 *
 * @see IEC 61850-8-1, section 18 and annex A (production IECGoosePdu)
 */
export interface GoosePdu {
  /** `DCPIBESS1/LLN0$GO$gcbTrip` */
  readonly controlBlock: string;
  /** How long this may be believed, ms; never 0. */
  readonly timeAllowedToLiveMs: number;
  /** `DCPIBESS1/LLN0$dsTrip` */
  readonly dataSet: string;
  /** Undefined where the publisher leaves it out. */
  readonly id: string | undefined;
  /** When the state began. */
  readonly time: UtcTime;
  /** Counts states, from 1. */
  readonly state: number;
  /** Counts repetitions of a state, from 0. */
  readonly sequence: number;
  /** Simulated; in the first edition the same place says test. */
  readonly isSimulated: boolean;
  readonly configurationRevision: number;
  /** The publisher itself is not configured. */
  readonly needsCommissioning: boolean;
  readonly values: readonly MmsValue[];
}

export const GOOSE_VALUES_MAX = 512;
const COUNTER_MAX = 0xffff_ffff;
const TEXT_OCTETS_MAX = 129;

const TAG = {
  pdu: 0x61,
  controlBlock: 0x80,
  timeAllowedToLive: 0x81,
  dataSet: 0x82,
  id: 0x83,
  time: 0x84,
  state: 0x85,
  sequence: 0x86,
  simulation: 0x87,
  configurationRevision: 0x88,
  needsCommissioning: 0x89,
  count: 0x8a,
  values: 0xab,
  security: 0xac,
} as const;

/** @throws WireError */
export function decodeGoosePdu(bytes: Uint8Array): GoosePdu {
  const reader = new BerReader(bytes).expect(TAG.pdu);
  const fields = reader.enter();
  reader.finish();
  const head = readHead(fields);
  const isSimulated = fields.optional(TAG.simulation) && fields.boolean();
  const configurationRevision = fields
    .expect(TAG.configurationRevision)
    .integerWithin(0, COUNTER_MAX);
  const needsCommissioning = fields.optional(TAG.needsCommissioning) && fields.boolean();
  const count = fields.expect(TAG.count).integerWithin(0, GOOSE_VALUES_MAX);
  const values = fields.expect(TAG.values).enter().list(readValue);
  if (values.length !== count) {
    throw new WireError("out-of-range", { announced: count, values: values.length });
  }
  // A signature of the frame: not checked here, and no reason to refuse the rest.
  fields.optional(TAG.security);
  fields.finish();
  return { ...head, isSimulated, configurationRevision, needsCommissioning, values };
}

type Head = Omit<
  GoosePdu,
  "isSimulated" | "configurationRevision" | "needsCommissioning" | "values"
>;

function readHead(fields: BerReader): Head {
  const controlBlock = textOf(fields.expect(TAG.controlBlock));
  const timeAllowedToLiveMs = fields.expect(TAG.timeAllowedToLive).integerWithin(1, COUNTER_MAX);
  const dataSet = textOf(fields.expect(TAG.dataSet));
  const id = fields.optional(TAG.id) ? textOf(fields) : undefined;
  const time = decodeUtcTime(fields.expect(TAG.time).octets());
  const state = fields.expect(TAG.state).integerWithin(0, COUNTER_MAX);
  const sequence = fields.expect(TAG.sequence).integerWithin(0, COUNTER_MAX);
  return { controlBlock, timeAllowedToLiveMs, dataSet, id, time, state, sequence };
}

function textOf(reader: BerReader): string {
  if (reader.size > TEXT_OCTETS_MAX) throw new WireError("wrong-size", { size: reader.size });
  return reader.text();
}

/** For tests and simulators: the gateway never publishes. */
export function encodeGoosePdu(pdu: GoosePdu): Uint8Array {
  assert(pdu.values.length <= GOOSE_VALUES_MAX, "a data set has not more values than that");
  const writer = new BerWriter();
  writer.nest(TAG.pdu, () => {
    writer.text(TAG.controlBlock, pdu.controlBlock);
    writer.integer(TAG.timeAllowedToLive, pdu.timeAllowedToLiveMs);
    writer.text(TAG.dataSet, pdu.dataSet);
    if (pdu.id !== undefined) writer.text(TAG.id, pdu.id);
    writer.octets(TAG.time, encodeUtcTime(pdu.time));
    writer.integer(TAG.state, pdu.state);
    writer.integer(TAG.sequence, pdu.sequence);
    writer.boolean(TAG.simulation, pdu.isSimulated);
    writer.integer(TAG.configurationRevision, pdu.configurationRevision);
    writer.boolean(TAG.needsCommissioning, pdu.needsCommissioning);
    writer.integer(TAG.count, pdu.values.length);
    writer.nest(TAG.values, () => {
      for (const value of pdu.values) writeValue(writer, value);
    });
  });
  return writer.finish();
}
