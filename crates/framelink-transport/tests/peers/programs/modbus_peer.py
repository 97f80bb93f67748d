"""pymodbus: `listen` serves registers, and prints its port. `connect KIND DELIVERY PORT COUNT...` sends requests for COUNT
registers each, and compares the replies. The program ends with its stdin."""

import asyncio
import os
import socket
import sys

from pymodbus.client import ModbusTcpClient
from pymodbus.framer import FramerSocket
from pymodbus.pdu import DecodePDU, register_message as registers
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

WRITTEN, NOWHERE = 300, 1000


def values(first, count):
    return [i % 256 << 8 | 255 - i % 256 for i in range(first, first + count)]


async def listen(*_):
    blocks = [(0, values(0, 200)), (WRITTEN, [0] * 200)]
    device = SimDevice(1, [SimData(at, values=held, datatype=DataType.REGISTERS) for at, held in blocks])
    server = ModbusTcpServer(device, address=("127.0.0.1", 0))
    await server.serve_forever(background=True)
    print(server.transport.sockets[0].getsockname()[1], flush=True)
    return server


def ask(client, kind, number, count):
    """Makes a request with the client of the library, which waits for the reply."""
    if kind == "read":
        return client.read_holding_registers(0, count=count)
    if kind == "write":
        return client.write_registers(WRITTEN, values(number, count))
    if kind == "both":
        return client.readwrite_registers(
            read_address=WRITTEN, read_count=count, write_address=WRITTEN, values=values(number, count)
        )
    return client.read_holding_registers(NOWHERE, count=count)


def request(kind, number, count):
    """Returns the bytes of a request, made by the encoder of the library."""
    if kind == "read":
        pdu = registers.ReadHoldingRegistersRequest(address=0, count=count)
    elif kind == "write":
        pdu = registers.WriteMultipleRegistersRequest(address=WRITTEN, registers=values(number, count))
    elif kind == "both":
        pdu = registers.ReadWriteMultipleRegistersRequest(
            read_address=WRITTEN, read_count=count, write_address=WRITTEN, write_registers=values(number, count)
        )
    else:
        pdu = registers.ReadHoldingRegistersRequest(address=NOWHERE, count=count)
    pdu.dev_id, pdu.transaction_id = 1, number + 1
    return FramerSocket(DecodePDU(True)).buildFrame(pdu)


def is_right(kind, number, count, reply):
    if reply.transaction_id != number + 1:
        return False
    if kind == "refused":
        return reply.isError() and reply.exception_code == 2
    if kind == "write":
        return (reply.address, reply.count) == (WRITTEN, count)
    return reply.registers == values(0 if kind == "read" else number, count)


class Replies:
    """Receives frames from a socket with the framer of the library."""

    def __init__(self, connection):
        self.connection = connection
        self.framer = FramerSocket(DecodePDU(False))
        self.bytes = b""

    def next(self):
        while True:
            used, reply = self.framer.handleFrame(self.bytes, 0, 0)
            self.bytes = self.bytes[used:]
            if reply:
                return reply
            received = self.connection.recv(4096)
            assert received, "the stream ended instead of a reply"
            self.bytes += received


def replies(kind, delivery, port, counts):
    if delivery == "whole":
        client = ModbusTcpClient("127.0.0.1", port=port, timeout=20, retries=0)
        client.connect()
        for number, count in enumerate(counts):
            yield ask(client, kind, number, count)
        client.close()
        return
    requests = [request(kind, number, count) for number, count in enumerate(counts)]
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        coming = Replies(connection)
        if delivery == "burst":
            connection.sendall(b"".join(requests))
        for frame in requests:
            if delivery == "bytes":
                for i in range(len(frame)):
                    connection.send(frame[i : i + 1])
            yield coming.next()


def connect(kind, delivery, port, *counts):
    counts = [int(count) for count in counts]
    right = [
        is_right(kind, number, counts[number], reply)
        for number, reply in enumerate(replies(kind, delivery, int(port), counts))
    ]
    print("same" if all(right) else f"other replies: {right}", len(right), flush=True)


async def main():
    servers = []
    while line := await asyncio.to_thread(sys.stdin.readline):
        command, *arguments = line.split()
        if command == "listen":
            servers.append(await listen(*arguments))
        else:
            await asyncio.to_thread(connect, *arguments)
    os._exit(0)


asyncio.run(main())
