import type modbusSerial from "modbus-serial";
import type { ReadReply, WriteReply } from "../../wire/modbus/client-codec.ts";
import type { LinkRead, LinkWrite } from "./link.ts";

/** modbus-serial's client. */
export type SerialClient = InstanceType<typeof modbusSerial.default>;

/** Called once with what modbus-serial makes of the answer. */
export type Done = (error: unknown, reply?: ReadReply | WriteReply) => void;

export function sendRead(client: SerialClient, request: LinkRead, done: Done): void {
  const { unit, address, count } = request;
  const take = (error: unknown, result: { readonly buffer: Uint8Array } | undefined) => {
    done(error, result === undefined ? undefined : new Uint8Array(result.buffer));
  };
  switch (request.table) {
    case "coil":
      client.writeFC1(unit, address, count, take);
      return;
    case "discrete":
      client.writeFC2(unit, address, count, take);
      return;
    case "holding":
      client.writeFC3(unit, address, count, take);
      return;
    case "input":
      client.writeFC4(unit, address, count, take);
      return;
  }
}

export function sendWrite(client: SerialClient, request: LinkWrite, done: Done): void {
  const { unit, address, bytes, count } = request;
  const take = (error: unknown, echo: Partial<Echo> | undefined) => {
    done(error, echo !== undefined && echoes(request, echo) ? "written" : undefined);
  };
  switch (request.function) {
    case 5:
      client.writeFC5(unit, address, bytes[0] === 0xff, take);
      return;
    case 6:
      client.writeFC6(unit, address, word(bytes, 0), take);
      return;
    case 15:
      client.writeFC15(unit, address, unpacked(bytes, count), take);
      return;
    case 16:
      client.writeFC16(unit, address, words(bytes), take);
      return;
    case 22:
      client.writeFC22(unit, address, word(bytes, 0), word(bytes, 2), take);
      return;
  }
}

interface Echo {
  readonly address: number;
  readonly length: number;
  readonly value: number;
  readonly state: boolean;
  readonly andMask: number;
  readonly orMask: number;
}

/** Whether the device says that it did what it was asked. */
function echoes(request: LinkWrite, echo: Partial<Echo>): boolean {
  const { bytes } = request;
  if (echo.address !== request.address) return false;
  switch (request.function) {
    case 5:
      return echo.state === (bytes[0] === 0xff);
    case 6:
      return echo.value === word(bytes, 0);
    case 15:
    case 16:
      return echo.length === request.count;
    case 22:
      return echo.andMask === word(bytes, 0) && echo.orMask === word(bytes, 2);
  }
}

/**
 * modbus-serial cannot frame the answer to function 22 on a serial line. Reading and writing in one
 * turn on the bus does the same, as long as nothing but this gateway writes the register.
 */
export function maskByReadAndWrite(client: SerialClient, request: LinkWrite, done: Done): void {
  const { unit, address, bytes } = request;
  const and = word(bytes, 0);
  const or = word(bytes, 2);
  client.writeFC3(unit, address, 1, (error: unknown, result) => {
    if (error !== null && error !== undefined) {
      done(error);
      return;
    }
    const before = result.data[0] ?? 0;
    const value = (before & and) | (or & ~and & 0xffff);
    client.writeFC6(unit, address, value, (failed: unknown, echo) => {
      const isDone = (failed === null || failed === undefined) && echo.value === value;
      done(failed, isDone ? "written" : undefined);
    });
  });
}

function word(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

function words(bytes: Uint8Array): number[] {
  return Array.from({ length: bytes.length / 2 }, (_, at) => word(bytes, at * 2));
}

function unpacked(bytes: Uint8Array, count: number): boolean[] {
  return Array.from({ length: count }, (_, at) => (((bytes[at >> 3] ?? 0) >> (at & 7)) & 1) === 1);
}
