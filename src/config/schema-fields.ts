import { type TObject, type TProperties, Type } from "@sinclair/typebox";

export const closed = <T extends TProperties>(properties: T, description: string): TObject<T> =>
  Type.Object(properties, { additionalProperties: false, description });

export const Name = (description: string) =>
  Type.String({ pattern: "^[a-z][a-z0-9-]{0,39}$", description });

export const Milliseconds = (
  minimum: number,
  maximum: number,
  value: number,
  description: string,
) => Type.Integer({ minimum, maximum, default: value, description: `${description}, ms.` });

export const Percent = (value: number, description: string) =>
  Type.Number({ minimum: 0, maximum: 100, default: value, description: `${description}, %.` });
