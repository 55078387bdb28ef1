"""The smallest client of the session extension: one block at a time, any answer. From the chapter's wire reference alone.

    python3 session_client.py PORT REQUEST_FILE > RESPONSE_FILE
"""

import socket
import struct
import sys

BLOCK = 1368  # 1400 bytes a datagram, less the header
OPEN = b"a?0000000000000001"


def sealed(datagram, at):
    """Puts the check at its place: then all 32-bit words, little-endian, add up to 2^32 - 1."""
    check = 0xFFFFFFFF - total(datagram)
    return datagram[:at] + struct.pack("<I", check) + datagram[at + 4 :]


def total(datagram):
    padded = datagram + bytes(-len(datagram) % 4)
    return sum(struct.unpack("<%dI" % (len(padded) // 4), padded)) % 2**32


def data(token, sequence, request, block):
    payload = request[block * BLOCK :][:BLOCK]
    header = struct.pack(">cBHQIIIII", b"D", 0, BLOCK, token, 0, sequence, len(request), block, 0)
    return sealed(header + payload, 28)


def ack(token, largest, cumulative):
    return sealed(struct.pack(">cBHQIIIIII", b"K", 1, 0, token, 0, largest, 0, cumulative, 16, 0), 32)


def main():
    port, request = int(sys.argv[1]), open(sys.argv[2], "rb").read()
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.connect(("127.0.0.1", port))
    server.settimeout(0.3)
    token, sequence, sent, blocks = None, 0, 0, max(1, -(-len(request) // BLOCK))
    received, response = 0, b""
    asking = OPEN
    for _ in range(100_000):
        if asking:
            server.send(asking)
        try:
            answer = server.recv(65536)
        except TimeoutError:
            sequence += 1
            asking = OPEN if token is None else data(token, sequence, request, min(sent, blocks - 1))
            continue
        asking = None
        if token is None:
            if answer.startswith(b"1?") and all(digit in b"0123456789abcdef" for digit in answer[2:]):
                token = int(answer[2:], 16)
                asking = data(token, sequence, request, 0)
        elif total(answer) != 0xFFFFFFFF:
            continue  # damaged on its way
        elif answer[0:2] == b"K\0" and (arrived := struct.unpack_from(">I", answer, 24)[0]) > sent:
            sent, sequence = arrived, sequence + 1
            asking = data(token, sequence, request, sent) if sent < blocks else None
        elif answer[0:2] == b"D\1":
            size, largest, length, block = struct.unpack_from(">2xH12xIII", answer)
            if block == received:
                response, received = response + answer[32:], received + 1
            server.send(ack(token, largest, received))
            if len(response) == length:
                break
        elif answer[0:2] == b"X\1" and sent == received == 0:
            token, asking = None, OPEN  # the token was damaged on its way: it has no check
        elif answer[0:1] == b"X":
            sys.exit("refused: reason %d" % answer[1])
    else:
        sys.exit("no end")
    sys.stdout.buffer.write(response)


main()
