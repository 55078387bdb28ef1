"""Exchanges and bindings: headers, exchange to exchange, alternate exchanges, CC and BCC, what a message carries."""

import datetime
import decimal

import pika

from session import drain, say, take


def headers_exchange(session):
    channel = session.channel()
    session.exchange(channel, "by_headers", "headers")
    matches = {
        "all": {"x-match": "all", "a": 1, "b": "two"},
        "any": {"x-match": "any", "a": 1, "b": "two"},
        "default": {"a": 1},
        "exists": {"x-match": "all", "a": None},
        "none": {},
        "all-x": {"x-match": "all-with-x", "x-a": 1},
        "any-x": {"x-match": "any-with-x", "x-a": 1, "c": 3},
        "any-nothing": {"x-match": "any"},
    }
    for name, arguments in matches.items():
        session.queue(channel, f"headers-{name}")
        channel.queue_bind(f"headers-{name}", "by_headers", arguments=arguments)
    sent = [{"a": 1, "b": "two"}, {"a": 1}, {"a": 2}, {"b": "two"}, {}, {"x-a": 1}, None, {"c": 3}]
    for headers in sent:
        channel.basic_publish("by_headers", "", str(headers).encode(), pika.BasicProperties(headers=headers))
    for name in matches:
        say(name, "gets", *drain(channel, f"headers-{name}"))


def exchange_to_exchange(session):
    channel = session.channel()
    session.exchange(channel, "source", "topic")
    session.exchange(channel, "destination", "fanout")
    queue = session.queue(channel, "behind")
    channel.exchange_bind("destination", "source", "a.*")
    channel.queue_bind(queue, "destination")
    channel.queue_bind(queue, "source", "a.b")
    channel.basic_publish("source", "a.b", b"both ways, once")
    channel.basic_publish("source", "a.c", b"one way")
    channel.basic_publish("source", "b.c", b"no way")
    say(*drain(channel, queue))
    channel.exchange_unbind("destination", "source", "a.*")
    channel.basic_publish("source", "a.c", b"unbound")
    say("after the unbind:", *drain(channel, queue))
    channel.exchange_bind("source", "destination", "#")
    channel.exchange_bind("destination", "source", "#")
    channel.basic_publish("source", "round.and.round", b"a cycle of exchanges")
    say(*drain(channel, queue))


def alternate_exchange(session):
    channel = session.channel()
    session.exchange(channel, "lost", "fanout")
    session.exchange(channel, "strict", "direct", arguments={"alternate-exchange": "lost"})
    queue = session.queue(channel, "lost-and-found")
    channel.queue_bind(queue, "lost")
    channel.basic_publish("strict", "nobody", b"routed by the alternate exchange", mandatory=True)
    method, _, body = take(channel, queue, auto_ack=True)
    say(body, "exchange", method.exchange, "key", method.routing_key)


def carbon_copies(session):
    channel = session.channel()
    queues = [session.queue(channel, name) for name in ["to", "cc", "bcc"]]
    headers = {"CC": ["cc", "cc"], "BCC": ["bcc"], "other": 1}
    channel.basic_publish("", "to", b"copies", pika.BasicProperties(headers=headers))
    for queue in queues:
        _, properties, body = take(channel, queue, auto_ack=True)
        say(queue, body, properties.headers, channel.basic_get(queue)[0])


def what_a_message_carries(session):
    channel = session.channel()
    queue = session.queue(channel, "carried")
    headers = {
        "bool": True, "byte": 7, "short": 300, "long": 70000, "longlong": 2**40, "negative": -5,
        "decimal": decimal.Decimal("12.34"), "string": "ä€😀", "list": [1, "two", [3]],
        "table": {"inner": {"deep": None}}, "void": None, "time": datetime.datetime(2020, 1, 2, 3, 4, 5),
    }
    properties = pika.BasicProperties(
        content_type="text/plain", content_encoding="utf-8", headers=headers, delivery_mode=2, priority=3,
        correlation_id="correlation", reply_to="somebody", message_id="id", timestamp=12345, type="type", user_id="guest",
        app_id="app", cluster_id="cluster",
    )
    channel.basic_publish("", queue, b"body", properties)
    _, got, body = take(channel, queue, auto_ack=True)
    say(body)
    for name in sorted(vars(properties)):
        if name != "headers":
            say(name, repr(getattr(got, name)))
    for name, value in got.headers.items():
        say("header", name, repr(value))


def bodies_of_all_lengths(session):
    channel = session.channel()
    queue = session.queue(channel, "lengths")
    for length in [0, 1, 4096 - 8, 131072 - 8, 131072 - 7, 131072, 300_000, 2_000_000]:
        body = bytes(number % 251 for number in range(min(length, 251))) * (length // 251 + 1)
        channel.basic_publish("", queue, body[:length])
        _, _, got = take(channel, queue, auto_ack=True)
        say(length, "the same" if got == body[:length] else f"not the same: {len(got)}")


def bindings_are_counted_once(session):
    channel = session.channel()
    session.exchange(channel, "twice", "direct")
    queue = session.queue(channel, "once")
    for _ in range(2):
        channel.queue_bind(queue, "twice", "key")
    channel.basic_publish("twice", "key", b"one")
    say(*drain(channel, queue))
    channel.queue_unbind(queue, "twice", "key")
    channel.basic_publish("twice", "key", b"two")
    say("after one unbind:", *drain(channel, queue))
    channel.queue_unbind(queue, "twice", "never")
    say("unbinding what is not bound is no error")


def the_default_exchange(session):
    channel = session.channel()
    queue = session.queue(channel, "plain name")
    channel.basic_publish("", "plain name", b"by the queue's name")
    say(*drain(channel, queue))
    for exchange in ["amq.direct", "amq.fanout", "amq.topic", "amq.headers", "amq.match"]:
        channel.exchange_declare(exchange, passive=True)
        channel.queue_bind(queue, exchange, "k")
    say("predeclared ones are there")
