/**
 * Context tags that a value and the description of its type share. A float differs: its
 * description is constructed.
 *
 * @see ISO 9506-2, productions Data and TypeDescription
 */
export const DATA_TAG = {
  array: 0xa1,
  structure: 0xa2,
  boolean: 0x83,
  bits: 0x84,
  integer: 0x85,
  unsigned: 0x86,
  octets: 0x89,
  text: 0x8a,
  "binary-time": 0x8c,
  unicode: 0x90,
  "utc-time": 0x91,
} as const;
