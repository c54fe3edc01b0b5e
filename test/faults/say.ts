/** A measured figure, below the name of its test. */
export function say(text: string): void {
  process.stdout.write(`      ${text}\n`);
}
