import type { Variable } from "./variable.ts";

/** Variables that are read and reported together. */
export interface DataSet {
  /** `DCPIBESS1/LLN0$dsMeas` */
  readonly name: string;
  readonly members: readonly DataSetMember[];
}

export interface DataSetMember {
  readonly domain: string;
  readonly variable: Variable;
}

/** `DCPIBESS1/MMXU1$MX$TotW` */
export function referenceOf(member: DataSetMember): string {
  return `${member.domain}/${member.variable.item}`;
}
