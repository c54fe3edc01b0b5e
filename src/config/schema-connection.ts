import { type Static, Type } from "@sinclair/typebox";
import { closed } from "./schema-fields.ts";

const Host = Type.String({ minLength: 1, maxLength: 253, description: "IP address or name." });
/** Defaults do not reach into a choice of forms: who opens the connection adds this one. */
export const MODBUS_PORT = 502;
const File = (description: string) =>
  Type.String({ minLength: 1, description: `File, beside the site file. ${description}` });
const Port = Type.Optional(
  Type.Integer({
    minimum: 1,
    maximum: 65_535,
    description: `TCP port; without it ${MODBUS_PORT}.`,
  }),
);

/** One cable or socket; several devices may share it, told apart by their unit id. */
export const ConnectionConfig = Type.Union([
  closed(
    {
      protocol: Type.Literal("modbus-tcp"),
      host: Host,
      port: Port,
      client: Type.Optional(
        Type.Union([Type.Literal("own"), Type.Literal("modbus-serial")], {
          description:
            "Which Modbus client speaks; without it `own`. `modbus-serial` costs more and is for " +
            "a device that gets on with that library only.",
        }),
      ),
    },
    "Modbus TCP, one device or a gateway with several units.",
  ),
  closed(
    { protocol: Type.Literal("modbus-rtu-over-tcp"), host: Host, port: Port },
    "RTU frames through a serial device server.",
  ),
  closed(
    {
      protocol: Type.Literal("modbus-rtu"),
      path: Type.String({ minLength: 1, description: "Serial device, for example /dev/ttyS1." }),
      baud: Type.Integer({ minimum: 1_200, maximum: 921_600, description: "Bits per second." }),
      format: Type.Union(
        [Type.Literal("8N1"), Type.Literal("8E1"), Type.Literal("8O1"), Type.Literal("8N2")],
        { description: "Data bits, parity, stop bits." },
      ),
    },
    "A serial bus of this machine.",
  ),
  closed(
    {
      protocol: Type.Literal("iec61850"),
      host: Host,
      port: Type.Optional(
        Type.Integer({
          minimum: 1,
          maximum: 65_535,
          description: "TCP port; without it 102, with TLS 3782.",
        }),
      ),
      tls: Type.Optional(
        closed(
          {
            trusted: File("Certificates of those who may vouch for the device, PEM."),
            certificate: Type.Optional(File("Ours, where the device asks for one, PEM.")),
            key: Type.Optional(File("Key of our certificate, PEM.")),
            serverName: Type.Optional(
              Type.String({
                minLength: 1,
                maxLength: 253,
                description: "Name in the device's certificate when it is not the host.",
              }),
            ),
          },
          "TLS as IEC 62351-3 has it. With it the device is never spoken to without.",
        ),
      ),
      passwordFile: Type.Optional(File("Holds the password of the association.")),
      library: Type.Optional(
        File(
          "libiec61850 on this machine, which then speaks with the device, in a process of its " +
            "own and without TLS; without it our own client does.",
        ),
      ),
    },
    "A device of IEC 61850, by MMS.",
  ),
]);

export type ConnectionConfig = Static<typeof ConnectionConfig>;
