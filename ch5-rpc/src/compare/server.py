# The board of the notes, figure 5.4, as Python serves it. It holds all that are waiting, and says nothing.
import time
from xmlrpc.server import SimpleXMLRPCServer

board = []


class Server(SimpleXMLRPCServer):
    request_queue_size = 1024


def publish(text, source=(" ", -1)):
    board.append((text, source))
    return len(board) - 1


def last(count=0):
    first = max(0, len(board) - count) if count else 0
    return list(range(first, len(board)))


def get(number):
    text, (host, port) = board[number]
    return [time.time(), host, port, text]


server = Server(("127.0.0.1", 0), logRequests=False)
for procedure in publish, last, get:
    server.register_function(procedure)
print("LISTENING %s:%d" % server.server_address, flush=True)
server.serve_forever()
