import type { RegisterTable } from "../wire/modbus/registers.ts";
import type { ModbusFacts } from "../profiles/binding.ts";
import {
  encodeBits,
  encodeException,
  encodeIdentification,
  encodeRegisters,
  encodeWritten,
  EXCEPTION,
  type MaskRequest,
  type ModbusRequest,
  type ReadRequest,
  type WriteRequest,
} from "../wire/modbus/server-codec.ts";

/** What a device lets the protocol see of it. */
export interface AnswerSource {
  readonly facts: ModbusFacts;
  /** Vendor, product and revision for FC 43/14. */
  readonly identification: readonly string[];
  view(unit: number, table: RegisterTable, address: number, count: number): Uint8Array | undefined;
  /** Does a write; 0, or the exception it deserves. */
  write(unit: number, place: WritePlace, values: readonly number[]): number;
}

export interface WritePlace {
  readonly table: "coil" | "holding";
  readonly address: number;
}

/** Where an answer goes and for whom it is. */
export interface AnswerPlace {
  readonly target: Uint8Array;
  readonly at: number;
  readonly unit: number;
}

/** Writes the PDU that answers `request` and returns its end. */
export function answer(
  source: AnswerSource,
  request: ModbusRequest,
  { target, at, unit }: AnswerPlace,
): number {
  const exception = exceptionOf(source.facts, request);
  if (exception !== 0) return encodeException(target, at, request.function, exception);
  switch (request.kind) {
    case "read":
      return answerRead(source, request, { target, at, unit });
    case "write":
      return answerWrite(source, request, { target, at, unit });
    case "mask":
      return answerMask(source, request, { target, at, unit });
    case "identify":
      return (
        encodeIdentification(target, at, request, source.identification) ??
        encodeException(target, at, request.function, EXCEPTION.illegalAddress)
      );
    case "refused":
      return encodeException(target, at, request.function, request.exception);
  }
}

/** Exception that the device's own limits ask for; 0 for none. */
function exceptionOf(facts: ModbusFacts, request: ModbusRequest): number {
  if (request.kind === "refused" || request.kind === "identify") return 0;
  if (facts.functions?.has(request.function) === false) return EXCEPTION.illegalFunction;
  switch (request.kind) {
    case "read": {
      const most = request.function <= 2 ? facts.maxReadBits : facts.maxRead;
      return request.count > most ? EXCEPTION.illegalValue : 0;
    }
    case "write":
      return request.values.length > facts.maxWrite ? EXCEPTION.illegalValue : 0;
    case "mask":
      return 0;
  }
}

function answerRead(source: AnswerSource, request: ReadRequest, place: AnswerPlace): number {
  const { target, at, unit } = place;
  const view = source.view(unit, request.table, request.address, request.count);
  if (view === undefined) {
    return encodeException(target, at, request.function, EXCEPTION.illegalAddress);
  }
  return request.function === 1 || request.function === 2
    ? encodeBits(target, at, request.function, view)
    : encodeRegisters(target, at, request.function, view);
}

function answerWrite(source: AnswerSource, request: WriteRequest, place: AnswerPlace): number {
  const { target, at, unit } = place;
  const exception = source.write(unit, request, request.values);
  return exception === 0
    ? encodeWritten(target, at, request)
    : encodeException(target, at, request.function, exception);
}

function answerMask(source: AnswerSource, request: MaskRequest, place: AnswerPlace): number {
  const { target, at, unit } = place;
  const view = source.view(unit, "holding", request.address, 1);
  const before = view === undefined ? 0 : ((view[0] ?? 0) << 8) | (view[1] ?? 0);
  const after = (before & request.and) | (request.or & ~request.and & 0xffff);
  const exception = source.write(unit, { table: "holding", address: request.address }, [after]);
  return exception === 0
    ? encodeWritten(target, at, request)
    : encodeException(target, at, request.function, exception);
}
