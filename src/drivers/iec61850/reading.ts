import { GatewayError } from "../../domain/errors.ts";
import { objectNameOf, type Reference } from "../../wire/mms/names.ts";
import { byNames, type ObjectName, type VariableName } from "../../wire/mms/object-name.ts";
import type { AccessResult } from "../../wire/mms/value.ts";
import { accessCodeOf, type Answer, refusalError, responseOf } from "./answer.ts";
import type { Dialogue } from "./dialogue.ts";
import type { CallTerms } from "./engine.ts";

/** Objects in one request: beyond, devices with small buffers begin to refuse. */
const OBJECTS_MAX = 50;
/** What a data object with its quality and time takes in an answer, generously. */
const ANSWER_OCTETS = 128;
/** Tags and lengths around a name in a request. */
const NAME_OCTETS = 20;
/** Everything else in a PDU. */
const PDU_FRAME_OCTETS = 32;

/** A run of names that goes into one request. */
interface Pack {
  readonly from: number;
  readonly names: readonly ObjectName[];
}

/**
 * Reads variables, as many per request as their names and likely answers allow, several requests at
 * once. A device that refuses a request as a whole — its answer would not fit — is asked for
 * halves.
 *
 * @returns in the order asked; what cannot be read is an error of its own
 */
export async function readVariables(
  dialogue: Dialogue,
  references: readonly Reference[],
  terms: CallTerms,
): Promise<readonly AccessResult[]> {
  const names = references.map(objectNameOf);
  const results = new Array<AccessResult>(names.length);
  const packs = packed(names, dialogue.negotiated.pduOctets);
  const settled = await Promise.allSettled(
    packs.map(async (pack) => readPack(dialogue, pack, { terms, results })),
  );
  for (const pack of settled) if (pack.status === "rejected") throw pack.reason;
  return results;
}

function packed(names: readonly (ObjectName & { scope: "domain" })[], pduOctets: number): Pack[] {
  const most = pduOctets - PDU_FRAME_OCTETS;
  const objectsMax = Math.max(1, Math.min(OBJECTS_MAX, Math.floor(most / ANSWER_OCTETS)));
  const packs: Pack[] = [];
  let from = 0;
  let octets = 0;
  for (const [at, { domain, item }] of names.entries()) {
    const own = domain.length + item.length + NAME_OCTETS;
    if (at > from && (octets + own > most || at - from >= objectsMax)) {
      packs.push({ from, names: names.slice(from, at) });
      from = at;
      octets = 0;
    }
    octets += own;
  }
  if (from < names.length) packs.push({ from, names: names.slice(from) });
  return packs;
}

interface PackTerms {
  readonly terms: CallTerms;
  readonly results: AccessResult[];
}

async function readPack(dialogue: Dialogue, pack: Pack, into: PackTerms): Promise<void> {
  const answer = await askFor(dialogue, pack.names, into.terms);
  const response = responseOf(answer, "read");
  if (response !== undefined) {
    if (response.results.length !== pack.names.length) {
      throw new GatewayError("REPLY_MALFORMED", {
        asked: pack.names.length,
        answered: response.results.length,
      });
    }
    for (const [at, result] of response.results.entries()) into.results[pack.from + at] = result;
    return;
  }
  if (pack.names.length === 1) {
    into.results[pack.from] = refusedResult(answer);
    return;
  }
  const half = pack.names.length >> 1;
  await readPack(dialogue, { from: pack.from, names: pack.names.slice(0, half) }, into);
  const rest = { from: pack.from + half, names: pack.names.slice(half) };
  await readPack(dialogue, rest, into);
}

async function askFor(
  dialogue: Dialogue,
  names: readonly ObjectName[],
  terms: CallTerms,
): Promise<Answer> {
  const access = byNames(names);
  return dialogue.request({ service: "read", isSpecificationWanted: false, access }, terms);
}

function refusedResult(answer: Answer): AccessResult {
  if (answer.answer === "response") throw new GatewayError("REPLY_MALFORMED");
  const code = accessCodeOf(answer);
  if (code === undefined) throw refusalError(answer);
  return { kind: "error", code };
}

/** Reads one variable by its name. @throws GatewayError DEVICE_EXCEPTION when it is refused */
export async function readName(
  dialogue: Dialogue,
  name: ObjectName,
  terms: CallTerms,
): Promise<AccessResult> {
  const answer = await askFor(dialogue, [name], terms);
  const response = responseOf(answer, "read");
  if (response === undefined) return refusedResult(answer);
  const [result, ...others] = response.results;
  if (result === undefined || others.length > 0) {
    throw new GatewayError("REPLY_MALFORMED", { asked: 1, answered: response.results.length });
  }
  return result;
}

/** Members of a data set, in the order of its reports; undefined when there is none. */
export async function readMembers(
  dialogue: Dialogue,
  name: ObjectName,
  terms: CallTerms,
): Promise<readonly VariableName[] | undefined> {
  const answer = await dialogue.request({ service: "getNamedVariableListAttributes", name }, terms);
  return responseOf(answer, "getNamedVariableListAttributes")?.variables;
}
