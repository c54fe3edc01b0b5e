import { type Scene, sceneOf } from "../../simulator/scenes.ts";
import { actAt, type StoryOrder } from "./story.ts";

/** What begins at a second: orders for the plant and the demonstration, and a line that says so. */
export interface Beginning {
  readonly line: string;
  readonly does: readonly StoryOrder[];
}

/**
 * What the demonstration plays: its story, one scene, or nothing. Asked at every picture what
 * begins now; a scene's own orders are played by the plant.
 */
export class Program {
  #playing: { readonly scene: Scene; readonly fromS: number } | undefined;
  #storyFromS = 0;
  #begun = "";
  readonly #isSteady: boolean;

  constructor(isSteady: boolean) {
    this.#isSteady = isSteady;
  }

  /** From `second` on the story plays from its beginning. */
  story(second: number): void {
    this.#playing = undefined;
    this.#storyFromS = second;
    this.#begun = "";
  }

  /** False: there is no such scene. */
  scene(number: number, second: number): boolean {
    const scene = sceneOf(number);
    if (scene === undefined) return false;
    this.#playing = { scene, fromS: second };
    this.#begun = "";
    return true;
  }

  begins(second: number): Beginning | undefined {
    const now = this.#now(second);
    if (now === undefined || now.name === this.#begun) return undefined;
    this.#begun = now.name;
    return now;
  }

  /** For the heading. */
  title(second: number): string {
    if (this.#playing === undefined)
      return this.#isSteady ? "steady load" : (actAt(second - this.#storyFromS)?.title ?? "");
    const { scene } = this.#playing;
    return `scene ${scene.number}  ${this.#isOver(second) ? "is over; 0 story" : scene.name}`;
  }

  #isOver(second: number): boolean {
    if (this.#playing === undefined) return false;
    const { scene, fromS } = this.#playing;
    return second - fromS >= lengthS(scene);
  }

  #now(second: number): (Beginning & { readonly name: string }) | undefined {
    if (this.#playing === undefined)
      return this.#isSteady ? undefined : actAt(second - this.#storyFromS);
    const { scene } = this.#playing;
    const said = `scene ${scene.number}: ${scene.title}`;
    if (this.#isOver(second)) return { name: "over", line: `${said}: is over`, does: [] };
    const waits =
      scene.waitsFor === undefined ? "" : ` (its full answer needs the ${scene.waitsFor})`;
    return { name: "scene", line: said + waits, does: [{ scene: scene.number }] };
  }
}

/** How long a scene takes on the clock, s. */
export function lengthS(scene: Scene): number {
  return scene.durationS / (scene.speed ?? 1);
}
