/** One thing wrong with a file, said to the person who wrote the file. */
export interface Problem {
  /** JSON pointer to the offending value: `/devices/3/unit`. */
  readonly at: string;
  /** From 1; 0 where the file has no such place. */
  readonly line: number;
  readonly column: number;
  /** One sentence: what is wrong and what would be right. */
  readonly message: string;
}

/** `file:line:column: sentence`, as compilers print it and editors open it. */
export function problemLine(file: string, problem: Problem): string {
  return `${file}:${problem.line}:${problem.column}: ${problem.message}`;
}
