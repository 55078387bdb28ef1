"""Streams: a log that many read, from any place."""

import pika

from session import say, wait_until


def _read(session, queue, wanted, **arguments):
    channel = session.channel()
    got = []

    def work(_channel, method, properties, body):
        got.append((properties.headers.get("x-stream-offset"), body))
        channel.basic_ack(method.delivery_tag)

    channel.basic_qos(prefetch_count=10)
    channel.basic_consume(queue, work, arguments=arguments)
    wait_until(channel.connection, lambda: len(got) >= wanted)
    channel.connection.close()
    return got


def a_stream_is_read_again(session):
    channel = session.channel()
    queue = session.queue(channel, "history", durable=True, arguments={"x-queue-type": "stream"})
    channel.confirm_delivery()
    for number in range(25):
        channel.basic_publish("", queue, str(number).encode())
    first = _read(session, queue, 25, **{"x-stream-offset": "first"})
    say("from the first:", len(first), first[0], first[-1])
    say("again:", _read(session, queue, 25, **{"x-stream-offset": "first"}) == first)
    say("from offset 20:", _read(session, queue, 5, **{"x-stream-offset": 20}))


def a_stream_wants_credit(session):
    channel = session.channel()
    queue = session.queue(channel, "credit", durable=True, arguments={"x-queue-type": "stream"})
    try:
        channel.basic_consume(queue, lambda *_: None)
    except pika.exceptions.ChannelClosedByBroker as error:
        say("without prefetch:", error.reply_code, error.reply_text)
    channel = session.channel()
    try:
        channel.basic_get(queue)
    except (pika.exceptions.ChannelClosedByBroker, pika.exceptions.ConnectionClosedByBroker) as error:
        say("get:", error.reply_code)
