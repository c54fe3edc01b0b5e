import { SiteConfig } from "./schema.ts";

/** What the page reads of a JSON Schema. */
interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly const?: string;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly anyOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly patternProperties?: Readonly<Record<string, Schema>>;
}

interface Section {
  readonly path: string;
  readonly schema: Schema;
}

/** The ids that nearly every key is made of. */
const NAME_PATTERN = "^[a-z][a-z0-9-]{0,39}$";

const HEAD = [
  "# The site file",
  "",
  "Every key of `site.yaml`. This page is made of the schema that `config check` goes by:",
  "`./dcpi-gateway config schema --markdown > docs/site-file.md`.",
  "`./dcpi-gateway config sample` prints a file to begin with, `./dcpi-gateway config schema` the",
  "JSON Schema for an editor. Powers are in kW, energies in kWh, times in ms unless a key says",
  "otherwise. A *name* is made of small letters, digits and hyphens, begins with a letter and has",
  "at most 40 characters.",
];

/** The reference of the site file as Markdown: every key with unit, range, default and meaning. */
export function siteFilePage(): string {
  const sections: Section[] = [{ path: "", schema: SiteConfig }];
  const lines = [...HEAD];
  for (const section of sections) lines.push("", ...sectionLines(section, sections));
  return `${lines.join("\n")}\n`;
}

/** Sections below this one are put behind it, so that the page goes from the outside in. */
function sectionLines({ path, schema }: Section, sections: Section[]): string[] {
  const title = path === "" ? "The file" : `\`${path}\``;
  const below: Section[] = [];
  const rows = Object.entries(schema.properties ?? {}).map(([key, value]) => {
    const inner = objectsIn(path === "" ? key : `${path}.${key}`, value);
    below.push(...inner);
    const isNeeded = schema.required?.includes(key) === true && value.default === undefined;
    return row([
      `\`${key}\``,
      formOf(value, inner),
      defaultOf(value, isNeeded),
      meaningOf(value, inner).replaceAll("<", "&lt;"),
    ]);
  });
  const at = sections.findIndex((section) => section.schema === schema);
  sections.splice(at + 1, 0, ...below);
  const intro = path === "" || schema.description === undefined ? [] : [schema.description, ""];
  return [`## ${title}`, "", ...intro, row(HEADINGS), row(HEADINGS.map(() => "---")), ...rows];
}

const HEADINGS = ["key", "value", "without it", "meaning"] as const;

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}

/** The objects that a value holds, each with the path under which it has its own section. */
function objectsIn(path: string, schema: Schema): Section[] {
  if (schema.properties !== undefined) return [{ path, schema }];
  if (schema.items !== undefined) return objectsIn(`${path}[]`, schema.items);
  const [entry] = Object.values(schema.patternProperties ?? {});
  if (entry !== undefined) return objectsIn(`${path}.<name>`, entry);
  return (schema.anyOf ?? []).flatMap((form) =>
    objectsIn(`${path}: ${form.properties?.["protocol"]?.const ?? ""}`, form),
  );
}

function meaningOf(schema: Schema, inner: readonly Section[]): string {
  const within = schema.items ?? (inner.length === 1 ? inner[0]?.schema : undefined);
  return schema.description ?? within?.description ?? "";
}

function defaultOf({ default: value }: Schema, isNeeded: boolean): string {
  if (isNeeded) return "**needed**";
  if (value === undefined) return "—";
  return Array.isArray(value) && value.length === 0 ? "none" : `\`${JSON.stringify(value)}\``;
}

function formOf(schema: Schema, inner: readonly Section[]): string {
  const sections = inner.map(({ path }) => `[\`${path}\`](#${anchorOf(path)})`).join(", ");
  if (schema.items !== undefined) {
    const of = inner.length > 0 ? sections : `${formOf(schema.items, [])}s`;
    return `list of ${of}${countOf(schema)}`;
  }
  const [entry] = Object.values(schema.patternProperties ?? {});
  if (entry !== undefined) return `by name: ${inner.length > 0 ? sections : formOf(entry, [])}`;
  return inner.length > 0 ? sections : scalarOf(schema);
}

function scalarOf(schema: Schema): string {
  if (schema.anyOf !== undefined) return schema.anyOf.map((form) => scalarOf(form)).join(" or ");
  if (schema.const !== undefined) return `\`${schema.const}\``;
  switch (schema.type) {
    case "integer":
      return `whole number${rangeOf(schema)}`;
    case "number":
      return `number${rangeOf(schema)}`;
    case "boolean":
      return "`true` or `false`";
    default:
      if (schema.pattern === NAME_PATTERN) return "name";
      return schema.pattern === undefined ? "text" : `text like \`${schema.pattern}\``;
  }
}

function rangeOf({ minimum, exclusiveMinimum, maximum }: Schema): string {
  const least =
    minimum === undefined
      ? exclusiveMinimum === undefined
        ? undefined
        : `above ${grouped(exclusiveMinimum)}`
      : grouped(minimum);
  if (maximum === undefined) {
    if (least === undefined) return "";
    return minimum === undefined ? `, ${least}` : `, ${least} or more`;
  }
  return least === undefined
    ? `, at most ${grouped(maximum)}`
    : `, ${least} to ${grouped(maximum)}`;
}

function countOf({ minItems = 0, maxItems }: Schema): string {
  return maxItems === undefined ? "" : `, ${minItems} to ${grouped(maxItems)}`;
}

/** `86,400,000`, without asking the machine how its people write. */
function grouped(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** As the usual renderers make it of a heading. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^a-z0-9 -]/g, "")
    .replaceAll(" ", "-");
}
