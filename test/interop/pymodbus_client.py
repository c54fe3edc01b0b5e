"""Reads and writes simulated devices with a client that we did not write; prints what it saw as JSON.

Usage: pymodbus_client.py TCP_PORT RTU_PORT
"""

import asyncio
import json
import sys

from pymodbus import FramerType
from pymodbus.client import AsyncModbusTcpClient


async def over_tcp(port: int) -> dict:
    client = AsyncModbusTcpClient("127.0.0.1", port=port)
    await client.connect()
    marker = await client.read_holding_registers(40000, count=2, device_id=1)
    power = await client.read_holding_registers(40080, count=1, device_id=1)
    outside = await client.read_holding_registers(100, count=1, device_id=1)
    written = await client.write_registers(40301, [0, 250], device_id=1)
    read_back = await client.read_holding_registers(40301, count=2, device_id=1)
    client.close()
    return {
        "marker": marker.registers,
        "power": power.registers,
        "outside": outside.exception_code if outside.isError() else None,
        "written": not written.isError(),
        "readBack": read_back.registers,
    }


async def over_rtu(port: int) -> dict:
    client = AsyncModbusTcpClient("127.0.0.1", port=port, framer=FramerType.RTU)
    await client.connect()
    flows = {}
    for unit in (1, 4):
        answer = await client.read_input_registers(13, count=4, device_id=unit)
        flows[str(unit)] = answer.registers
    bits = await client.read_discrete_inputs(0, count=4, device_id=1)
    client.close()
    return {"flows": flows, "bits": bits.bits[:4]}


async def main() -> None:
    tcp, rtu = int(sys.argv[1]), int(sys.argv[2])
    print(json.dumps({"tcp": await over_tcp(tcp), "rtu": await over_rtu(rtu)}))


asyncio.run(main())
