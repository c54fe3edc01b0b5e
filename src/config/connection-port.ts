import { type ConnectionConfig, MODBUS_PORT } from "./schema.ts";

/** Of MMS over TCP. @see RFC 1006 */
const MMS_PORT = 102;
/** Of MMS over TLS. @see IEC 62351-3 */
const MMS_TLS_PORT = 3_782;

/** Where registers are spoken. */
export type ModbusConnection = Exclude<ConnectionConfig, { protocol: "iec61850" }>;

/** Where IEC 61850 is spoken. */
export type MmsConnection = Extract<ConnectionConfig, { protocol: "iec61850" }>;

export function isModbus(connection: ConnectionConfig): connection is ModbusConnection {
  return connection.protocol !== "iec61850";
}

/** The port of a connection, by habit where the site file names none. */
export function portOf(connection: Exclude<ConnectionConfig, { protocol: "modbus-rtu" }>): number {
  if (connection.port !== undefined) return connection.port;
  if (isModbus(connection)) return MODBUS_PORT;
  return connection.tls === undefined ? MMS_PORT : MMS_TLS_PORT;
}
