import {
  type TInteger,
  type TNumber,
  type TObject,
  type TProperties,
  type TString,
  Type,
} from "@sinclair/typebox";

/** A map of these keys and no others, with what it is about. */
export const closed = <T extends TProperties>(properties: T, description: string): TObject<T> =>
  Type.Object(properties, { additionalProperties: false, description });

/** A name of the site file. */
export const Name = (description: string): TString =>
  Type.String({ pattern: "^[a-z][a-z0-9-]{0,39}$", description });

/** A time with its bounds and its default. */
export const Milliseconds = (
  minimum: number,
  maximum: number,
  value: number,
  description: string,
): TInteger =>
  Type.Integer({ minimum, maximum, default: value, description: `${description}, ms.` });

/** A share with its default. */
export const Percent = (value: number, description: string): TNumber =>
  Type.Number({ minimum: 0, maximum: 100, default: value, description: `${description}, %.` });
