import type { Scene, SceneStep } from "./scenes.ts";

/** Plays the steps of a scene, or of a list of timed orders, in the plant's own time. */
export class ScenePlayer {
  readonly #steps: readonly SceneStep[];
  readonly #startS: number;
  readonly #endS: number;
  #next = 0;

  /**
   * @param startS time of the plant at which the scene begins
   * @param durationS Infinity: it goes on until somebody ends it
   */
  constructor(steps: readonly SceneStep[], startS: number, durationS = Infinity) {
    this.#steps = [...steps].sort((a, b) => a.atS - b.atS);
    this.#startS = startS;
    this.#endS = startS + durationS;
  }

  static of(scene: Scene, startS: number): ScenePlayer {
    return new ScenePlayer(scene.orders, startS, scene.durationS);
  }

  /** The next step that is due at `timeS`, once; undefined: none is left until later. */
  take(timeS: number): SceneStep | undefined {
    const step = this.#steps[this.#next];
    if (step === undefined || timeS < this.#startS + step.atS - TINY_S) return undefined;
    this.#next += 1;
    return step;
  }

  isOver(timeS: number): boolean {
    return timeS >= this.#endS - TINY_S;
  }
}

const TINY_S = 1e-6;
