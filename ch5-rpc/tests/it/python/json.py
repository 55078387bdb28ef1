# JSON-RPC with nothing but the standard library. The first argument is http://host:port.
import json, sys, urllib.error, urllib.request

url = sys.argv[1] + '/rpc'


def post(content):
    request = urllib.request.Request(url, content, {'Content-Type': 'application/json'})
    with urllib.request.urlopen(request) as response:
        body = response.read()
        assert (response.status == 204) == (body == b''), (response.status, body)
        return json.loads(body) if body else None


def call(method, params=None, **more):
    request = {'jsonrpc': '2.0', 'method': method, **more}
    if params is not None:
        request['params'] = params
    return post(json.dumps(request).encode())


assert call('publish', ['hello'], id='a') == {'jsonrpc': '2.0', 'result': 0, 'id': 'a'}
assert call('publish', {'source': ['h', 1], 'msg': 'named'}, id=1.5) == {'jsonrpc': '2.0', 'result': 1, 'id': 1.5}
assert call('publish', ['nobody waits']) is None
assert call('last', id=None) == {'jsonrpc': '2.0', 'result': [0, 1, 2], 'id': None}
assert call('get', [1], id=2)['result'][1:] == ['h', 1, 'named']
assert call('publish', ['\x01\u20ac\x00'], id=3)['result'] == 3
assert call('get', {'id': 3}, id=4)['result'][3] == '\x01\u20ac\x00'
assert call('nothing', id=5)['error']['code'] == -32601
assert call('last', [1, 2], id=5)['error']['code'] == -32602
assert post(b'{')['error']['code'] == -32700 and post(b'[]')['error']['code'] == -32600
batch = [{'jsonrpc': '2.0', 'method': 'last', 'params': [1], 'id': i} for i in range(1000)]
assert [answer['id'] for answer in post(json.dumps(batch).encode())] == list(range(1000))
assert post(json.dumps(batch + batch[:1]).encode())['error']['code'] == -32600
assert post(json.dumps([{'jsonrpc': '2.0', 'method': 'last'}] * 2).encode()) is None
print('agreed')
