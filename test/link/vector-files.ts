import { readFileSync } from "node:fs";

/** Bytes of a vector file: hex digits, anything behind `#` is for the reader. */
export function vector(name: string): Uint8Array {
  const text = readFileSync(`test/vectors/link/${name}.hex`, "utf8");
  const digits = text
    .split("\n")
    .map((line) => line.replace(/#.*/, "").trim())
    .join("");
  return new Uint8Array(Buffer.from(digits, "hex"));
}
