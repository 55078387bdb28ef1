"""A client of the message board in another language, written from the protocol's description alone.

    python3 board_client.py udp  HOST PORT
    python3 board_client.py blocks HOST PORT
    python3 board_client.py tcp  HOST PORT

Each talks to a server with an empty board, checks every byte that comes back, and ends with status 0 if all of them
are right. The standard library is all it needs.
"""

import math
import socket
import sys

PDU = 65504
PATIENCE = 20


def check(what, got, expected):
    if got != expected:
        sys.exit("%s: got %r instead of %r" % (what, got[:200], expected[:200]))


class Udp:
    """One datagram out, one back."""

    def __init__(self, address):
        family, kind, protocol, _, self.address = socket.getaddrinfo(*address, type=socket.SOCK_DGRAM)[0]
        self.socket = socket.socket(family, kind, protocol)
        self.socket.settimeout(PATIENCE)

    def ask(self, request):
        self.socket.sendto(request, self.address)
        while True:
            response, sender = self.socket.recvfrom(65535)
            if sender[:2] == self.address[:2]:
                return response


def check_message(response, separator, text):
    """`0:<time>:<ip>:<port>:<text>`, or with spaces and without the `0:`; the text is all of the rest."""
    time, _, rest = response.partition(separator)
    if rest.startswith(b"["):
        host, _, rest = rest[1:].partition(b"]" + separator)
    else:
        host, _, rest = rest.partition(separator)
    port, _, got = rest.partition(separator)
    if float(time) < 1.6e9 or not host or not 0 < int(port) < 65536:
        sys.exit("not a time, a host and a port: %r" % response[:100])
    check("the text", got, text)


def check_get(response, text):
    check("the status", response[:2], b"0:")
    check_message(response[2:], b":", text)


def udp(address):
    board = Udp(address)
    check("an empty board", board.ask(b"2:0"), b"0")
    for text in (b"x", b"", b"a:b", "grüß dich".encode(), bytes(range(256))):
        check("PUBLISH", board.ask(b"1:" + text), b"0")
    check("LAST 0", board.ask(b"2:0"), b"0:0:1:2:3:4")
    check("LAST 1", board.ask(b"2:1"), b"0:4")
    check("LAST 99", board.ask(b"2:99"), b"0:0:1:2:3:4")
    check_get(board.ask(b"3:2"), b"a:b")
    check_get(board.ask(b"3:3"), "grüß dich".encode())
    check_get(board.ask(b"3:4"), bytes(range(256)))
    for bad in (b"2:x", b"2:2:3", b"3:abc", b"2:-1", b"9", b""):
        check("%r" % bad, board.ask(bad), b"1")
    for unknown in (b"9:x", b"1xhello", b"2x"):
        check("%r" % unknown, board.ask(unknown), b"3")
    check("an unknown id", board.ask(b"3:99"), b"2")
    longest = b"y" * (PDU - 2)
    check("the longest", board.ask(b"1:" + longest), b"0")
    response = board.ask(b"3:5")
    check("its length", b"%d" % len(response), b"%d" % PDU)


def block_size(session, length):
    """The size of the blocks and their number, computed as the original does."""
    size = PDU
    while True:
        count = math.ceil(length / size)
        digits = len(session) + 2 * (len(str(count)) + 1) + len(str(size)) + 4
        delta = size + digits + 2 - PDU
        size -= delta
        if delta <= 0:
            return size, math.ceil(length / size)


def upload(board, request, shuffled=False):
    status, session = board.ask(b"a?0").split(b"?")
    check("open", status, b"0")
    if not session.isdigit():
        sys.exit("not a session: %r" % session)
    size, count = block_size(session.decode(), len(request))
    order = list(range(count))
    if shuffled:
        order = order[::-1] + order[:1]  # backwards, and one of them twice
    seen = set()
    for index in order:
        data = request[index * size : (index + 1) * size]
        header = b"b?%s?%d?%d?%d?" % (session, index, count, len(data))
        if len(header) + len(data) > PDU:
            sys.exit("a block of %d bytes" % (len(header) + len(data)))
        seen.add(index)
        check("block %d" % index, board.ask(header + data), b"0?%d" % len(seen))
    return session


def blocks(address):
    board = Udp(address)
    for session, length, expected in (("0", 150002, (65488, 3)), ("10", 65488, (65487, 2)), ("0", 786432, (65486, 13))):
        check("block size", repr(block_size(session, length)), repr(expected))

    text = bytes(range(256)) * 600 + b"?a?b?"
    session = upload(board, b"1:" + text)
    check("close", board.ask(b"c?" + session), b"0?1")
    session = upload(board, b"1:" + text[::-1], shuffled=True)
    check("close", board.ask(b"c?" + session), b"0?1")
    check("both are published", board.ask(b"2:0"), b"0:0:1")
    # A datagram shows the head of them; what is not in it is checked over TCP by others.
    head = board.ask(b"3:1")
    check("cut", b"%d" % len(head), b"%d" % PDU)
    check("its text", head[-200:] if head[-200:] in text[::-1] else head, head[-200:])

    session = board.ask(b"a?0")[2:]
    check("a wrong length", board.ask(b"b?%s?0?2?9?abc" % session), b"y")
    check("no number", board.ask(b"b?%s?x?2?3?abc" % session), b"z")
    check("one of two", board.ask(b"b?%s?0?2?3?1:a" % session), b"0?1")
    check("incomplete", board.ask(b"c?" + session), b"0?0")
    check("discarded", board.ask(b"b?%s?1?2?1?b" % session), b"z")
    check("unknown session", board.ask(b"c?99999999999999999"), b"z")
    check("unknown code", board.ask(b"q?0"), b"z")
    check("one byte", board.ask(b"b"), b"z")
    check("nothing of that is published", board.ask(b"2:0"), b"0:0:1")

    other = Udp(address)
    session = board.ask(b"a?0")[2:]
    check("another's session", other.ask(b"b?%s?0?1?3?1:a" % session), b"z")
    check("my session", board.ask(b"b?%s?0?1?3?1:a" % session), b"0?1")
    check("another's session", other.ask(b"c?" + session), b"z")
    check("my session", board.ask(b"c?" + session), b"0?1")


def ask_tcp(address, request):
    """A connection per request: all of it, half-close, and all that comes back."""
    with socket.create_connection(address, timeout=PATIENCE) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        pieces = []
        while True:
            piece = connection.recv(65536)
            if not piece:
                return b"".join(pieces)
            pieces.append(piece)


def counted(response):
    """The messages of a response to code 5."""
    check("the status", response[:2], b"0:")
    rest, messages = response[2:], []
    while rest:
        length, _, rest = rest.partition(b":")
        messages.append(rest[: int(length)])
        rest = rest[int(length) :]
    return messages


def tcp(address):
    check("an empty board", ask_tcp(address, b"2:0"), b"0")
    check("an empty board", ask_tcp(address, b"4:0"), b"0")
    check("an empty board", ask_tcp(address, b"5:0"), b"0")
    texts = [b"x", b"a:b", bytes(range(256)) * 10000]
    for text in texts:
        check("PUBLISH", ask_tcp(address, b"1:" + text), b"0")
    check("LAST", ask_tcp(address, b"2:2"), b"0:1:2")
    check_get(ask_tcp(address, b"3:2"), texts[2])
    response = ask_tcp(address, b"4:0")
    if ":" not in address[0]:  # the colons of an IPv6 address break the list as those of a text do
        check_message(response[2:].split(b":", 1)[0], b" ", b"x")
    messages = counted(ask_tcp(address, b"5:0"))
    check("how many", b"%d" % len(messages), b"3")
    for message, text in zip(messages, texts):
        check_message(message, b" ", text)
    for bad in (b"", b"1", b"1:", b"4:x", b"5:x"):
        check("%r" % bad, ask_tcp(address, bad), b"1")
    check("an unknown code", ask_tcp(address, b"9:x"), b"3")
    check("an unknown id", ask_tcp(address, b"3:99"), b"2")


def main():
    what, host, port = sys.argv[1:]
    {"udp": udp, "blocks": blocks, "tcp": tcp}[what]((host, int(port)))
    print("ok")


if __name__ == "__main__":
    main()
