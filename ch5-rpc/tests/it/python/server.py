# A server in Python for our stub. It prints its port, and serves until it is killed.
import datetime, sys, xmlrpc.server

server = xmlrpc.server.SimpleXMLRPCServer(('127.0.0.1', 0), logRequests=False, allow_none=True, use_builtin_types=True)
server.register_introspection_functions()
server.register_multicall_functions()
server.register_function(pow)
server.register_function(lambda *all: [list(all), [type(one).__name__ for one in all]], 'kinds')
server.register_function(lambda: [None, True, -7, 2.5, 'a<&>\u20ac\n', b'\x01', datetime.datetime(1998, 7, 17, 14, 8, 55), {'': [1]}], 'values')
server.register_function(lambda: '\x1b[31mred', 'poison')


def board(message):
    """Puts a text
    on the board."""
    raise ValueError('no ' + message)


server.register_function(board)
print('LISTENING 127.0.0.1:%d' % server.server_address[1], flush=True)
server.serve_forever()
