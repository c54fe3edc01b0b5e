import { FUNCTIONAL_CONSTRAINTS, type FunctionalConstraint } from "../wire/mms/names.ts";
import { attributeOf, childrenOf, countOf, flagOf, valueIn } from "./elements.ts";
import type { SclAttribute, SclObject, SclTrigger } from "./model.ts";
import type { SclFindings } from "./problem.ts";
import type { XmlElement } from "./xml-reader.ts";

/** How deep types may lie in one another; the standard's own go to six. */
const TYPE_DEPTH_MAX = 12;
/** Values of one logical node: beyond, types that contain types make a bomb of a small file. */
const NODE_VALUES_MAX = 50_000;

/** A type that was made, and how many values it stands for. */
export interface Sized<T> {
  readonly made: T;
  readonly size: number;
}

const CONSTRAINTS: ReadonlySet<string> = new Set(FUNCTIONAL_CONSTRAINTS);

/**
 * The data type templates of a file. Each type is made once and shared by all that have it.
 *
 * @see IEC 61850-6, section 9.5 (data type templates)
 */
export class Templates {
  readonly #findings: SclFindings;
  readonly #nodeTypes: ReadonlyMap<string, XmlElement>;
  readonly #objectTypes: ReadonlyMap<string, XmlElement>;
  readonly #attributeTypes: ReadonlyMap<string, XmlElement>;
  readonly #enumTypes: ReadonlyMap<string, XmlElement>;
  readonly #nodes = new Map<string, Sized<readonly SclObject[]> | undefined>();
  readonly #objects = new Map<string, Sized<Omit<SclObject, "name">>>();
  readonly #structures = new Map<string, Sized<readonly SclAttribute[]>>();
  readonly #words = new Map<string, ReadonlyMap<number, string>>();
  /** Types that are being made: one that meets itself has no end. */
  readonly #underWay: string[] = [];

  constructor(section: XmlElement | undefined, findings: SclFindings) {
    this.#findings = findings;
    this.#nodeTypes = this.#byId(section, "LNodeType");
    this.#objectTypes = this.#byId(section, "DOType");
    this.#attributeTypes = this.#byId(section, "DAType");
    this.#enumTypes = this.#byId(section, "EnumType");
  }

  /** Data objects of a logical node's type; undefined, and told, when it cannot be made. */
  objectsOf(node: XmlElement): Sized<readonly SclObject[]> | undefined {
    const id = attributeOf(node, "lnType");
    if (this.#nodes.has(id)) return this.#nodes.get(id);
    const type = this.#nodeTypes.get(id);
    if (type === undefined) {
      const named = id === "" ? "has no lnType" : `has the lnType "${id}", which is no LNodeType`;
      this.#findings.problem(node, `this logical node ${named} of DataTypeTemplates`);
      return undefined;
    }
    const objects = childrenOf(type, "DO").map((element) => this.#object(element));
    const size = sizeOf(objects);
    const isSmall = size <= NODE_VALUES_MAX;
    if (!isSmall) {
      const message = `LNodeType "${id}" has more than ${NODE_VALUES_MAX} values`;
      this.#findings.problem(type, message);
    }
    const made = isSmall ? { made: objects.map((object) => object.made), size } : undefined;
    this.#nodes.set(id, made);
    return made;
  }

  #byId(section: XmlElement | undefined, name: string): ReadonlyMap<string, XmlElement> {
    const types = new Map<string, XmlElement>();
    for (const element of childrenOf(section, name)) {
      const id = attributeOf(element, "id");
      if (types.has(id)) {
        const message = `there are two ${name} "${id}"; the first one is taken`;
        this.#findings.warning(element, message);
      } else types.set(id, element);
    }
    return types;
  }

  #object(element: XmlElement): Sized<SclObject> {
    const name = attributeOf(element, "name");
    const id = attributeOf(element, "type");
    const { made, size } = this.#objectType(element, id);
    return { made: { name, ...made }, size };
  }

  #objectType(user: XmlElement, id: string): Sized<Omit<SclObject, "name">> {
    const known = this.#objects.get(id);
    if (known !== undefined) return known;
    const type = this.#objectTypes.get(id);
    const nothing = { made: { cdc: "", parts: [], attributes: [] }, size: 0 };
    if (!this.#mayEnter(user, type, `DOType "${id}"`)) return nothing;
    const parts = childrenOf(type, "SDO").map((part) => this.#object(part));
    const attributes = childrenOf(type, "DA").map((part) => this.#attribute(part, true));
    this.#underWay.pop();
    const sized = {
      made: {
        cdc: type === undefined ? "" : attributeOf(type, "cdc"),
        parts: parts.map(({ made }) => made),
        attributes: attributes.flatMap(({ made }) => made),
      },
      size: sizeOf(parts) + sizeOf(attributes),
    };
    this.#objects.set(id, sized);
    return sized;
  }

  /** False, and told, for a type that is not there, or that contains itself. */
  #mayEnter(user: XmlElement, type: XmlElement | undefined, what: string): boolean {
    if (type === undefined) {
      const message = `"${attributeOf(user, "name")}" has ${what}, which is not there`;
      this.#findings.problem(user, message);
      return false;
    }
    if (this.#underWay.includes(what)) {
      this.#findings.problem(user, `${what} contains itself`);
      return false;
    }
    if (this.#underWay.length >= TYPE_DEPTH_MAX) {
      this.#findings.problem(user, `types lie more than ${TYPE_DEPTH_MAX} deep in one another`);
      return false;
    }
    this.#underWay.push(what);
    return true;
  }

  #attribute(element: XmlElement, isTop: boolean): Sized<readonly SclAttribute[]> {
    const name = attributeOf(element, "name");
    const fc = attributeOf(element, "fc");
    if (isTop && !isConstraint(fc)) {
      const message = `"${name}" has the functional constraint "${fc}", which there is not`;
      this.#findings.problem(element, message);
      return { made: [], size: 0 };
    }
    const bType = attributeOf(element, "bType");
    const id = attributeOf(element, "type");
    const members: Sized<readonly SclAttribute[]> =
      bType === "Struct" ? this.#structure(element, id) : { made: [], size: 1 };
    const attribute: SclAttribute = {
      name,
      fc: isTop && isConstraint(fc) ? fc : undefined,
      bType,
      count: countOf(element, "count"),
      members: members.made,
      words: bType === "Enum" ? this.#wordsOf(element, id) : undefined,
      value: valueIn(element),
      trigger: triggerOf(element),
    };
    return { made: [attribute], size: members.size };
  }

  #structure(user: XmlElement, id: string): Sized<readonly SclAttribute[]> {
    const known = this.#structures.get(id);
    if (known !== undefined) return known;
    const type = this.#attributeTypes.get(id);
    if (!this.#mayEnter(user, type, `DAType "${id}"`)) return { made: [], size: 0 };
    const members = childrenOf(type, "BDA").map((part) => this.#attribute(part, false));
    this.#underWay.pop();
    const sized = { made: members.flatMap(({ made }) => made), size: sizeOf(members) };
    this.#structures.set(id, sized);
    return sized;
  }

  #wordsOf(user: XmlElement, id: string): ReadonlyMap<number, string> {
    const known = this.#words.get(id);
    if (known !== undefined) return known;
    const type = this.#enumTypes.get(id);
    if (type === undefined) {
      const name = attributeOf(user, "name");
      this.#findings.warning(user, `"${name}" has EnumType "${id}", which is not there`);
    }
    const words = new Map<number, string>();
    for (const element of childrenOf(type, "EnumVal")) {
      const ord = Number(attributeOf(element, "ord"));
      if (Number.isInteger(ord)) words.set(ord, element.text.trim());
    }
    this.#words.set(id, words);
    return words;
  }
}

/** Saturates: what is too large stays too large, however often it is added. */
function sizeOf(parts: readonly { readonly size: number }[]): number {
  return Math.min(
    Number.MAX_SAFE_INTEGER / 2,
    parts.reduce((sum, { size }) => sum + size, 0),
  );
}

export function isConstraint(text: string): text is FunctionalConstraint {
  return CONSTRAINTS.has(text);
}

function triggerOf(element: XmlElement): SclTrigger {
  if (flagOf(element, "dchg", false)) return "data-change";
  if (flagOf(element, "qchg", false)) return "quality-change";
  return flagOf(element, "dupd", false) ? "data-update" : "none";
}
