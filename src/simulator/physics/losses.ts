import type { TransformerParameters, UpsParameters } from "./parameters.ts";

/** Loss of the 20/0.415 kV transformers that feed `loadW`, W. */
export function transformerLossW(parameters: TransformerParameters, loadW: number): number {
  const part = loadW / parameters.powerFactor / parameters.ratingVa;
  return parameters.noLoadLossW + parameters.loadLossAtRatingW * part * part;
}

/** Loss of all UPS units while they share `outputW`, W. */
export function upsLossW(parameters: UpsParameters, outputW: number): number {
  const eachW = outputW / parameters.units;
  const lossW =
    parameters.lossConstant * parameters.ratingW +
    parameters.lossLinear * eachW +
    (parameters.lossQuadratic * eachW * eachW) / parameters.ratingW;
  return lossW * parameters.units;
}
