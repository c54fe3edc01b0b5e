"""
A BESS controller served by libiec61850, to test our client against a foreign server.

Prints its port, then takes commands on standard input: "change <W>", "quit".
Model: DCPIBESS1 with MMXU1 (TotW, Hz, and DOs for bulk reads), four setpoints DRCC1..4, one per
control model, a data set, an unbuffered and a buffered report control block.
"""

import os
import socket
import sys

import pyiec61850 as iec

MODELS = [
    iec.CDC_CTL_MODEL_DIRECT_NORMAL,
    iec.CDC_CTL_MODEL_SBO_NORMAL,
    iec.CDC_CTL_MODEL_DIRECT_ENHANCED,
    iec.CDC_CTL_MODEL_SBO_ENHANCED,
]
NUMBERS = [1, 2, 3, 4]


def watts(value):
    return iec.MmsValue_toFloat(iec.MmsValue_getElement(value, 0))


class Execution(iec.ControlHandlerForPython):
    """Values from 100,000 on fail while they are carried out."""

    def __init__(self):
        iec.ControlHandlerForPython.__init__(self)

    def trigger(self):
        is_small = watts(self._libiec61850_mms_value) < 100000
        result = iec.CONTROL_RESULT_OK if is_small else iec.CONTROL_RESULT_FAILED
        self._libiec61850_control_handler_result = result


class Check(iec.CheckHandlerForPython):
    """Values from 200,000 on are refused; a plain selection has none."""

    def __init__(self):
        iec.CheckHandlerForPython.__init__(self)

    def trigger(self):
        value = self._libiec61850_mms_value
        is_allowed = value is None or watts(value) < 200000
        result = iec.CONTROL_ACCEPTED if is_allowed else iec.CONTROL_OBJECT_ACCESS_DENIED
        self._libiec61850_check_handler_result = result


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def main():
    model = iec.IedModel_create("DCPI")
    device = iec.LogicalDevice_create("BESS1", model)
    first = iec.LogicalNode_create("LLN0", device)
    iec.CDC_ENS_create("Beh", iec.toModelNode(first), 0)
    meter = iec.LogicalNode_create("MMXU1", device)
    power = iec.CDC_MV_create("TotW", iec.toModelNode(meter), 0, False)
    iec.CDC_MV_create("Hz", iec.toModelNode(meter), 0, False)
    bulk = iec.LogicalNode_create("GGIO1", device)
    for at in range(1000):
        iec.CDC_MV_create("AnIn%d" % (at + 1), iec.toModelNode(bulk), 0, False)
    setpoints = []
    for number, ctl_model in zip(NUMBERS, MODELS):
        node = iec.LogicalNode_create("DRCC%d" % number, device)
        kind = ctl_model | iec.CDC_CTL_MODEL_HAS_CANCEL
        setpoint = iec.CDC_APC_create("OutWSet", iec.toModelNode(node), 0, kind, False)
        setpoints.append((setpoint, number))
    measured = iec.DataSet_create("dsMeas", first)
    for name in ("TotW", "Hz"):
        iec.DataSetEntry_create(measured, "MMXU1$MX$" + name, -1, None)
    options = 0x7E
    triggers = iec.TRG_OPT_DATA_CHANGED | iec.TRG_OPT_INTEGRITY | iec.TRG_OPT_GI
    for name, is_buffered in (("urcb01", False), ("brcb01", True)):
        iec.ReportControlBlock_create(
            name, first, "shared", is_buffered, "dsMeas", 1, triggers, options, 0, 0
        )

    server = iec.IedServer_create(model)
    subscribers = []
    handlers = []
    for setpoint, number in setpoints:
        node = iec.toDataAttribute(
            iec.ModelNode_getChild(iec.toModelNode(setpoint), "ctlModel")
        )
        iec.IedServer_updateInt32AttributeValue(server, node, number)
        execution = Execution()
        check = Check()
        subscriber = iec.ControlSubscriberForPython()
        subscriber.setIedServer(server)
        subscriber.setControlObject(setpoint)
        subscriber.setControlHandler(execution)
        subscriber.setCheckHandler(check)
        subscriber.subscribe()
        subscribers.append(subscriber)
        handlers.extend([execution, check])
    port = free_port()
    iec.IedServer_start(server, port)
    if not iec.IedServer_isRunning(server):
        sys.exit("cannot listen")
    print(port, flush=True)
    magnitude = iec.toDataAttribute(
        iec.ModelNode_getChild(iec.toModelNode(power), "mag.f")
    )
    for line in sys.stdin:
        words = line.split()
        if words[:1] == ["change"]:
            iec.IedServer_lockDataModel(server)
            iec.IedServer_updateFloatAttributeValue(server, magnitude, float(words[1]))
            iec.IedServer_unlockDataModel(server)
        elif words[:1] == ["quit"]:
            break
    sys.stdout.flush()
    # The library and the interpreter disagree on who frees the model: leave it to the kernel.
    os._exit(0)


main()
