/** One thing about an SCL file, said to the person who has it. */
export interface SclProblem {
  /** From 1; 0 where it is about the file as a whole. */
  readonly line: number;
  readonly column: number;
  /** One sentence: what is wrong and what would be right. */
  readonly message: string;
}

/** Where something stands in the file. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

export const NOWHERE: Place = { line: 0, column: 0 };

/** More of one kind are counted, not listed. */
const LISTED_MAX = 50;

/** What is wrong, and what is only odd, while a file is read. */
export class SclFindings {
  readonly problems: SclProblem[] = [];
  readonly warnings: SclProblem[] = [];
  /** Found beyond what is listed. */
  unlisted = 0;

  problem({ line, column }: Place, message: string): void {
    this.#add(this.problems, { line, column, message });
  }

  warning({ line, column }: Place, message: string): void {
    this.#add(this.warnings, { line, column, message });
  }

  #add(list: SclProblem[], problem: SclProblem): void {
    if (list.length < LISTED_MAX) list.push(problem);
    else this.unlisted += 1;
  }
}
