import { nextNormal, nextUniform, randomState } from "../../../../src/simulator/physics/random.ts";
import type { Rig } from "./rig.ts";

export interface Range {
  readonly lowW: number;
  readonly highW: number;
  readonly rampWPerS: number;
}

type Tactic = (rig: Rig, elapsedS: number) => number;

/**
 * A load that stays inside its range and wants the battery empty or full: it sees the state of the
 * battery and the reference, and changes its tactic at random.
 */
export class Adversary {
  readonly #range: Range;
  readonly #random;
  #tactic: Tactic;
  #untilMs = 0;
  #loadW: number;

  constructor(range: Range, seed: number) {
    this.#range = range;
    this.#random = randomState(seed);
    this.#loadW = range.lowW + (range.highW - range.lowW) * nextUniform(this.#random);
    this.#tactic = () => this.#loadW;
  }

  next(rig: Rig): number {
    if (rig.atMs >= this.#untilMs) this.#choose(rig.atMs);
    const { lowW, highW } = this.#range;
    const wantedW = this.#tactic(rig, rig.settings.stepMs / 1_000);
    this.#loadW = Math.min(Math.max(wantedW, lowW), highW);
    return this.#loadW;
  }

  #choose(atMs: number): void {
    const { lowW, highW, rampWPerS } = this.#range;
    const rangeW = highW - lowW;
    const crossS = rangeW / rampWPerS;
    const random = this.#random;
    const uniform = (): number => nextUniform(random);
    this.#untilMs = atMs + 1_000 * crossS * (0.1 + 3 * uniform());
    const speed = rampWPerS * (0.3 + uniform());
    const hz = 0.05 + 4 * uniform();
    const level = lowW + rangeW * uniform();
    const wait = 0.02 + 0.5 * uniform();
    let away = uniform() < 0.5;
    const tactics: readonly Tactic[] = [
      () => highW,
      () => lowW,
      () => level,
      // Slowly the one way, so that the reference comes along, then back in one step.
      (_rig, s) => (this.#loadW - speed * s < lowW ? highW : this.#loadW - speed * s),
      (_rig, s) => (this.#loadW + speed * s > highW ? lowW : this.#loadW + speed * s),
      ({ atMs: now }) => (((now / 1_000) * hz) % 1 < 0.5 ? lowW : highW),
      (_rig, s) => this.#loadW + 10 * rampWPerS * Math.sqrt(s) * nextNormal(random),
      () => (uniform() < 0.1 ? lowW + rangeW * uniform() : this.#loadW),
      // Whatever is worse for the battery as it is now.
      (rig) => (rig.storedJ < rig.settings.usableJ / 2 ? highW : lowW),
      // Waits until the reference is at the far end, then steps over.
      ({ controller: { referenceW } }) => {
        if (referenceW < lowW + wait * rangeW) away = true;
        if (referenceW > highW - wait * rangeW) away = false;
        return away ? highW : lowW;
      },
    ];
    this.#tactic = tactics[Math.floor(uniform() * tactics.length)] ?? (() => level);
  }
}
