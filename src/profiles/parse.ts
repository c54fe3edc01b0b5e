import type { ErrorObject } from "ajv";
import { pointerPart } from "../wire/json/reader.ts";
import { FormCheck } from "./form-check.ts";
import { parseJson } from "./json.ts";
import type { Position, Positions } from "./json.ts";
import { PROFILE_BYTES_MAX, PROFILE_SCHEMA } from "./schema.ts";
import type { Profile } from "./schema.ts";

/** One thing that is wrong with a profile, for its author. */
export interface ProfileProblem extends Position {
  /** JSON pointer of the value that the sentence is about. */
  readonly path: string;
  /** One plain sentence. */
  readonly message: string;
  /** Number of the lint rule that it breaks, where it is one. */
  readonly rule?: number;
}

export type ParseResult =
  | { readonly profile: Profile; readonly positions: Positions }
  | { readonly problems: readonly ProfileProblem[] };

const PROFILE_FORM = new FormCheck(PROFILE_SCHEMA, { hasDefaults: false });

/** Reads a profile from its JSON text, or says everything that is wrong with the form of it. */
export function parseProfile(text: string): ParseResult {
  if (text.length > PROFILE_BYTES_MAX || byteLength(text) > PROFILE_BYTES_MAX) {
    return problemAt("the file is larger than 256 KiB");
  }
  const json = parseJson(text);
  if ("problem" in json)
    return { problems: [{ ...json.position, path: "", message: json.problem }] };
  const { value, positions } = json;
  const form = PROFILE_FORM.look(value);
  if ("value" in form) return { profile: form.value, positions };
  const problems = sentencesOf(form.errors).map(({ path, message }) => ({
    ...locate(positions, path),
    path,
    message,
    rule: 1,
  }));
  return { problems };
}

/** Position of a value, or of the nearest thing around it that the file has. */
export function locate(positions: Positions, path: string): Position {
  for (let at = path; at !== ""; at = at.slice(0, at.lastIndexOf("/"))) {
    const position = positions.get(at);
    if (position !== undefined) return position;
  }
  return positions.get("") ?? { line: 1, column: 1 };
}

interface Sentence {
  readonly path: string;
  readonly message: string;
}

/**
 * One sentence per value: of the errors that a union gives for each of its forms, only those of the
 * form that the value comes closest to are worth reading.
 */
function sentencesOf(errors: readonly ErrorObject[]): readonly Sentence[] {
  const unions = errors.filter((error) => error.keyword === "anyOf");
  const sentences: Sentence[] = [];
  for (const error of errors) {
    const union = unions.find((candidate) => isBranchOf(error, candidate));
    if (union === undefined) sentences.push(sentenceOf(error, errors));
  }
  const unique = new Map(sentences.map((sentence) => [sentence.path + sentence.message, sentence]));
  return [...unique.values()];
}

function isBranchOf(error: ErrorObject, union: ErrorObject): boolean {
  return error !== union && error.schemaPath.startsWith(`${union.schemaPath}/`);
}

function sentenceOf(error: ErrorObject, all: readonly ErrorObject[]): Sentence {
  const path = error.instancePath;
  const params = error.params as Readonly<Record<string, unknown>>;
  const name = nameOf(path);
  switch (error.keyword) {
    case "additionalProperties": {
      const key = String(params["additionalProperty"]);
      return {
        path: path + pointerPart(key),
        message: `"${key}" is not a key of ${kindOf(error)}`,
      };
    }
    case "required":
      return { path, message: `${kindOf(error)} needs "${String(params["missingProperty"])}"` };
    case "enum":
    case "const":
      return { path, message: `${name} must be one of: ${allowedOf(error)}` };
    case "type":
      return { path, message: `${name} must be ${withArticle(String(params["type"]))}` };
    case "pattern":
      return { path, message: `${name} does not have the form of ${formOf(error)}` };
    case "anyOf":
      return unionSentence(error, all);
    default:
      return { path, message: `${name} ${error.message ?? "is not allowed"}` };
  }
}

/** An object that fits no form of a union is described by the form for objects. */
function unionSentence(union: ErrorObject, all: readonly ErrorObject[]): Sentence {
  const path = union.instancePath;
  const isObject = typeof union.data === "object" && union.data !== null;
  const inside = all.find(
    (error) =>
      isBranchOf(error, union) &&
      (error.instancePath.length > path.length ||
        (isObject && ["additionalProperties", "required"].includes(error.keyword))),
  );
  if (inside !== undefined && inside.keyword !== "anyOf") return sentenceOf(inside, all);
  const forms = (union.schema as readonly SchemaForm[]).map(formName);
  return { path, message: `${nameOf(path)} must be ${forms.join(" or ")}` };
}

interface SchemaForm {
  readonly title?: string;
  readonly type?: string;
  readonly const?: unknown;
}

function formName(form: SchemaForm): string {
  if (form.title !== undefined) return form.title;
  if (form.const !== undefined) return JSON.stringify(form.const);
  return withArticle(form.type ?? "value");
}

function kindOf(error: ErrorObject): string {
  return (error.parentSchema as SchemaForm | undefined)?.title ?? "this object";
}

function formOf(error: ErrorObject): string {
  return (error.parentSchema as SchemaForm | undefined)?.title ?? String(error.params["pattern"]);
}

function allowedOf(error: ErrorObject): string {
  const { allowedValues, allowedValue } = error.params as {
    readonly allowedValues?: readonly unknown[];
    readonly allowedValue?: unknown;
  };
  return (allowedValues ?? [allowedValue]).map((value) => String(value)).join(", ");
}

function nameOf(path: string): string {
  const part = path
    .slice(path.lastIndexOf("/") + 1)
    .replaceAll("~1", "/")
    .replaceAll("~0", "~");
  if (part === "") return "the file";
  return /^[0-9]+$/.test(part) ? `entry ${part}` : `"${part}"`;
}

function withArticle(type: string): string {
  return /^[aeiou]/.test(type) ? `an ${type}` : `a ${type}`;
}

function problemAt(message: string): ParseResult {
  return { problems: [{ line: 1, column: 1, path: "", message }] };
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}
