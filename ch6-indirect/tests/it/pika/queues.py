"""Queues: time to live, length limits, dead letters, priorities, exclusive and automatic ones."""

import time

import pika
from pika.exceptions import NackError

from session import count, drain, say, take, wait_for_count, wait_until


def _deaths(properties):
    return [
        {key: value for key, value in sorted(death.items()) if key != "time"} for death in properties.headers["x-death"]
    ]


def queue_ttl_dead_letters(session):
    channel = session.channel()
    dead = session.queue(channel, "expired")
    arguments = {"x-message-ttl": 50, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead}
    session.queue(channel, "short-lived", arguments=arguments)
    channel.basic_publish("", "short-lived", b"too late", pika.BasicProperties(headers={"mine": 1}))
    method, properties, body = take(channel, dead, auto_ack=True)
    say(body, repr(method.exchange), method.routing_key, method.redelivered)
    say(_deaths(properties))
    say({key: value for key, value in sorted(properties.headers.items()) if key != "x-death"})


def message_ttl(session):
    channel = session.channel()
    queue = session.queue(channel, "by-message")
    channel.basic_publish("", queue, b"never expires")
    channel.basic_publish("", queue, b"expires", pika.BasicProperties(expiration="60"))
    say("one is taken:", take(channel, queue, auto_ack=True)[2])
    wait_for_count(channel, queue, 0)
    say("the other has expired")
    channel.basic_publish("", queue, b"now", pika.BasicProperties(expiration="0"))
    wait_for_count(channel, queue, 0)
    say("expiration 0 without a consumer: gone")
    got = []
    channel.basic_consume(queue, lambda _c, _m, _p, body: got.append(body), auto_ack=True)
    channel.basic_publish("", queue, b"now", pika.BasicProperties(expiration="0"))
    wait_until(channel.connection, lambda: got)
    say("expiration 0 with a consumer:", got)


def dead_letters_keep_the_expiration_out(session):
    channel = session.channel()
    dead = session.queue(channel, "dead")
    session.queue(channel, "alive", arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead})
    channel.basic_publish("", "alive", b"x", pika.BasicProperties(expiration="30"))
    _, properties, _ = take(channel, dead, auto_ack=True)
    say("expiration is gone:", properties.expiration, "and kept in x-death:", properties.headers["x-death"][0]["original-expiration"])


def rejected_messages_are_dead_lettered(session):
    channel = session.channel()
    session.exchange(channel, "graveyard", "direct")
    dead = session.queue(channel, "rejected")
    channel.queue_bind(dead, "graveyard", "work")
    queue = session.queue(channel, "work", arguments={"x-dead-letter-exchange": "graveyard"})
    for body in [b"one", b"two", b"three"]:
        channel.basic_publish("", queue, body)
    method = take(channel, queue)[0]
    channel.basic_reject(method.delivery_tag, requeue=False)
    take(channel, queue)
    method = take(channel, queue)[0]
    channel.basic_nack(method.delivery_tag, multiple=True, requeue=False)
    wait_for_count(channel, dead, 3)
    for _ in range(3):
        _, properties, body = take(channel, dead, auto_ack=True)
        say(body, _deaths(properties))


def dead_letter_cycles(session):
    channel = session.channel()
    arguments = {"x-message-ttl": 20, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": "round"}
    queue = session.queue(channel, "round", arguments=arguments)
    channel.basic_publish("", queue, b"round and round")
    wait_for_count(channel, queue, 0)
    time.sleep(0.1)
    say("an expired message does not go round:", count(channel, queue))
    session.queue(channel, "left", arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "right"})
    arguments = {"x-message-ttl": 20, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": "left"}
    session.queue(channel, "right", arguments=arguments)
    channel.basic_publish("", "left", b"ping")
    for turn in range(3):
        method, properties, _ = take(channel, "left")
        deaths = properties.headers["x-death"] if properties.headers else []
        say("turn", turn, sorted((death["queue"], death["reason"], death["count"]) for death in deaths))
        channel.basic_reject(method.delivery_tag, requeue=False)
    say("a rejected one does, each time:", take(channel, "left", auto_ack=True)[2])


def length_limit_drops_the_oldest(session):
    channel = session.channel()
    dead = session.queue(channel, "over")
    arguments = {"x-max-length": 3, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead}
    queue = session.queue(channel, "at-most-3", arguments=arguments)
    for number in range(5):
        channel.basic_publish("", queue, str(number).encode())
    wait_for_count(channel, dead, 2)
    _, properties, body = take(channel, dead, auto_ack=True)
    say(body, _deaths(properties))
    say("left:", *drain(channel, queue))


def length_limit_in_bytes(session):
    channel = session.channel()
    queue = session.queue(channel, "at-most-10-bytes", arguments={"x-max-length-bytes": 10})
    for body in [b"aaaa", b"bbbb", b"cccc", b"dddddddddddd"]:
        channel.basic_publish("", queue, body)
    say("left:", *drain(channel, queue))


def length_limit_refuses_the_newest(session):
    channel = session.channel()
    queue = session.queue(channel, "refusing", arguments={"x-max-length": 2, "x-overflow": "reject-publish"})
    channel.confirm_delivery()
    for number in range(4):
        try:
            channel.basic_publish("", queue, str(number).encode())
            say(number, "confirmed")
        except NackError:
            say(number, "refused")
    say("left:", *drain(channel, queue))


def priorities(session):
    channel = session.channel()
    queue = session.queue(channel, "by-priority", arguments={"x-max-priority": 5})
    for number, priority in enumerate([0, 5, 1, None, 9, 5, 1]):
        channel.basic_publish("", queue, f"{number} of {priority}".encode(), pika.BasicProperties(priority=priority))
    say(*drain(channel, queue), separator=" | ")


def priority_is_not_redelivered_at_first(session):
    channel = session.channel()
    queue = session.queue(channel, "first-time", arguments={"x-max-priority": 3})
    for number in range(4):
        channel.basic_publish("", queue, str(number).encode(), pika.BasicProperties(priority=number % 2))
    got = []

    def work(_channel, method, _properties, body):
        got.append((body, method.redelivered))
        channel.basic_ack(method.delivery_tag)

    channel.basic_qos(prefetch_count=1)
    channel.basic_consume(queue, work)
    wait_until(channel.connection, lambda: len(got) == 4)
    say(got)


def queue_expires(session):
    channel = session.channel()
    session.queue(channel, "unused", arguments={"x-expires": 50})
    end = time.monotonic() + 10
    while time.monotonic() < end:
        time.sleep(0.1)
        other = session.channel()
        try:
            other.queue_declare("unused", passive=True)  # a declaration counts as use: so ever more slowly
            time.sleep(0.4)
        except pika.exceptions.ChannelClosedByBroker as error:
            say("gone:", error.reply_code)
            return
    say("still there")


def automatic_ones_go(session):
    channel = session.channel()
    queue = session.queue(channel, "with-its-consumer", auto_delete=True)
    tag = channel.basic_consume(queue, lambda *_: None)
    channel.basic_cancel(tag)
    try:
        channel.queue_declare(queue, passive=True)
        say("the queue is still there")
    except pika.exceptions.ChannelClosedByBroker as error:
        say("the queue is gone:", error.reply_code)
    channel = session.channel()
    session.exchange(channel, "with-its-bindings", "fanout", auto_delete=True)
    queue = session.queue(channel, "bound")
    channel.queue_bind(queue, "with-its-bindings")
    channel.queue_unbind(queue, "with-its-bindings")
    try:
        channel.exchange_declare("with-its-bindings", passive=True)
        say("the exchange is still there")
    except pika.exceptions.ChannelClosedByBroker as error:
        say("the exchange is gone:", error.reply_code)


def exclusive_ones_go_with_their_connection(session):
    owner, other = session.connect(), session.channel()
    owner.channel().queue_declare("mine-only", exclusive=True)
    try:
        other.basic_get("mine-only")
    except pika.exceptions.ChannelClosedByBroker as error:
        say("for others:", error.reply_code)
    owner.close()
    fresh = session.channel()
    fresh.queue_declare("mine-only", exclusive=True)
    say("after a clean end it is free at once")


def counts(session):
    channel = session.channel()
    queue = session.queue(channel, "counted")
    for _ in range(5):
        channel.basic_publish("", queue, b"x")
    wait_for_count(channel, queue, 5)
    method = take(channel, queue)[0]
    say("get: left", method.message_count)
    say("ready:", count(channel, queue))
    say("purged:", channel.queue_purge(queue).method.message_count)
    channel.basic_nack(method.delivery_tag)
    wait_for_count(channel, queue, 1)
    say("the unacknowledged one came back; deleted:", channel.queue_delete(queue).method.message_count)
    say("deleting what is not there is no error:", channel.queue_delete(queue).method.message_count)


def single_active_consumer(session):
    first, second = session.channel(), session.channel()
    queue = session.queue(first, "one-at-a-time", arguments={"x-single-active-consumer": True})
    got = []
    first.basic_consume(queue, lambda _c, _m, _p, body: got.append(("first", body)), auto_ack=True)
    second.basic_consume(queue, lambda _c, _m, _p, body: got.append(("second", body)), auto_ack=True)
    for number in range(4):
        first.basic_publish("", queue, str(number).encode())
    wait_until(first.connection, lambda: len(got) == 4)
    say(got)
    got.clear()
    first.connection.close()
    second.basic_publish("", queue, b"next")
    wait_until(second.connection, lambda: got)
    say(got)


def consumer_priorities(session):
    low, high = session.channel(), session.channel()
    queue = session.queue(low, "preferred")
    got = []
    low.basic_consume(queue, lambda _c, _m, _p, body: got.append(("low", body)), auto_ack=True)
    high.basic_qos(prefetch_count=2)
    high.basic_consume(queue, lambda _c, _m, _p, body: got.append(("high", body)), arguments={"x-priority": 10})
    for number in range(4):
        low.basic_publish("", queue, str(number).encode())
    for _ in range(100):
        low.connection.process_data_events(time_limit=0.01)
        high.connection.process_data_events(time_limit=0.01)
        if len(got) == 4:
            break
    say(sorted(got))
