import { type TObject, type TProperties, Type } from "@sinclair/typebox";

/** A map of these keys and no others, with what it is about. */
export const closed = <T extends TProperties>(properties: T, description: string): TObject<T> =>
  Type.Object(properties, { additionalProperties: false, description });
