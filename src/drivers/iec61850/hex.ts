/** Octets as lower-case hexadecimal, to compare and to show. */
export function hexOf(bytes: Uint8Array): string {
  let text = "";
  for (const octet of bytes) text += octet.toString(16).padStart(2, "0");
  return text;
}
