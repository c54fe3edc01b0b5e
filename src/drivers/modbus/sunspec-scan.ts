import { GatewayError } from "../../domain/errors.ts";
import type { SunspecModelPlace } from "../../profiles/binding.ts";
import type { LinkRead, ModbusLink } from "./link.ts";

/** "SunS" in two registers. */
const MARKER = 0x5375_6e53;
const END_MODEL = 0xffff;
/** Longer chains than any device has; a chain that goes on is no chain. */
const MODELS_MAX = 256;
const ADDRESS_MAX = 0xffff;

export interface SunspecScan {
  readonly base: number;
  readonly models: readonly SunspecModelPlace[];
}

/**
 * Finds the SunSpec models of a device: the marker at one of `bases`, then from each model's ID and
 * length to the next, as far as the end model.
 *
 * @param terms unit and terms of the reads
 * @returns undefined when no base has the marker, or the chain does not end
 * @throws GatewayError of the link
 * @see SunSpec Device Information Model Specification V1.2, section 3.2 (discovery)
 */
export async function scanSunspec(
  link: ModbusLink,
  bases: readonly number[],
  terms: Pick<LinkRead, "unit" | "timeoutMs" | "pauseMs" | "lane">,
  signal: AbortSignal,
): Promise<SunspecScan | undefined> {
  for (const base of bases) {
    const marker = await pair(link, { ...terms, address: base }, signal);
    if (marker === undefined || marker[0] * 0x1_0000 + marker[1] !== MARKER) continue;
    const models = await chain(link, base + 2, terms, signal);
    if (models !== undefined) return { base, models };
  }
  return undefined;
}

async function chain(
  link: ModbusLink,
  start: number,
  terms: Pick<LinkRead, "unit" | "timeoutMs" | "pauseMs" | "lane">,
  signal: AbortSignal,
): Promise<SunspecModelPlace[] | undefined> {
  const models: SunspecModelPlace[] = [];
  let address = start;
  while (models.length < MODELS_MAX && address < ADDRESS_MAX) {
    const head = await pair(link, { ...terms, address }, signal);
    if (head === undefined) return undefined;
    const [model, length] = head;
    if (model === END_MODEL) return models;
    models.push({ model, address, length });
    address += length + 2;
  }
  return undefined;
}

/** Two registers; undefined when the device refuses them or answers nonsense. */
async function pair(
  link: ModbusLink,
  place: Omit<LinkRead, "table" | "count">,
  signal: AbortSignal,
): Promise<readonly [number, number] | undefined> {
  try {
    const reply = await link.read({ ...place, table: "holding", count: 2 }, signal);
    if (!(reply instanceof Uint8Array)) return undefined;
    const view = new DataView(reply.buffer, reply.byteOffset, reply.byteLength);
    return [view.getUint16(0), view.getUint16(2)];
  } catch (error) {
    if (error instanceof GatewayError && error.code === "REPLY_MALFORMED") return undefined;
    throw error;
  }
}
