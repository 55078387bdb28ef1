"""The patterns of RabbitMQ's tutorials: hello, work queue, publish/subscribe, routing, topics, RPC, publisher confirms."""

import uuid

import pika

from session import say, take, wait_until


def tutorial_1_hello(session):
    sender, receiver = session.channel(), session.channel()
    queue = session.queue(sender, "hello")
    sender.basic_publish("", queue, b"Hello World!")
    got = []
    receiver.basic_consume(queue, lambda _c, _m, _p, body: got.append(body), auto_ack=True)
    wait_until(receiver.connection, lambda: got)
    say("received", got)


def tutorial_2_work_queue(session):
    sender = session.channel()
    queue = session.queue(sender, "task_queue", durable=True, arguments={"x-queue-type": "quorum"})
    workers = [session.channel(), session.channel()]
    done = {0: [], 1: []}

    def worker(number):
        def work(channel, method, _properties, body):
            done[number].append(body.decode())
            channel.basic_ack(method.delivery_tag)

        return work

    for number, channel in enumerate(workers):
        channel.basic_qos(prefetch_count=1)
        channel.basic_consume(queue, worker(number))
    for task in range(10):
        properties = pika.BasicProperties(delivery_mode=pika.DeliveryMode.Persistent)
        sender.basic_publish("", queue, f"task {task}".encode(), properties)
    for _ in range(400):
        for channel in workers:
            channel.connection.process_data_events(time_limit=0.01)
        if sum(map(len, done.values())) == 10:
            break
    say("all done once:", sorted(done[0] + done[1]))
    say("both worked:", bool(done[0]) and bool(done[1]))


def tutorial_3_publish_subscribe(session):
    channel = session.channel()
    session.exchange(channel, "logs", "fanout")
    queues = [channel.queue_declare("", exclusive=True).method.queue for _ in range(2)]
    for queue in queues:
        channel.queue_bind(queue, "logs")
    channel.basic_publish("logs", "", b"info: Hello World!")
    for queue in queues:
        method, _, body = take(channel, queue, auto_ack=True)
        say(queue, body, "from exchange", repr(method.exchange), "key", repr(method.routing_key))


def tutorial_4_routing(session):
    channel = session.channel()
    session.exchange(channel, "direct_logs", "direct")
    queue = channel.queue_declare("", exclusive=True).method.queue
    for severity in ["warning", "error"]:
        channel.queue_bind(queue, "direct_logs", severity)
    for severity in ["info", "warning", "error"]:
        channel.basic_publish("direct_logs", severity, severity.encode())
    for _ in range(2):
        method, _, body = take(channel, queue, auto_ack=True)
        say(method.routing_key, body)
    say("then", channel.basic_get(queue)[0])


def tutorial_5_topics(session):
    channel = session.channel()
    session.exchange(channel, "topic_logs", "topic")
    patterns = ["#", "kern.*", "*.critical", "kern.#", "*", "a.*.#.b", "#.#", "", "lazy.#"]
    keys = ["kern.critical", "kern", "kern.a.b", "a.x.b", "a.x.y.z.b", "", ".", "lazy", "critical", "a..b"]
    queues = {}
    for pattern in patterns:
        queues[pattern] = channel.queue_declare("", exclusive=True).method.queue
        channel.queue_bind(queues[pattern], "topic_logs", pattern)
    channel.confirm_delivery()
    for key in keys:
        channel.basic_publish("topic_logs", key, repr(key).encode())
    for pattern, queue in queues.items():
        got = []
        while (message := channel.basic_get(queue, auto_ack=True))[0]:
            got.append(message[2].decode())
        say(repr(pattern), "gets", *got)


def tutorial_6_rpc(session):
    server, client = session.channel(), session.channel()
    queue = session.queue(server, "rpc_queue", durable=True, arguments={"x-queue-type": "quorum"})

    def fib(n):
        return n if n < 2 else fib(n - 1) + fib(n - 2)

    def answer(channel, method, properties, body):
        reply = pika.BasicProperties(correlation_id=properties.correlation_id)
        channel.basic_publish("", properties.reply_to, str(fib(int(body))).encode(), reply)
        channel.basic_ack(method.delivery_tag)

    server.basic_qos(prefetch_count=1)
    server.basic_consume(queue, answer)
    replies = client.queue_declare("", exclusive=True).method.queue
    call, got = str(uuid.uuid4()), []
    client.basic_consume(replies, lambda _c, _m, p, body: got.append((p.correlation_id == call, body)), auto_ack=True)
    client.basic_publish("", queue, b"12", pika.BasicProperties(reply_to=replies, correlation_id=call))
    for _ in range(400):
        server.connection.process_data_events(time_limit=0.01)
        client.connection.process_data_events(time_limit=0.01)
        if got:
            break
    say("fib(12), the call's own answer:", got)


def tutorial_7_publisher_confirms(session):
    channel = session.channel()
    queue = session.queue(channel, "confirmed", durable=True)
    channel.confirm_delivery()
    for number in range(100):
        properties = pika.BasicProperties(delivery_mode=2)
        channel.basic_publish("", queue, str(number).encode(), properties)
    say("confirmed, and there:", channel.queue_declare(queue, passive=True).method.message_count)
    try:
        channel.basic_publish("", "nobody", b"lost", mandatory=True)
    except pika.exceptions.UnroutableError as error:
        method = error.messages[0].method
        say("unroutable:", method.reply_code, method.reply_text, repr(method.exchange), repr(method.routing_key))
    channel.basic_publish("", "nobody", b"lost")
    say("not mandatory: confirmed")


def direct_reply_to(session):
    server, client = session.channel(), session.channel()
    queue = session.queue(server, "direct_rpc")
    got = []
    client.basic_consume("amq.rabbitmq.reply-to", lambda _c, m, _p, body: got.append((m.exchange, body)), auto_ack=True)
    client.basic_publish("", queue, b"ping", pika.BasicProperties(reply_to="amq.rabbitmq.reply-to"))
    _, properties, _ = take(server, queue, auto_ack=True)
    say("the server sees a name of its own:", properties.reply_to.startswith("amq.rabbitmq.reply-to."))
    server.basic_publish("", properties.reply_to, b"pong")
    wait_until(client.connection, lambda: got)
    say("received", got)
