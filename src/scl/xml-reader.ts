import { SaxesParser, type SaxesTagNS } from "saxes";
import type { Place, SclProblem } from "./problem.ts";

/**
 * XML text to a tree of SCL elements, within limits: what a hostile or broken file can cost is
 * bounded before it is understood.
 */

/** Namespace of SCL, of all editions. @see IEC 61850-6, section 8 */
export const SCL_NAMESPACE = "http://www.iec.ch/61850/2003/SCL";

/** Largest file, octets; the files of whole substations that are known have a third of it. */
export const SCL_BYTES_MAX = 64 * 1024 * 1024;
const ELEMENTS_MAX = 2_000_000;
const DEPTH_MAX = 64;
const ATTRIBUTES_MAX = 64;
/** Longest text of an element that is kept, characters. */
const TEXT_MAX = 4_096;
/** Elements whose text is looked at. */
const TEXTUAL: ReadonlySet<string> = new Set(["Val", "P", "EnumVal"]);

export interface XmlElement extends Place {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly XmlElement[];
  /** Of `Val`, `EnumVal` and `P`; empty for all others. */
  readonly text: string;
}

interface OpenElement extends Place {
  readonly name: string;
  readonly attributes: Record<string, string>;
  readonly children: OpenElement[];
  text: string;
}

export type XmlResult = { readonly root: XmlElement } | { readonly problem: SclProblem };

/** Ends the parser from within. */
class Stop extends Error {
  readonly problem: SclProblem;

  constructor(problem: SclProblem) {
    super(problem.message);
    this.problem = problem;
  }
}

/** Takes a file piece by piece; after the first problem it takes nothing any more. */
export class SclXmlReader {
  readonly #parser = new SaxesParser({ xmlns: true, position: true });
  readonly #open: OpenElement[] = [];
  #root: OpenElement | undefined;
  #problem: SclProblem | undefined;
  #elements = 0;
  #depth = 0;
  /** Depth of an element of another namespace, or `Private`: what is in it is not ours. */
  #foreignDepth: number | undefined;
  #start: Place = { line: 1, column: 1 };
  #attributes = 0;

  constructor() {
    const parser = this.#parser;
    parser.on("opentagstart", (tag) => {
      this.#enter(tag.name);
    });
    parser.on("attribute", () => {
      this.#attributes += 1;
      if (this.#attributes > ATTRIBUTES_MAX) this.#stop("an element has too many attributes");
    });
    parser.on("opentag", (tag) => {
      this.#begin(tag);
    });
    parser.on("text", (text) => {
      this.#text(text);
    });
    parser.on("cdata", (text) => {
      this.#text(text);
    });
    parser.on("closetag", () => {
      this.#end();
    });
    parser.on("doctype", () => {
      this.#stop("an SCL file has no document type (<!DOCTYPE>): take it out, it is not read");
    });
    parser.on("error", ({ message }) => {
      this.#stop(`this is no XML: ${plain(message)}`);
    });
  }

  /** @returns false when the rest of the file does not matter any more */
  push(text: string): boolean {
    if (this.#problem !== undefined) return false;
    return this.#guarded(() => {
      this.#parser.write(text);
    });
  }

  finish(): XmlResult {
    this.#guarded(() => {
      this.#parser.close();
    });
    if (this.#problem !== undefined) return { problem: this.#problem };
    if (this.#root === undefined) return { problem: this.#here("there is no SCL element in it") };
    return { root: this.#root };
  }

  #guarded(step: () => void): boolean {
    if (this.#problem !== undefined) return false;
    try {
      step();
      return true;
    } catch (error) {
      if (!(error instanceof Stop)) throw error;
      this.#problem = error.problem;
      return false;
    }
  }

  /** Called with the name alone: a file that never ends its tag is stopped all the same. */
  #enter(name: string): void {
    const { line, column } = this.#parser;
    // The character behind the name was read as well: after a line's end only the line is known.
    const isBehindEnd = column === 0;
    this.#start = isBehindEnd
      ? { line: line - 1, column: 1 }
      : { line, column: Math.max(1, column - name.length - 1) };
    this.#attributes = 0;
    this.#elements += 1;
    if (this.#elements > ELEMENTS_MAX)
      this.#stop(`the file has more than ${ELEMENTS_MAX} elements`);
    this.#depth += 1;
    if (this.#depth > DEPTH_MAX) this.#stop(`elements lie more than ${DEPTH_MAX} deep`);
  }

  #begin(tag: SaxesTagNS): void {
    if (this.#depth === 1) this.#checkRoot(tag);
    if (this.#foreignDepth !== undefined) return;
    if (tag.uri !== SCL_NAMESPACE || tag.local === "Private") {
      this.#foreignDepth = this.#depth;
      return;
    }
    const attributes: Record<string, string> = Object.create(null) as Record<string, string>;
    for (const { prefix, local, value } of Object.values(tag.attributes)) {
      if (prefix === "") attributes[local] = value;
    }
    const element: OpenElement = {
      name: tag.local,
      attributes,
      children: [],
      text: "",
      ...this.#start,
    };
    this.#open.at(-1)?.children.push(element);
    this.#open.push(element);
    this.#root ??= element;
  }

  #checkRoot(tag: SaxesTagNS): void {
    if (tag.local !== "SCL") {
      this.#stop(`the file begins with <${tag.name}>, and an SCL file with <SCL>`);
    }
    if (tag.uri !== SCL_NAMESPACE) {
      this.#stop(`<SCL> is not in the namespace of SCL: it needs xmlns="${SCL_NAMESPACE}"`);
    }
  }

  #text(text: string): void {
    const element = this.#open.at(-1);
    if (this.#foreignDepth !== undefined || element === undefined) return;
    if (!TEXTUAL.has(element.name)) return;
    element.text += text;
    if (element.text.length > TEXT_MAX) this.#stop(`the text of <${element.name}> is too long`);
  }

  #end(): void {
    if (this.#foreignDepth === undefined) this.#open.pop();
    else if (this.#foreignDepth === this.#depth) this.#foreignDepth = undefined;
    this.#depth -= 1;
  }

  #here(message: string): SclProblem {
    const { line, column } = this.#parser;
    return { line, column: column + 1, message };
  }

  #stop(message: string): never {
    throw new Stop(this.#here(message));
  }
}

/** The parser's sentence without its own line and column in front, or a full stop behind. */
function plain(message: string): string {
  return message.replace(/^\d+:\d+: /, "").replace(/\.$/, "");
}
