"""What was delivered and what becomes of it: acknowledge, reject, recover, prefetch, transactions, cancelling."""

import pika

from session import count, drain, say, take, wait_for_count, wait_until


def _filled(session, name, messages, **settings):
    channel = session.channel()
    queue = session.queue(channel, name, **settings)
    channel.confirm_delivery()
    for number in range(messages):
        channel.basic_publish("", queue, str(number).encode())
    return queue


def requeued_where_it_stood(session):
    queue = _filled(session, "ordered", 4)
    channel = session.channel()
    tags = [take(channel, queue)[0].delivery_tag for _ in range(3)]
    channel.basic_nack(tags[1])
    method, _, body = take(channel, queue)
    say(body, "redelivered" if method.redelivered else "new")
    channel.basic_reject(tags[0])
    method, _, body = take(channel, queue)
    say(body, "redelivered" if method.redelivered else "new")
    say("next:", take(channel, queue)[2])


def a_dead_consumer_gives_back_in_order(session):
    queue = _filled(session, "given-back", 8)
    channel = session.channel()
    got = []
    channel.basic_qos(prefetch_count=5)
    channel.basic_consume(queue, lambda _c, _m, _p, body: got.append(body))
    wait_until(channel.connection, lambda: len(got) == 5)
    channel.connection.close()
    channel = session.channel()
    wait_for_count(channel, queue, 8)
    for _ in range(3):
        method, _, body = take(channel, queue)
        say(body, "redelivered" if method.redelivered else "new")
        channel.basic_nack(method.delivery_tag)
    say(*drain(channel, queue))


def acknowledge_several(session):
    queue = _filled(session, "several", 5)
    channel = session.channel()
    tags = [take(channel, queue)[0].delivery_tag for _ in range(5)]
    say("tags", tags)
    channel.basic_ack(tags[2], multiple=True)
    channel.basic_nack(0, multiple=True)
    wait_for_count(channel, queue, 2)
    say("left:", *drain(channel, queue))


def tags_belong_to_the_channel(session):
    queue = _filled(session, "tags", 2)
    connection = session.connect()
    one, two = connection.channel(), connection.channel()
    say(take(one, queue)[0].delivery_tag, take(two, queue)[0].delivery_tag)


def recover_gives_back_all(session):
    queue = _filled(session, "recovered", 3)
    channel = session.channel()
    got = []
    channel.basic_consume(queue, lambda _c, m, _p, body: got.append((body, m.redelivered)))
    wait_until(channel.connection, lambda: len(got) == 3)
    channel.basic_recover(requeue=True)
    wait_until(channel.connection, lambda: len(got) == 6)
    say(got)


def prefetch_of_a_consumer_and_of_a_channel(session):
    queue = _filled(session, "prefetched", 20)
    channel = session.channel()
    got = {"a": 0, "b": 0, "c": 0}

    def counter(name):
        def work(*_):
            got[name] += 1

        return work

    channel.basic_qos(prefetch_count=3)
    channel.basic_consume(queue, counter("a"))
    channel.basic_qos(prefetch_count=2)
    channel.basic_consume(queue, counter("b"))
    channel.connection.process_data_events(time_limit=0.3)
    say("each its own:", got["a"], got["b"])
    channel.connection.close()
    channel = session.channel()
    got.update(a=0, b=0)
    channel.basic_qos(prefetch_count=4, global_qos=True)
    channel.basic_consume(queue, counter("a"))
    channel.basic_consume(queue, counter("b"))
    channel.connection.process_data_events(time_limit=0.3)
    say("together:", got["a"] + got["b"])


def cancelling_keeps_what_is_unacknowledged(session):
    queue = _filled(session, "kept", 3)
    channel = session.channel()
    got = []
    channel.basic_qos(prefetch_count=2)
    tag = channel.basic_consume(queue, lambda _c, m, _p, _b: got.append(m.delivery_tag))
    wait_until(channel.connection, lambda: len(got) == 2)
    channel.basic_cancel(tag)
    say("ready:", count(channel, queue))
    channel.basic_ack(got[-1], multiple=True)
    say("then:", *drain(channel, queue))


def told_that_the_queue_is_gone(session):
    channel, other = session.channel(), session.channel()
    queue = session.queue(channel, "vanishing")
    told = []
    channel.add_on_cancel_callback(told.append)
    channel.basic_consume(queue, lambda *_: None, consumer_tag="me")
    other.queue_delete(queue)
    wait_until(channel.connection, lambda: told)
    say("cancelled:", told[0].method.consumer_tag if told else None)
    channel.queue_declare(queue)
    say("the channel goes on")


def transactions(session):
    channel, other = session.channel(), session.channel()
    queue = session.queue(channel, "transacted")
    channel.tx_select()
    channel.basic_publish("", queue, b"one")
    say("before the commit:", count(other, queue))
    channel.tx_commit()
    say("after:", count(other, queue))
    channel.basic_publish("", queue, b"two")
    channel.tx_rollback()
    channel.tx_commit()
    say("rolled back:", count(other, queue))
    method = take(channel, queue)[0]
    channel.basic_ack(method.delivery_tag)
    channel.tx_rollback()
    channel.basic_ack(method.delivery_tag)
    channel.tx_commit()
    channel.connection.close()
    say("acknowledged in a transaction:", count(other, queue))


def quorum_counts_deliveries(session):
    arguments = {"x-queue-type": "quorum", "x-delivery-limit": 2}
    arguments |= {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "poisonous"}
    channel = session.channel()
    session.queue(channel, "poisonous")
    queue = session.queue(channel, "poisoned", durable=True, arguments=arguments)
    channel.basic_publish("", queue, b"poison")
    for _ in range(3):
        method, properties, _ = take(channel, queue)
        say("redelivered" if method.redelivered else "new", properties.headers)
        channel.basic_nack(method.delivery_tag)
    _, properties, body = take(channel, "poisonous", auto_ack=True)
    say(body, [(death["reason"], death["count"]) for death in properties.headers["x-death"]])


def confirms_and_returns_in_order(session):
    connection = session.connect()
    channel = connection.channel()
    seen = []
    implementation = channel._impl
    selected = []
    implementation.confirm_delivery(lambda frame: seen.append(type(frame.method).__name__), callback=selected.append)
    wait_until(connection, lambda: selected)
    implementation.add_on_return_callback(lambda _c, method, _p, body: seen.append((method.reply_code, body)))
    implementation.basic_publish("", "nobody at all", b"first", mandatory=True)
    wait_until(connection, lambda: len(seen) == 2)
    say(seen)


def user_id_must_be_true(session):
    channel = session.channel()
    queue = session.queue(channel, "signed")
    channel.basic_publish("", queue, b"mine", pika.BasicProperties(user_id="guest"))
    say(take(channel, queue, auto_ack=True)[1].user_id)
