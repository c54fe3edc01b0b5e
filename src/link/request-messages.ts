import { type ErrorCode, ERRORS, GatewayError } from "../domain/errors.ts";
import { malformed } from "./byte-reader.ts";
import { HEADER_BYTES, MAGIC } from "./message-splitter.ts";
import { LINK_VERSION } from "./messages.ts";

/** Largest request, answer or push, header included. */
export const MAX_REQUEST_BYTES = 256 * 1024;

const REQUEST = 16;
const ANSWER = 17;
const PUSH = 18;
const CANCEL = 19;

/** A refusal or failure as it travels; becomes a `GatewayError` again on the other side. */
export interface SentError {
  readonly code: string;
  readonly context: Readonly<Record<string, unknown>>;
}

export type RequestMessage =
  | {
      readonly type: "request";
      readonly id: number;
      readonly method: string;
      readonly params: unknown;
    }
  | {
      readonly type: "answer";
      readonly id: number;
      readonly result?: unknown;
      readonly error?: SentError;
    }
  | { readonly type: "push"; readonly topic: string; readonly body: unknown }
  | { readonly type: "cancel"; readonly id: number };

const TYPE_CODES = { request: REQUEST, answer: ANSWER, push: PUSH, cancel: CANCEL } as const;

/** Undefined when the message is longer than `maxBytes`. */
export function encodeRequestMessage(
  message: RequestMessage,
  maxBytes: number,
): Uint8Array | undefined {
  const { type, ...body } = message;
  const json = JSON.stringify(body);
  const total = HEADER_BYTES + Buffer.byteLength(json);
  if (total > maxBytes) return undefined;
  const bytes = Buffer.alloc(total);
  bytes.writeUInt32LE(total - HEADER_BYTES, 0);
  bytes[4] = MAGIC;
  bytes[5] = LINK_VERSION;
  bytes[6] = TYPE_CODES[type];
  bytes.write(json, HEADER_BYTES);
  return bytes;
}

/** @throws GatewayError FRAME_MALFORMED */
export function decodeRequestMessage(bytes: Uint8Array): RequestMessage {
  const fields = parse(bytes.subarray(HEADER_BYTES));
  switch (bytes[6]) {
    case REQUEST:
      return {
        type: "request",
        id: idOf(fields),
        method: textOf(fields, "method"),
        params: fields["params"],
      };
    case ANSWER:
      return { type: "answer", id: idOf(fields), ...outcomeOf(fields) };
    case PUSH:
      return { type: "push", topic: textOf(fields, "topic"), body: fields["body"] };
    case CANCEL:
      return { type: "cancel", id: idOf(fields) };
    default:
      throw malformed("unknown message type");
  }
}

export function sentError(error: GatewayError): SentError {
  return { code: error.code, context: error.context };
}

/** The error on the side that asked; a code of a newer version counts as a refusal. */
export function receivedError({ code, context }: SentError): GatewayError {
  const facts: Record<string, string | number | boolean> = {};
  for (const [name, value] of Object.entries(context)) {
    if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") {
      facts[name] = value;
    }
  }
  return isErrorCode(code)
    ? new GatewayError(code, facts)
    : new GatewayError("REQUEST_REFUSED", { ...facts, code });
}

const UTF8 = new TextDecoder("utf-8", { fatal: true });

type Fields = Readonly<Record<string, unknown>>;

function parse(body: Uint8Array): Fields {
  let value: unknown;
  try {
    value = JSON.parse(UTF8.decode(body));
  } catch (cause) {
    throw new GatewayError("FRAME_MALFORMED", { reason: "not JSON" }, { cause });
  }
  if (!isFields(value)) throw malformed("not an object");
  return value;
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null;
}

function idOf(fields: Fields): number {
  const id = fields["id"];
  if (typeof id !== "number" || !Number.isSafeInteger(id)) throw malformed("id is not a count");
  return id;
}

function textOf(fields: Fields, name: string): string {
  const value = fields[name];
  if (typeof value !== "string") throw malformed(`${name} is not a text`);
  return value;
}

function outcomeOf(fields: Fields): { result?: unknown; error?: SentError } {
  const error = fields["error"];
  if (error === undefined) return { result: fields["result"] };
  if (!isFields(error)) throw malformed("error is not an object");
  const context = error["context"];
  if (!isFields(context)) throw malformed("context is not an object");
  return { error: { code: textOf(error, "code"), context } };
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERRORS, code);
}
