import { SerialLink } from "../../../src/drivers/modbus/serial-link.ts";
import { TcpLink } from "../../../src/drivers/modbus/tcp-link.ts";
import { describeModbusLink } from "../../contract/modbus-link.contract.ts";

const host = "127.0.0.1";

describeModbusLink({
  name: "own client over TCP",
  framing: "mbap",
  make: (port, clock, wheel) => new TcpLink({ host, port, clock, wheel }),
});

describeModbusLink({
  name: "modbus-serial over TCP",
  framing: "mbap",
  make: (port, clock, wheel) =>
    new SerialLink({ transport: { kind: "tcp", host, port }, clock, wheel }),
});

describeModbusLink({
  name: "modbus-serial, RTU over TCP",
  framing: "rtu",
  make: (port, clock, wheel) =>
    new SerialLink({ transport: { kind: "rtu-over-tcp", host, port }, clock, wheel }),
});
