"""smpplib: `connect PORT` binds a client, and `burst FIRST COUNT` submits messages whose texts are numbers. Each line that it prints
says what it has received or sent. The program ends with its stdin."""

import logging
import os
import select
import sys
import time

from smpplib import consts, exceptions, smpp
from smpplib.client import Client

# Losses are expected here.
logging.disable(logging.CRITICAL)

BEAT = 0.4
WINDOW = 8


def say(*words):
    # One write, so that a kill leaves no half a line.
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


class Esme(Client):
    """A client that tells what it receives."""

    def __init__(self, port):
        super().__init__("127.0.0.1", port, timeout=20, allow_unknown_opt_params=True)
        self.todo, self.waiting, self.beat = [], {}, time.monotonic() + BEAT

    def read_pdu(self):
        pdu = super().read_pdu()
        if pdu.command == "enquire_link_resp":
            say("alive")
        elif pdu.command == "enquire_link":
            say("enquire", pdu.sequence)
        return pdu

    def message_sent_handler(self, pdu, **_):
        say("answered", self.waiting.pop(pdu.sequence), pdu.status, pdu.message_id.decode())
        self.submit()

    def submit(self):
        while self.todo and len(self.waiting) < WINDOW:
            text = self.todo.pop(0)
            pdu = smpp.make_pdu(
                "submit_sm",
                client=self,
                source_addr="smpplib",
                destination_addr="4711",
                short_message=text.encode(),
            )
            self.waiting[pdu.sequence] = text
            say("sent", text)
            self.send_pdu(pdu)
        if not self.waiting:
            say("done")

    def enquire(self):
        self.beat = time.monotonic() + BEAT
        self.send_pdu(smpp.make_pdu("enquire_link", client=self))


def command(client, name, *words):
    if name == "connect":
        client = Esme(int(words[0]))
        client.connect()
        status = client.bind_transceiver(system_id="esme", password="secret").status
        say("bound", status)
    elif name == "burst":
        first, count = map(int, words)
        client.todo = [str(number) for number in range(first, first + count)]
        client.submit()
    elif name == "unbind":
        client.unbind()
        say("unbound")
        client.disconnect()
        client = None
    return client


def lost(client):
    client.state = consts.SMPP_CLIENT_STATE_OPEN
    client.disconnect()
    say("lost")


def main():
    client, typed = None, b""
    while True:
        inputs = [0] + ([client._socket] if client else [])
        ready, _, _ = select.select(inputs, [], [], max(0, client.beat - time.monotonic()) if client else None)
        try:
            if client and client._socket in ready:
                client.read_once(auto_send_enquire_link=False)
            if client and time.monotonic() >= client.beat:
                client.enquire()
            if 0 in ready:
                data = os.read(0, 4096)
                if not data:
                    sys.exit(0)
                *lines, typed = (typed + data).split(b"\n")
                for line in lines:
                    client = command(client, *line.decode().split())
        except (exceptions.ConnectionError, OSError):
            lost(client)
            client = None


main()
