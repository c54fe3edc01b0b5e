import type { TransformerParameters } from "./parameters.ts";

/** Loss of the 20/0.415 kV transformers that feed `loadW`, W. */
export function transformerLossW(parameters: TransformerParameters, loadW: number): number {
  const part = loadW / parameters.powerFactor / parameters.ratingVa;
  return parameters.noLoadLossW + parameters.loadLossAtRatingW * part * part;
}
