"""A Modbus TCP server that we did not write: registers 0..999 hold their address, 600..609 are missing.

Usage: pymodbus_server.py PORT. Prints "ready" when it listens.
"""

import asyncio
import sys

from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice


async def main() -> None:
    low = SimData(0, values=list(range(600)), datatype=DataType.REGISTERS)
    high = SimData(610, values=list(range(610, 1000)), datatype=DataType.REGISTERS)
    bits = [SimData(0, values=[index % 3 == 0 for index in range(64)], datatype=DataType.BITS)]
    device = SimDevice(1, simdata=(bits, bits, [low, high], [low, high]))
    server = ModbusTcpServer(device, address=("127.0.0.1", int(sys.argv[1])))
    await server.serve_forever(background=True)
    print("ready", flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
