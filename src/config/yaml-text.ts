import { LineCounter, parseDocument } from "yaml";
import type { Problem } from "./problem.ts";

/** Longer than any file that a person wrote. */
const FILE_MAX_CHARACTERS = 4 * 1024 * 1024;

/** Content of a YAML text of any kind, or the first mistake of its syntax. */
export function parseYaml(
  text: string,
): { readonly content: unknown } | { readonly problem: Problem } {
  if (text.length > FILE_MAX_CHARACTERS) {
    const message = `a file has at most ${FILE_MAX_CHARACTERS} characters`;
    return { problem: { at: "", line: 1, column: 1, message } };
  }
  const lines = new LineCounter();
  const options = { lineCounter: lines, uniqueKeys: true, prettyErrors: false } as const;
  const document = parseDocument(text, options);
  const [error] = document.errors;
  if (error === undefined) return { content: document.toJS({ maxAliasCount: 100 }) };
  const { line, col } = lines.linePos(error.pos[0]);
  return { problem: { at: "", line, column: col, message: error.message } };
}
