/**
 * A seeded stream of random numbers that is part of the plant's state, so that a seed gives the
 * same run on every machine. Not for secrets.
 *
 * The generator is SplitMix32 (a Weyl sequence through a 32-bit mixer).
 */
export interface RandomState {
  word: number;
  /** The polar method makes two normal numbers at once; NaN: none is left. */
  spareNormal: number;
}

export function randomState(seed: number): RandomState {
  return { word: seed >>> 0, spareNormal: Number.NaN };
}

/** Uniform in [0, 1). */
export function nextUniform(state: RandomState): number {
  state.word = (state.word + 0x9e3779b9) >>> 0;
  let mixed = state.word;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
  return ((mixed ^ (mixed >>> 15)) >>> 0) / 0x1_0000_0000;
}

/** Normal with mean 0 and standard deviation 1 (Box and Muller). */
export function nextNormal(state: RandomState): number {
  if (!Number.isNaN(state.spareNormal)) {
    const spare = state.spareNormal;
    state.spareNormal = Number.NaN;
    return spare;
  }
  const radius = Math.sqrt(-2 * Math.log(1 - nextUniform(state)));
  const angle = 2 * Math.PI * nextUniform(state);
  state.spareNormal = radius * Math.sin(angle);
  return radius * Math.cos(angle);
}
