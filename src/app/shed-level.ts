import { GatewayError } from "../domain/errors.ts";
import type { ShedLevel, ShedWord, StandingShed, UnconfirmedShed } from "../domain/shed.ts";
import { utcMs } from "../domain/time.ts";
import { SHEDS_MAX } from "../dcpi/shed/ladder-state.ts";

/** Longest sentence on what is not confirmed; the rest of a longer one is cut off. */
export const WORDS_MAX_CHARACTERS = 600;
/** Longest name. */
const NAME_MAX_CHARACTERS = 100;

type Fields = Readonly<Record<string, unknown>>;

/**
 * What stands, as control says it over the socket.
 *
 * @throws GatewayError REQUEST_REFUSED
 */
export function parseShedLevel(answer: unknown): ShedLevel {
  const { upMs, sheds } = fieldsOf(answer);
  if (!isAmount(upMs)) throw refused("upMs is a time");
  return { upMs, sheds: listOf(sheds).map(shedOf) };
}

/**
 * What services says of it.
 *
 * @throws GatewayError REQUEST_REFUSED
 */
export function parseShedWord(params: unknown): ShedWord {
  return { unconfirmed: listOf(fieldsOf(params)["unconfirmed"]).map(unconfirmedOf) };
}

function shedOf(fields: Fields): StandingShed {
  const { powerW, sinceUtc, isLatched } = fields;
  if (!isAmount(powerW)) throw refused("powerW is a power");
  if (sinceUtc !== undefined && !isAmount(sinceUtc)) throw refused("sinceUtc is a time");
  if (typeof isLatched !== "boolean") throw refused("isLatched is yes or no");
  return {
    zone: text(fields, "zone", NAME_MAX_CHARACTERS),
    powerW,
    cause: text(fields, "cause", NAME_MAX_CHARACTERS),
    sinceUtc: sinceUtc === undefined ? undefined : utcMs(sinceUtc),
    isLatched,
  };
}

function unconfirmedOf(fields: Fields): UnconfirmedShed {
  return {
    zone: text(fields, "zone", NAME_MAX_CHARACTERS),
    text: text(fields, "text", WORDS_MAX_CHARACTERS),
  };
}

function listOf(value: unknown): readonly Fields[] {
  if (!Array.isArray(value) || value.length > SHEDS_MAX)
    throw refused(`a list of at most ${SHEDS_MAX} zones`);
  return value.map(fieldsOf);
}

function fieldsOf(value: unknown): Fields {
  if (typeof value !== "object" || value === null) throw refused("an object");
  return value as Fields;
}

function text(fields: Fields, name: string, most: number): string {
  const value = fields[name];
  if (typeof value !== "string" || value.length > most)
    throw refused(`${name} is a text of at most ${most} characters`);
  return value;
}

function isAmount(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}

function refused(reason: string): GatewayError {
  return new GatewayError("REQUEST_REFUSED", { reason });
}
