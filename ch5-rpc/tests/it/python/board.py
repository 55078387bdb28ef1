# The board, as programs in Python call it. The first argument is http://host:port, the server runs with --validator.
import datetime, http.client, sys, threading, time, xmlrpc.client
from xmlrpc.client import Binary, Fault, MultiCall, ProtocolError, ServerProxy

url = sys.argv[1]
address = url[len('http://'):]


def fault(call, *parameters):
    try:
        call(*parameters)
    except Fault as fault:
        assert len(fault.faultString) < 100, fault
        return fault.faultCode
    raise AssertionError('no fault')


# The client of the notes (figure 5.5), in Python 3.
proxy = ServerProxy(url)
methods = [name for name in proxy.system.listMethods() if 'system.' not in name]
assert {'publish', 'last', 'get'} <= set(methods), methods
before = time.time()
proxy.publish('hello')
ids = proxy.last(0)
messages = [proxy.get(id) for id in ids]
assert ids == [0] and messages[0][1:] == [' ', -1, 'hello'], messages
assert before - 1 < messages[0][0] < time.time() + 1, messages
assert proxy.last() == [0] and proxy.last(5) == [0]

# With a source, as its server has it.
assert proxy.publish('from', ('10.0.0.1', 80)) == 1
assert proxy.get(1)[1:] == ['10.0.0.1', 80, 'from']
assert proxy.last(1) == [1]

# Texts of all kinds come back as they went.
for text in ['', ' ', '\t \n', 'a<b>&amp;"\'', ']]>', '\u20ac\u00e9\u4e2d', '\U0001f600', 'x' * 300_000]:
    assert proxy.get(proxy.publish(text))[3] == text, text[:20]
# The writer of Python sends a bare carriage return, and every reader of XML makes a line feed of it.
assert proxy.get(proxy.publish('a\r\nb\rc'))[3] == 'a\nb\nc'
assert proxy.get(proxy.publish(Binary(b'a\r\nb')))[3] == 'a\r\nb'

# Bytes that XML cannot carry come as bytes, and every later answer can be read.
for data in [b'\x01', b'\xff\xfe', bytes(range(256)), b'\xef\xbf\xbf', b'a\x00b', b'\xed\xa0\x80']:
    assert proxy.get(proxy.publish(Binary(data)))[3] == Binary(data), data
assert proxy.get(proxy.publish(Binary(b'plain')))[3] == 'plain'
assert ServerProxy(url, use_builtin_types=True).get(proxy.publish(b'\x01\x02'))[3] == b'\x01\x02'

# A control character that Python sends as it is: refused, and nothing is kept of it.
count = len(proxy.last())
for text in ['\x01', 'a\x1bb', '\x00', '\ufffe', '\x0c']:
    assert fault(proxy.publish, text) == -32700, text
assert len(proxy.last()) == count
for id in proxy.last():
    proxy.get(id)

# Faults.
assert fault(proxy.get, 10**6) == -32500
assert fault(proxy.get, -1) == -32500
assert fault(proxy.get, 'x') == -32602
assert fault(proxy.get) == -32602
assert fault(proxy.publish, 5) == -32602
assert fault(proxy.publish, 'a', 'b') == -32602
assert fault(proxy.nothing) == -32601
assert fault(ServerProxy(url, allow_none=True).publish, None) == -32602

# Several calls in one request, with faults among them.
several = MultiCall(proxy)
several.add(2, 3)
several.pow(6, 8)
several.div(127, 42)
several.div(1, 0)
several.nothing()
several.last(1)
results = several()
assert [results[0], results[1], results[2]] == [5, 6**8, 3]
assert [results.results[i]['faultCode'] for i in (3, 4)] == [-32500, -32601]
assert results[5] == proxy.last(1)
several = MultiCall(proxy)
several.system.multicall([{'methodName': 'last', 'params': []}])
assert several().results[0]['faultCode'] == -32602
several = MultiCall(proxy)
for _ in range(1001):
    several.publish('never')
assert fault(several) == -32600
assert len(proxy.last()) == count

# Introspection.
assert 'id' in proxy.system.methodHelp('get')
assert proxy.system.methodSignature('last') == [['array'], ['array', 'int']]
assert fault(proxy.system.methodHelp, 'nothing') == -32601
assert proxy.system.getCapabilities()['system.multicall']['specVersion'] == 1

# Encodings of requests. The last one is that of Python's own suite.
for encoding, text in [('utf-8', '\u20ac\u00e9'), ('us-ascii', '\u20ac\u00e9'), ('iso-8859-1', '\u00e9\u00ff'), ('iso-8859-15', '\u20ac\u00e9')]:
    other = ServerProxy(url, encoding=encoding)
    assert other.add(text, text) == text + text, encoding
assert getattr(ServerProxy(url, encoding='iso-8859-15'), 't\xea\u0161t')(42) == 42
assert getattr(proxy, 't\xea\u0161t')(42) == 42
assert fault(ServerProxy(url, encoding='koi8-r').add, 'a', 'b') == -32701
assert proxy.Fixture.getData() == '42'

# Numbers beyond 32 bits: Python reads <i8>, and cannot write it.
assert proxy.pow(2, 31) == 2**31 and proxy.pow(2, 62) == 2**62 and proxy.pow(-2, 63) == -(2**63)
assert fault(proxy.pow, 2, 63) == -32500
try:
    proxy.add(2**31, 1)
    raise AssertionError('Python writes large ints: then test them')
except OverflowError:
    pass
assert proxy.add(1e300, 0.5) == 1e300 and proxy.add(1, 0.5) == 1.5

# The suite of UserLand.
v = proxy.validator1
stooges = {'moe': 1, 'larry': 2, 'curly': 3}
assert v.arrayOfStructsTest([stooges, {**stooges, 'curly': -5}]) == -2
assert v.countTheEntities('<>&&\'"')['ctAmpersands'] == 2
assert v.easyStructTest(stooges) == 6
assert v.echoStructTest({'a': {'b': [1, {'c': 'd'}]}, '': ''}) == {'a': {'b': [1, {'c': 'd'}]}, '': ''}
nil = {'a': None, 'b': [None]}
assert ServerProxy(url, allow_none=True).validator1.echoStructTest(nil) == nil
moment = datetime.datetime(1998, 7, 17, 14, 8, 55)
many = [1, True, 'a', 0.5, moment, b'\x00\xff']
assert ServerProxy(url, use_builtin_types=True).validator1.manyTypesTest(*many) == many
assert v.moderateSizeArrayCheck(['x%d' % i for i in range(150)]) == 'x0x149'
assert v.nestedStructTest({'2000': {'04': {'01': stooges, '02': {}}}, '1999': {}}) == 6
assert v.simpleStructReturnTest(7) == {'times10': 70, 'times100': 700, 'times1000': 7000}


# A packed request, as Python packs it, and one in chunks.
class Packed(xmlrpc.client.Transport):
    encode_threshold = 0


packed = ServerProxy(url, transport=Packed())
assert packed.add('a' * 100_000, 'b') == 'a' * 100_000 + 'b'
connection = http.client.HTTPConnection(address)
body = xmlrpc.client.dumps((2, 3), 'add').encode()
for _ in range(2):
    connection.request('POST', '/RPC2', iter([body[:20], body[20:]]), {'Content-Type': 'text/xml'}, encode_chunked=True)
    assert xmlrpc.client.loads(connection.getresponse().read()) == ((5,), None)

# Paths and methods that are none.
for path in ['/', '/this/is/not/valid']:
    connection = http.client.HTTPConnection(address)
    connection.request('POST', path)
    response = connection.getresponse()
    assert (response.status, response.reason) == (404, 'Not Found')
connection = http.client.HTTPConnection(address)
connection.request('GET', '/RPC2')
response = connection.getresponse()
assert response.status == 405 and response.headers['Allow'] == 'POST'
try:
    ServerProxy(url + '/other').last()
    raise AssertionError('a path that is none')
except ProtocolError as error:
    assert error.errcode == 404

# Many at once: no message is lost and none is doubled.
count = len(proxy.last())


def publish(number):
    proxy = ServerProxy(url)
    for i in range(20):
        proxy.publish('%d %d' % (number, i))


threads = [threading.Thread(target=publish, args=(number,)) for number in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
texts = [proxy.get(id)[3] for id in proxy.last(160)]
assert len(proxy.last()) == count + 160 and len(set(texts)) == 160
print('agreed')
