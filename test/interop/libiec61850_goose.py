"""
A GOOSE publisher by libiec61850, to test our subscriber against a foreign publisher.

Usage: libiec61850_goose.py <library> <interface>. Takes commands on standard input:
"state <true|false> <position 0..3>" begins a state, "repeat" repeats it, "quit".
The control block is R1CTRL/LLN0$GO$gcb1, address 01-0C-CD-01-00-07, APPID 0x3001, VLAN 5.
"""

import ctypes
import sys


class Address(ctypes.Structure):
    _fields_ = [
        ("vlan_priority", ctypes.c_uint8),
        ("vlan_id", ctypes.c_uint16),
        ("app_id", ctypes.c_uint16),
        ("destination", ctypes.c_uint8 * 6),
    ]


def pointer(library, name, *arguments):
    function = getattr(library, name)
    function.restype = ctypes.c_void_p
    return ctypes.c_void_p(function(*arguments))


def main():
    library = ctypes.CDLL(sys.argv[1])
    address = Address(4, 5, 0x3001, (ctypes.c_uint8 * 6)(0x01, 0x0C, 0xCD, 0x01, 0x00, 0x07))
    publisher = pointer(
        library, "GoosePublisher_createEx", ctypes.byref(address), sys.argv[2].encode(), True
    )
    if not publisher:
        sys.exit("cannot publish")
    library.GoosePublisher_setGoCbRef(publisher, b"R1CTRL/LLN0$GO$gcb1")
    library.GoosePublisher_setDataSetRef(publisher, b"R1CTRL/LLN0$ds1")
    library.GoosePublisher_setGoID(publisher, b"R1trip")
    library.GoosePublisher_setConfRev(publisher, ctypes.c_uint32(1))
    library.GoosePublisher_setTimeAllowedToLive(publisher, ctypes.c_uint32(300))
    print("ready", flush=True)
    values = None
    for line in sys.stdin:
        words = line.split()
        if words[0] == "quit":
            return
        if words[0] == "state":
            values = pointer(library, "LinkedList_create")
            trip = pointer(library, "MmsValue_newBoolean", ctypes.c_bool(words[1] == "true"))
            position = pointer(library, "MmsValue_newBitString", ctypes.c_int(2))
            number = pointer(library, "MmsValue_newIntegerFromInt32", ctypes.c_int32(-5))
            for bit in range(2):
                is_set = bool(int(words[2]) & (2 >> bit))
                library.MmsValue_setBitStringBit(position, ctypes.c_int(bit), ctypes.c_bool(is_set))
            for value in (trip, position, number):
                library.LinkedList_add(values, value)
            library.GoosePublisher_increaseStNum(publisher)
        library.GoosePublisher_publish(publisher, values)


main()
