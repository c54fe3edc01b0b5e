import type { XmlElement } from "./xml-reader.ts";

/** Looking into the elements of an SCL file. */

export function childrenOf(element: XmlElement | undefined, name: string): readonly XmlElement[] {
  return element?.children.filter((child) => child.name === name) ?? [];
}

export function childOf(element: XmlElement | undefined, name: string): XmlElement | undefined {
  return element?.children.find((child) => child.name === name);
}

/** An attribute; empty when it is not there. */
export function attributeOf({ attributes }: XmlElement, name: string): string {
  return attributes[name] ?? "";
}

/** `true` and `1` are true, `false` and `0` false; anything else is what is taken by default. */
export function flagOf(element: XmlElement | undefined, name: string, byDefault: boolean): boolean {
  const text = element?.attributes[name];
  if (text === "true" || text === "1") return true;
  return text === "false" || text === "0" ? false : byDefault;
}

/** A whole number, nought or more; undefined when the attribute is none. */
export function countOf(element: XmlElement | undefined, name: string): number | undefined {
  const text = element?.attributes[name];
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}

/** First value of an attribute or object: the one without a setting group, or of the first. */
export function valueIn(element: XmlElement): string | undefined {
  const values = childrenOf(element, "Val");
  const plain = values.find(({ attributes }) => attributes["sGroup"] === undefined);
  return (plain ?? values[0])?.text.trim();
}
