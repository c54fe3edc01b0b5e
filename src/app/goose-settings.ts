import { GatewayError } from "../domain/errors.ts";
import { parseAddress } from "../wire/goose/codec.ts";
import { FILTER_ADDRESSES_MAX } from "../wire/goose/kernel-filter.ts";
import { GOOSE_VALUES_MAX } from "../wire/goose/pdu.ts";
import type { GooseExpectation } from "../wire/goose/supervision.ts";

/** Which value of a publisher demands the safe state. There is no way to demand anything else. */
export interface SafeRule {
  /** Place in the data set, from 0. */
  readonly index: number;
  /** For people and for the log: `breaker-open`. */
  readonly name: string;
  /** A boolean, or a position of a switch. */
  readonly when: boolean | "open" | "closed";
}

export interface GooseSubscription extends GooseExpectation {
  readonly name: string;
  readonly destination: Uint8Array;
  readonly applicationId: number;
  readonly safeWhen: readonly SafeRule[];
}

export interface GooseSettings {
  readonly interfaceName: string;
  /** The UNIX socket on which the state is told. */
  readonly socket: string;
  readonly subscriptions: readonly GooseSubscription[];
}

type Json = Readonly<Record<string, unknown>>;

/**
 * Reads the settings of the GOOSE process.
 *
 * @throws GatewayError CONFIG_INVALID with the place of the first thing that is wrong
 */
export function parseGooseSettings(text: string): GooseSettings {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new GatewayError("CONFIG_INVALID", { reason: "no JSON" }, { cause });
  }
  const root = new Place("", value).object(["interface", "socket", "subscriptions"]);
  const list = root.at("subscriptions").list(1, FILTER_ADDRESSES_MAX);
  const subscriptions = list.map(subscriptionOf);
  const names = new Set(subscriptions.map(({ name }) => name));
  if (names.size < subscriptions.length) throw root.at("subscriptions").wrong("a name twice");
  return {
    interfaceName: root.at("interface").text(15),
    socket: root.at("socket").text(107),
    subscriptions,
  };
}

const SUBSCRIPTION_KEYS = [
  "name",
  "destination",
  "appId",
  "controlBlock",
  "dataSet",
  "goId",
  "confRev",
  "values",
  "safeWhen",
] as const;

function subscriptionOf(place: Place): GooseSubscription {
  const fields = place.object(SUBSCRIPTION_KEYS);
  const address = fields.at("destination");
  const destination = parseAddress(address.text(17));
  if (destination === undefined) throw address.wrong("no address like 01-0C-CD-01-00-01");
  const values = fields.at("values").number(1, GOOSE_VALUES_MAX);
  return {
    name: fields.at("name").text(64),
    destination,
    applicationId: fields.at("appId").number(0, 0xffff),
    controlBlock: fields.at("controlBlock").text(129),
    dataSet: fields.at("dataSet").text(129),
    id: fields.at("goId").isMissing ? undefined : fields.at("goId").text(129),
    configurationRevision: fields.at("confRev").number(0, 0xffff_ffff),
    values,
    safeWhen: fields
      .at("safeWhen")
      .list(0, values)
      .map((rule) => ruleOf(rule, values)),
  };
}

function ruleOf(place: Place, values: number): SafeRule {
  const fields = place.object(["index", "name", "when"]);
  const when = fields.at("when").value;
  if (typeof when !== "boolean" && when !== "open" && when !== "closed") {
    throw fields.at("when").wrong('true, false, "open" or "closed"');
  }
  return {
    index: fields.at("index").number(0, values - 1),
    name: fields.at("name").text(64),
    when,
  };
}

/** A value with the way to it, so that a person finds what is wrong. */
class Place {
  readonly path: string;
  readonly value: unknown;

  constructor(path: string, value: unknown) {
    this.path = path;
    this.value = value;
  }

  get isMissing(): boolean {
    return this.value === undefined;
  }

  wrong(reason: string): GatewayError {
    return new GatewayError("CONFIG_INVALID", { at: this.path, reason });
  }

  object(keys: readonly string[]): this {
    const { value } = this;
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw this.wrong("an object is expected");
    }
    const unknown = Object.keys(value).find((key) => !keys.includes(key));
    if (unknown !== undefined) throw this.wrong(`unknown: ${unknown}`);
    return this;
  }

  at(key: string): Place {
    return new Place(`${this.path}/${key}`, (this.value as Json)[key]);
  }

  list(least: number, most: number): readonly Place[] {
    const { value } = this;
    if (!Array.isArray(value) || value.length < least || value.length > most) {
      throw this.wrong(`a list of ${least} to ${most} is expected`);
    }
    return value.map((element: unknown, at) => new Place(`${this.path}/${at}`, element));
  }

  text(most: number): string {
    const { value } = this;
    if (typeof value !== "string" || value.length === 0 || value.length > most) {
      throw this.wrong(`a text of 1 to ${most} characters is expected`);
    }
    return value;
  }

  number(least: number, most: number): number {
    const { value } = this;
    if (!Number.isInteger(value) || Number(value) < least || Number(value) > most) {
      throw this.wrong(`a whole number of ${least} to ${most} is expected`);
    }
    return Number(value);
  }
}
