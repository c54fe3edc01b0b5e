import type { ErrorObject } from "ajv";
import { isNode, LineCounter, parseDocument, type Document } from "yaml";
import { GatewayError } from "../domain/errors.ts";
import { FormCheck } from "../profiles/form-check.ts";
import { checkSite, type Finding } from "./check.ts";
import { type Problem, problemLine } from "./problem.ts";
import { SiteConfig } from "./schema.ts";
import { repairSite } from "./stand-ins.ts";

/** Longer than any site file that a person wrote. */
const SITE_FILE_MAX_CHARACTERS = 4 * 1024 * 1024;

const SITE_FORM = new FormCheck(SiteConfig, { hasDefaults: true });

export type SiteResult =
  { readonly site: SiteConfig } | { readonly problems: readonly [Problem, ...Problem[]] };

/** A site file, with all that is wrong with it. */
export interface SiteReading {
  readonly problems: readonly Problem[];
  /**
   * With stand-ins for what has not its form where there are problems; undefined when nothing can
   * be said of its devices.
   */
  readonly site: SiteConfig | undefined;
  /** A problem that somebody else finds: `at` is a JSON pointer into the file. */
  readonly place: (at: string, message: string) => Problem;
}

/**
 * Turns the text of a site file into a configuration with all defaults, or into the full list of
 * what is wrong with it, each with its place. Reading the file is the caller's business.
 */
export function parseSite(text: string): SiteResult {
  const { site, problems } = readSite(text);
  if (isFilled(problems)) return { problems };
  return site === undefined ? { problems: [problemAtTop(NO_SITE)] } : { site };
}

const NO_SITE = "the file is not a site file";

/** As `parseSite`, for who has rules of his own to look at. */
export function readSite(text: string): SiteReading {
  const lines = new LineCounter();
  if (text.length > SITE_FILE_MAX_CHARACTERS) {
    const message = `a site file has at most ${SITE_FILE_MAX_CHARACTERS} characters`;
    return { problems: [problemAtTop(message)], site: undefined, place: problemAt };
  }
  const document = parseDocument(text, {
    lineCounter: lines,
    uniqueKeys: true,
    prettyErrors: false,
  });
  const place = (at: string, message: string): Problem => ({
    at,
    ...position(document, lines, at),
    message,
  });
  const syntax = document.errors.map((error) => {
    const { line, col } = lines.linePos(error.pos[0]);
    return { at: "", line, column: col, message: error.message };
  });
  if (isFilled(syntax)) return { problems: syntax, site: undefined, place };
  const raw: unknown = document.toJS({ maxAliasCount: 100 });
  const form = SITE_FORM.look(raw);
  const { site, findings } =
    "value" in form
      ? { site: form.value, findings: checkSite(form.value) }
      : lookAgain(form.filled, form.errors);
  const problems = findings.map(({ at, message }) => place(at, message));
  return { problems, site, place };
}

/** What the schema says, and the rules as far as the form of the file lets them be looked at. */
function lookAgain(
  raw: unknown,
  errors: readonly ErrorObject[],
): { readonly site: SiteConfig | undefined; readonly findings: readonly Finding[] } {
  const said = schemaProblems(errors);
  const findings = said.length > 0 ? said : [{ at: "", message: NO_SITE }];
  const repaired = repairSite(raw, errors);
  if (repaired === undefined) {
    const message = "more may follow once devices and connections have their form";
    return { site: undefined, findings: [...findings, { at: "", message }] };
  }
  const places = new Set(findings.map(({ at }) => at));
  const ruled = checkSite(repaired.site).filter(({ at }) => !places.has(at));
  const later = repaired.unlooked.map((section) => ({
    at: `/${section}`,
    message: `more may follow once ${section} has its form`,
  }));
  return { site: repaired.site, findings: [...findings, ...ruled, ...later] };
}

/**
 * For a process that cannot run without its configuration.
 *
 * @throws GatewayError CONFIG_INVALID with the number of problems and the first of them
 */
export function requireSite(text: string, file: string): SiteConfig {
  const result = parseSite(text);
  if ("site" in result) return result.site;
  throw new GatewayError("CONFIG_INVALID", {
    problems: result.problems.length,
    first: problemLine(file, result.problems[0]),
  });
}

function isFilled<T>(list: readonly T[]): list is readonly [T, ...T[]] {
  return list.length > 0;
}

function problemAtTop(message: string): Problem {
  return problemAt("", message);
}

function problemAt(at: string, message: string): Problem {
  return { at, line: 1, column: 1, message };
}

/** Where the value that `pointer` names, or the nearest thing around it, stands in the text. */
function position(
  document: Document,
  lines: LineCounter,
  pointer: string,
): { readonly line: number; readonly column: number } {
  const path = pointer.split("/").slice(1).map(unescapePointer);
  for (let depth = path.length; depth >= 0; depth -= 1) {
    const found: unknown =
      depth === 0 ? document.contents : document.getIn(path.slice(0, depth), true);
    if (isNode(found) && found.range !== undefined && found.range !== null) {
      const { line, col } = lines.linePos(found.range[0]);
      return { line, column: col };
    }
  }
  return { line: 1, column: 1 };
}

function unescapePointer(part: string): string | number {
  const text = part.replaceAll("~1", "/").replaceAll("~0", "~");
  return /^\d+$/.test(text) ? Number(text) : text;
}

/** A union fails once for each of its branches; one sentence is enough for a person. */
function schemaProblems(errors: readonly ErrorObject[]): { at: string; message: string }[] {
  const unions = errors.filter((error) => error.keyword === "anyOf").map((e) => e.instancePath);
  const seen = new Set<string>();
  const problems: { at: string; message: string }[] = [];
  for (const error of errors) {
    if (error.keyword !== "anyOf" && unions.some((at) => error.instancePath.startsWith(at)))
      continue;
    const problem = { at: error.instancePath, message: sentence(error) };
    const key = `${problem.at} ${problem.message}`;
    if (!seen.has(key)) problems.push(problem);
    seen.add(key);
  }
  return problems;
}

function sentence(error: ErrorObject): string {
  const name = error.instancePath === "" ? "the file" : error.instancePath.slice(1);
  const params = error.params as Readonly<Record<string, unknown>>;
  switch (error.keyword) {
    case "additionalProperties":
      return `${name} has no key "${String(params["additionalProperty"])}"`;
    case "required":
      return `${name} needs the key "${String(params["missingProperty"])}"`;
    case "anyOf":
      return `${name} is none of the forms that are allowed here: ${forms(error)}`;
    case "pattern":
      return `${name} must look like ${String(params["pattern"])}`;
    default:
      return `${name} ${error.message ?? `breaks the rule ${error.keyword}`}`;
  }
}

function forms(error: ErrorObject): string {
  const branches = error.schema as readonly { const?: unknown; description?: string }[];
  return branches
    .map((branch) => branch.description ?? String(branch.const))
    .join("; ")
    .slice(0, 300);
}
