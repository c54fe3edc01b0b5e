import { createRequire } from "node:module";
import type { Static, TSchema } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import type { Ajv, ErrorObject, Options, ValidateFunction } from "ajv";

/** What is wrong is told to a person: all of it, with the value and the schema that it breaks. */
const TELLING: Options = {
  allErrors: true,
  verbose: true,
  strict: true,
  strictTuples: false,
  strictTypes: false,
  allowUnionTypes: true,
  code: { optimize: false },
};

export type Formed<T> =
  | { readonly value: T }
  /** `filled`: with the defaults that could be put in all the same. */
  | { readonly errors: readonly ErrorObject[]; readonly filled: unknown };

/**
 * Looks at a document that is read once, at the start of a process. To compile a schema costs
 * hundreds of milliseconds, in which nobody holds the battery; so a sound document is only walked
 * along it, and the schema is compiled when there is something to explain.
 */
export class FormCheck<S extends TSchema> {
  readonly #schema: S;
  readonly #hasDefaults: boolean;
  #compiled: ValidateFunction<Static<S>> | undefined;

  constructor(schema: S, options: { readonly hasDefaults: boolean }) {
    this.#schema = schema;
    this.#hasDefaults = options.hasDefaults;
  }

  /** The document with its defaults, or everything that is wrong with the form of it. */
  look(document: unknown): Formed<Static<S>> {
    const walked: unknown = this.#hasDefaults ? filled(this.#schema, document) : document;
    if (Value.Check(this.#schema, walked)) return { value: walked };
    return this.explain(document);
  }

  /** As `look`, by the compiled schema, which has the last word. */
  explain(document: unknown): Formed<Static<S>> {
    this.#compiled ??= compilerOf(this.#hasDefaults).compile<Static<S>>(this.#schema);
    const validate = this.#compiled;
    if (validate(document)) return { value: document };
    return { errors: validate.errors ?? [], filled: document };
  }
}

interface Node {
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly patternProperties?: Readonly<Record<string, Node>>;
  readonly items?: Node | readonly Node[];
}

/** A copy with what the schema says of missing keys; a union has no defaults inside. */
function filled(node: Node, value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  const { items, properties = {}, patternProperties = {} } = node;
  if (Array.isArray(value)) {
    const ofEntry = (index: number): Node => (isList(items) ? items[index] : items) ?? {};
    return value.map((entry: unknown, index) => filled(ofEntry(index), entry));
  }
  const patterns = Object.entries(patternProperties);
  const nodeOf = (key: string): Node | undefined =>
    Object.hasOwn(properties, key)
      ? properties[key]
      : patterns.find(([pattern]) => new RegExp(pattern, "u").test(key))?.[1];
  const missing = Object.entries(properties).filter(
    ([key, inner]) => inner.default !== undefined && !Object.hasOwn(value, key),
  );
  // As entries: a key of the name __proto__ stays a key, and is found.
  return Object.fromEntries([
    ...Object.entries(value).map(([key, inner]) => [key, filled(nodeOf(key) ?? {}, inner)]),
    ...missing.map(([key, inner]) => [key, filled(inner, inner.default)]),
  ]);
}

function isList(items: Node["items"]): items is readonly Node[] {
  return Array.isArray(items);
}

/** Loaded with the first document that is not sound: that alone takes longer than the look. */
function compilerOf(useDefaults: boolean): Ajv {
  const require = createRequire(import.meta.url);
  const ajv = require("ajv") as typeof import("ajv");
  return new ajv.Ajv({ ...TELLING, useDefaults });
}
