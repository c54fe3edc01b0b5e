import { GatewayError } from "../../domain/errors.ts";
import type { Clock } from "../../domain/time.ts";
import type { Iec61850Facts, NodeTarget } from "../../profiles/binding-iec61850.ts";
import { BEHAVIOUR } from "../../wire/mms/gateway-quality.ts";
import { formatReference, type Reference } from "../../wire/mms/names.ts";
import { memberType, type TypeSpec } from "../../wire/mms/type-spec.ts";
import type { Association, CallTerms } from "./engine.ts";
import { nodeKey } from "./live-node.ts";
import { placeOfTarget } from "./device-model.ts";
import { scalarOf } from "./scalar.ts";

/** What was read so long ago is read anew before a command. */
const FRESH_MS = 1_500;
const HEALTH_ALARM = 3;
const COMMON_NODE = "LLN0";

/** Something that says whether a logical node may be believed and commanded. */
interface Sign {
  readonly reference: Reference;
  /** `LD/LN` of which it is said. */
  readonly node: string;
  readonly name: "Beh" | "Health" | "Loc" | "LocSta";
}

/**
 * Behaviour, health and place of control of the logical nodes that a profile uses: of each node
 * itself and, where it has none, of its logical device.
 */
export class NodeWatch {
  readonly #association: Association;
  readonly #clock: Clock;
  readonly #signs: readonly Sign[];
  readonly #values = new Map<string, number>();
  #readAt = Number.NEGATIVE_INFINITY;

  private constructor(association: Association, clock: Clock, signs: readonly Sign[]) {
    this.#association = association;
    this.#clock = clock;
    this.#signs = signs;
  }

  /** Finds what the device has of these signs. */
  static async find(
    parts: {
      readonly association: Association;
      readonly clock: Clock;
      readonly facts: Iec61850Facts;
      readonly types: ReadonlyMap<string, TypeSpec>;
    },
    terms: CallTerms,
  ): Promise<NodeWatch> {
    const { association, clock, facts, types } = parts;
    const known = new Map(types);
    const places = [
      ...[...facts.reads.values()].map(({ place }) => place),
      ...[...facts.writes.values()].map(({ target }) => placeOfTarget(target)),
    ];
    for (const { ld } of places) {
      const key = `${ld}/${COMMON_NODE}`;
      if (known.has(key)) continue;
      const whole = { ld, ln: COMMON_NODE, fc: undefined, path: [] };
      const type = await association.typeOf(whole, terms);
      if (type !== undefined) known.set(key, type);
    }
    const signs = new Map<string, Sign>();
    for (const place of places) {
      for (const ln of [place.ln, COMMON_NODE]) {
        for (const sign of signsOf({ ld: place.ld, ln }, known)) {
          signs.set(formatReference(sign.reference), sign);
        }
      }
    }
    return new NodeWatch(association, clock, [...signs.values()]);
  }

  /** Reads them all, in one request where the device allows it. */
  async read(terms: CallTerms): Promise<void> {
    if (this.#signs.length === 0) return;
    const references = this.#signs.map(({ reference }) => reference);
    const values = await this.#association.read(references, terms);
    for (const [at, sign] of this.#signs.entries()) {
      const value = values[at];
      const number = value === undefined ? Number.NaN : Number(scalarOf(value));
      const key = keyOf(sign.node, sign.name);
      if (Number.isNaN(number)) this.#values.delete(key);
      else this.#values.set(key, number);
    }
    this.#readAt = this.#clock.now();
  }

  /** Behaviour of a node, or of its device; undefined when nobody says it. @param node `LD/LN` */
  behaviourOf(node: string): number | undefined {
    return this.#of(node, "Beh");
  }

  /**
   * Why an object may not be commanded now; undefined when it may.
   * @see IEC 61850-7-4 (Beh, Health, Loc, LocSta)
   */
  async refusal(target: NodeTarget, terms: CallTerms): Promise<GatewayError | undefined> {
    if (this.#clock.now() - this.#readAt > FRESH_MS) await this.read(terms);
    const node = nodeKey(placeOfTarget(target));
    const behaviour = this.behaviourOf(node);
    if (behaviour !== undefined && behaviour !== BEHAVIOUR.on) {
      return refusedBy(node, "its behaviour is not on", behaviour);
    }
    if (this.#of(node, "Loc") === 1 || this.#of(node, "LocSta") === 1) {
      return refusedBy(node, "it is under local control", 1);
    }
    const health = this.#of(node, "Health");
    return health === HEALTH_ALARM ? refusedBy(node, "its health is alarm", health) : undefined;
  }

  #of(node: string, name: Sign["name"]): number | undefined {
    const common = `${node.slice(0, node.indexOf("/"))}/${COMMON_NODE}`;
    return this.#values.get(keyOf(node, name)) ?? this.#values.get(keyOf(common, name));
  }
}

function refusedBy(node: string, reason: string, value: number): GatewayError {
  return new GatewayError("REQUEST_REFUSED", { reason, node, value });
}

function signsOf(
  { ld, ln }: Pick<Reference, "ld" | "ln">,
  types: ReadonlyMap<string, TypeSpec>,
): readonly Sign[] {
  const node = nodeKey({ ld, ln });
  const type = types.get(node);
  if (type === undefined) return [];
  return (["Beh", "Health", "Loc", "LocSta"] as const).flatMap((name): Sign[] => {
    const path = [name, "stVal"];
    if (memberType(type, ["ST", ...path]) === undefined) return [];
    return [{ reference: { ld, ln, fc: "ST", path }, node, name }];
  });
}

function keyOf(node: string, name: string): string {
  return `${node}.${name}`;
}
