"""Twisted's string receivers: `listen KIND DELIVERY TOGETHER` echoes messages, TOGETHER at a time, and prints its port.
`connect KIND DELIVERY PORT SIZE...` sends messages, and compares the echoes. The program ends with its stdin."""

import select

from twisted.internet import protocol, reactor, stdio
from twisted.internet.testing import StringTransport
from twisted.protocols import basic

KINDS = {
    "int8": basic.Int8StringReceiver,
    "int16": basic.Int16StringReceiver,
    "int32": basic.Int32StringReceiver,
    "netstring": basic.NetstringReceiver,
}


def payload(size):
    return bytes((i + i // 256 + size) % 256 for i in range(size))


def encoded(kind, message):
    """Returns the bytes that Twisted itself would send."""
    sender = KINDS[kind]()
    sender.makeConnection(StringTransport())
    sender.sendString(message)
    return sender.transport.value()


def write_bytes(transport, data):
    """Writes each byte directly to the socket, because a transport gathers its writes. The transport has nothing queued then."""
    handle = transport.getHandle()
    for i in range(len(data)):
        select.select([], [handle], [])
        handle.send(data[i : i + 1])


def string_protocol(kind, delivery):
    class Strings(KINDS[kind]):
        MAX_LENGTH = 1 << 20

        def connectionMade(self):
            self.transport.setTcpNoDelay(True)

        def send(self, messages):
            for message in messages:
                if delivery == "bytes":
                    write_bytes(self.transport, encoded(kind, message))
                else:
                    # What is sent in one turn of the reactor is written together.
                    self.sendString(message)

    return Strings


def listen(kind, delivery, together):
    class Echo(string_protocol(kind, delivery)):
        def connectionMade(self):
            super().connectionMade()
            self.kept = []

        def stringReceived(self, message):
            self.kept.append(message)
            if len(self.kept) == int(together):
                self.send(self.kept)
                self.kept = []

    port = reactor.listenTCP(0, protocol.Factory.forProtocol(Echo), interface="127.0.0.1")
    print(port.getHost().port, flush=True)


def connect(kind, delivery, port, *sizes):
    messages = [payload(int(size)) for size in sizes]

    class Client(string_protocol(kind, delivery)):
        def connectionMade(self):
            super().connectionMade()
            self.received = 0
            self.send(messages if delivery == "burst" else messages[:1])

        def stringReceived(self, message):
            if message != messages[self.received]:
                print("other bytes came back for message", self.received, flush=True)
            self.received += 1
            if self.received == len(messages):
                print("same", self.received, flush=True)
                self.transport.loseConnection()
            elif delivery != "burst":
                self.send(messages[self.received : self.received + 1])

    reactor.connectTCP("127.0.0.1", int(port), protocol.ClientFactory.forProtocol(Client))


class Commands(basic.LineOnlyReceiver):
    delimiter = b"\n"

    def lineReceived(self, line):
        command, *arguments = line.decode().split()
        {"listen": listen, "connect": connect}[command](*arguments)

    def connectionLost(self, reason=protocol.connectionDone):
        if reactor.running:
            reactor.stop()


stdio.StandardIO(Commands())
reactor.run()
