/** More letters than this part of the name are no slip of the hand. */
const SLIP_PART = 0.4;

/** The known name that was probably meant; undefined when none is near. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  let nearest: string | undefined;
  let least = Math.max(1, Math.floor(name.length * SLIP_PART));
  for (const candidate of known) {
    const distance = distanceOf(name, candidate);
    if (distance > least || (distance === least && nearest !== undefined)) continue;
    nearest = candidate;
    least = distance;
  }
  return nearest;
}

/** Letters to put in, take out or change until one name is the other (Levenshtein). */
function distanceOf(one: string, other: string): number {
  let before = Array.from({ length: other.length + 1 }, (_, place) => place);
  for (let row = 1; row <= one.length; row += 1) {
    const now = [row];
    for (let place = 1; place <= other.length; place += 1) {
      const change = (before[place - 1] ?? 0) + (one[row - 1] === other[place - 1] ? 0 : 1);
      now.push(Math.min(change, (before[place] ?? 0) + 1, (now[place - 1] ?? 0) + 1));
    }
    before = now;
  }
  return before[other.length] ?? 0;
}
