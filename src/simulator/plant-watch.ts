import type { CoolingSnapshot } from "./cooling-half.ts";
import type { PlantSnapshot } from "./plant-snapshot.ts";

/** Tells in words what has changed from one snapshot of the plant to the next. */
export class PlantWatch {
  #words: ReadonlyMap<string, string> | undefined;

  /** The first call tells nothing: everything is as it is. */
  changes(snapshot: PlantSnapshot): readonly string[] {
    const words = wordsOf(snapshot);
    const before = this.#words;
    this.#words = words;
    if (before === undefined) return [];
    return [...words].flatMap(([what, word]) => {
      const was = before.get(what);
      return was === undefined || was === word ? [] : [`${what}: ${was} → ${word}`];
    });
  }
}

/** What is worth a line when it changes. */
function wordsOf(snapshot: PlantSnapshot): ReadonlyMap<string, string> {
  const words = new Map<string, string>([["grid", snapshot.voltageV > 0 ? "live" : "dead"]]);
  for (const { id, state, isReverting } of snapshot.bess) {
    words.set(id, isReverting ? `${state}, reverting to 0` : state);
  }
  for (const { id, mode } of snapshot.ups) words.set(id, mode);
  if (snapshot.cooling !== undefined) setCooling(words, snapshot.cooling);
  words.set("announced load", snapshot.announced?.load ?? "none");
  return words;
}

function setCooling(words: Map<string, string>, { cdu, chilledWater }: CoolingSnapshot): void {
  for (const { id, pumpsRunning, isLeaking } of cdu) {
    words.set(id, `${pumpsRunning} pumps${isLeaking ? ", leaking" : ""}`);
  }
  for (const { id, mode } of chilledWater.chillers) words.set(id, mode);
}
