"""The package hl7: `listen streams DELIVERY TOGETHER` acknowledges messages and returns their observations, TOGETHER at a time,
and prints its port. `connect KIND DELIVERY PORT SIZE...` sends messages, and compares the replies. The program ends with its
stdin."""

import asyncio
import os
import sys

import hl7
from hl7.client import MLLPClient
from hl7.mllp import HL7StreamWriter, open_hl7_connection, start_hl7_server

# Each byte is a character.
OPTIONS = {"encoding": "latin-1", "limit": 1 << 21}
WHEN = "20260102030405"
VALUES = [chr(value) for value in range(256) if chr(value) not in "\r|^~\\&"]


def text(size):
    first = size % len(VALUES)
    return "".join(VALUES[(first + i) % len(VALUES)] for i in range(size))


def request(number, size):
    return hl7.parse(
        f"MSH|^~\\&|LAB|HERE|WARD|THERE|{WHEN}||ORU^R01|{number}|P|2.5\r"
        "PID|1||4711^^^WARD||DOE^JANE||19700101|F\r"
        f"OBX|1|TX|note||{text(size)}|\r"
    )


def acknowledgement(message):
    ack = message.create_ack(message_id=f"A{message.segment('MSH')[10]}")
    ack.assign_field(WHEN, "MSH", 1, 7)
    ack.append(message.segment("OBX"))
    return ack


class Collected:
    """A transport that stores the bytes written to it."""

    def __init__(self):
        self.bytes = b""

    def write(self, data):
        self.bytes += data

    def is_closing(self):
        return True


def encoded(messages):
    """Returns the bytes that the writer of the package makes of messages."""
    collected = Collected()
    writer = HL7StreamWriter(collected, None, None, asyncio.get_running_loop(), OPTIONS["encoding"])
    for message in messages:
        writer.writemessage(message)
    return collected.bytes


async def send(writer, delivery, messages):
    if delivery == "whole":
        for message in messages:
            writer.writemessage(message)
    elif delivery == "burst":
        writer.write(encoded(messages))
    else:
        data = encoded(messages)
        for i in range(len(data)):
            writer.write(data[i : i + 1])
            await writer.drain()
    await writer.drain()


async def listen(_, delivery, together):
    async def serve(reader, writer):
        try:
            while True:
                messages = [await reader.readmessage() for _ in range(int(together))]
                await send(writer, delivery, [acknowledgement(message) for message in messages])
        except asyncio.IncompleteReadError:
            writer.close()

    server = await start_hl7_server(serve, "127.0.0.1", 0, **OPTIONS)
    print(server.sockets[0].getsockname()[1], flush=True)
    return server


async def with_streams(delivery, port, messages):
    reader, writer = await open_hl7_connection("127.0.0.1", port, **OPTIONS)
    replies = []
    for group in [messages] if delivery == "burst" else [[message] for message in messages]:
        await send(writer, delivery, group)
        replies += [await reader.readmessage() for _ in group]
    writer.close()
    return replies


def with_client(port, messages):
    with MLLPClient("127.0.0.1", port, OPTIONS["encoding"]) as client:
        replies = [client.send_message(message) for message in messages]
    return [hl7.parse(reply.strip(b"\x0b\x1c\r"), OPTIONS["encoding"]) for reply in replies]


async def connect(kind, delivery, port, *sizes):
    messages = [request(number, int(size)) for number, size in enumerate(sizes)]
    if kind == "client":
        replies = await asyncio.to_thread(with_client, int(port), messages)
    else:
        replies = await with_streams(delivery, int(port), messages)
    expected = [str(acknowledgement(message)) for message in messages]
    same = [str(reply) for reply in replies] == expected
    print("same" if same else "other replies:", len(replies), flush=True)


async def main():
    servers = []
    while line := await asyncio.to_thread(sys.stdin.readline):
        command, *arguments = line.split()
        if command == "listen":
            servers.append(await listen(*arguments))
        else:
            await connect(*arguments)
    os._exit(0)


asyncio.run(main())
