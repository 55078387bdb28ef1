"""How the broker says no: each close code of the specification that programs meet."""

import pika
from pika import spec

from session import refused, say, take


def _declare(session, what, **settings):
    channel = session.channel()
    name = settings.pop("name", "refused-" + what.replace(" ", "-"))
    session.names.append(("queue", name))
    refused(what, lambda: channel.queue_declare(name, **settings))


def what_is_not_there(session):
    for what, action in {
        "queue": lambda channel: channel.queue_declare("no such queue", passive=True),
        "exchange": lambda channel: channel.exchange_declare("no such exchange", passive=True),
        "consume": lambda channel: channel.basic_consume("no such queue", lambda *_: None),
        "get": lambda channel: channel.basic_get("no such queue"),
        "purge": lambda channel: channel.queue_purge("no such queue"),
        "bind a queue": lambda channel: channel.queue_bind("no such queue", "amq.direct"),
        "bind to an exchange": lambda channel: channel.exchange_bind("amq.direct", "no such exchange"),
    }.items():
        channel = session.channel()
        refused(what, lambda: action(channel))
    channel = session.channel()
    channel.basic_publish("no such exchange", "", b"x")
    refused("publish", lambda: channel.queue_declare("", exclusive=True))


def declared_differently(session):
    channel = session.channel()
    session.queue(channel, "settled", arguments={"x-max-length": 5})
    session.exchange(channel, "settled-exchange", "direct")
    for what, settings in {
        "durable": {"durable": True, "arguments": {"x-max-length": 5}},
        "auto-delete": {"auto_delete": True, "arguments": {"x-max-length": 5}},
        "an argument": {"arguments": {"x-max-length": 6}},
        "no argument": {},
    }.items():
        channel = session.channel()
        refused(what, lambda: channel.queue_declare("settled", **settings))
    for what, settings in {"kind": {"exchange_type": "fanout"}, "durable": {"exchange_type": "direct", "durable": True}}.items():
        channel = session.channel()
        refused(what, lambda: channel.exchange_declare("settled-exchange", **settings))


def arguments_without_sense(session):
    for what, arguments in {
        "negative ttl": {"x-message-ttl": -1},
        "ttl as text": {"x-message-ttl": "soon"},
        "expires in no time": {"x-expires": 0},
        "negative length": {"x-max-length": -1},
        "unknown overflow": {"x-overflow": "explode"},
        "key without exchange": {"x-dead-letter-routing-key": "x"},
        "too many priorities": {"x-max-priority": 256},
        "unknown kind": {"x-queue-type": "fast"},
        "not a truth": {"x-single-active-consumer": "yes"},
    }.items():
        _declare(session, what, arguments=arguments)
    _declare(session, "quorum that is transient", arguments={"x-queue-type": "quorum"})
    _declare(session, "quorum that is exclusive", durable=True, exclusive=True, arguments={"x-queue-type": "quorum"})
    _declare(session, "reserved name", name="amq.mine")
    channel = session.channel()
    refused("reserved exchange", lambda: channel.exchange_declare("amq.mine", "direct"))
    channel = session.channel()
    refused("unknown match", lambda: channel.queue_bind(channel.queue_declare("", exclusive=True).method.queue, "amq.headers", arguments={"x-match": "some"}))


def the_default_exchange_is_not_touched(session):
    for what, action in {
        "bind": lambda channel, queue: channel.queue_bind(queue, ""),
        "unbind": lambda channel, queue: channel.queue_unbind(queue, ""),
        "delete": lambda channel, queue: channel.exchange_delete(""),
        "declare": lambda channel, queue: channel.exchange_declare("", "direct"),
        "delete amq.direct": lambda channel, queue: channel.exchange_delete("amq.direct"),
    }.items():
        channel = session.channel()
        queue = channel.queue_declare("", exclusive=True).method.queue
        refused(what, lambda: action(channel, queue))


def acknowledgements_without_sense(session):
    channel = session.channel()
    channel.basic_ack(7)
    refused("unknown tag", lambda: channel.queue_declare("", exclusive=True))
    channel = session.channel()
    channel.basic_reject(0)
    refused("reject of tag 0", lambda: channel.queue_declare("", exclusive=True))
    channel = session.channel()
    channel.basic_ack(0, multiple=True)
    refused("all of none", lambda: channel.queue_declare("", exclusive=True))
    channel = session.channel()
    queue = session.queue(channel, "once-only")
    channel.basic_publish("", queue, b"x")
    tag = take(channel, queue)[0].delivery_tag
    channel.basic_ack(tag)
    channel.basic_ack(tag)
    refused("acknowledged twice", lambda: channel.queue_declare("", exclusive=True))


def messages_without_sense(session):
    for what, properties in {
        "expiration": pika.BasicProperties(expiration="tomorrow"),
        "user": pika.BasicProperties(user_id="somebody"),
        "no list of copies": pika.BasicProperties(headers={"CC": "one"}),
    }.items():
        channel = session.channel()
        channel.basic_publish("", "anywhere", b"x", properties)
        refused(what, lambda: channel.queue_declare("", exclusive=True))
    channel = session.channel()
    session.exchange(channel, "inner", "direct", internal=True)
    channel.basic_publish("inner", "", b"x")
    refused("internal exchange", lambda: channel.queue_declare("", exclusive=True))
    channel = session.channel()
    channel.basic_publish("", "x", b"x", pika.BasicProperties(reply_to="amq.rabbitmq.reply-to"))
    refused("reply without its consumer", lambda: channel.queue_declare("", exclusive=True))


def consumers_that_cannot_be(session):
    channel, other = session.channel(), session.channel()
    queue = session.queue(channel, "wanted")
    channel.basic_consume(queue, lambda *_: None, exclusive=True)
    refused("exclusive consumer", lambda: other.basic_consume(queue, lambda *_: None))
    channel = session.channel()
    queue = channel.queue_declare("", exclusive=True).method.queue
    channel.basic_consume(queue, lambda *_: None, consumer_tag="same")
    channel._impl._send_method(spec.Basic.Consume(queue=queue, consumer_tag="same"))
    refused("the same tag again", lambda: channel.queue_declare("", exclusive=True))


def modes_do_not_mix(session):
    channel = session.channel()
    channel.tx_select()
    refused("confirms in a transaction", channel.confirm_delivery)
    channel = session.channel()
    channel.confirm_delivery()
    refused("a transaction with confirms", channel.tx_select)
    channel = session.channel()
    refused("a commit without a transaction", channel.tx_commit)


def what_is_not_implemented(session):
    channel = session.channel()
    channel._impl._send_method(spec.Basic.Publish(exchange="", routing_key="x", immediate=True), (pika.BasicProperties(), b"x"))
    refused("immediate", lambda: channel.queue_declare("", exclusive=True))
    channel = session.channel()
    refused("prefetch in bytes", lambda: channel.basic_qos(prefetch_size=10))
    channel = session.channel()
    refused("recover to the same consumer", lambda: channel.basic_recover(requeue=False))


def delete_only_if(session):
    channel = session.channel()
    queue = session.queue(channel, "precious")
    channel.confirm_delivery()
    channel.basic_publish("", queue, b"x")
    refused("not empty", lambda: channel.queue_delete(queue, if_empty=True))
    channel = session.channel()
    channel.basic_consume(queue, lambda *_: None)
    refused("in use", lambda: channel.queue_delete(queue, if_unused=True))
    channel = session.channel()
    session.exchange(channel, "bound-exchange", "fanout")
    channel.queue_bind(queue, "bound-exchange")
    refused("exchange in use", lambda: channel.exchange_delete("bound-exchange", if_unused=True))


def logins(session):
    for what, settings in {
        "wrong password": {"credentials": pika.PlainCredentials("guest", "wrong")},
        "unknown user": {"credentials": pika.PlainCredentials("nobody", "guest")},
        "unknown virtual host": {"virtual_host": "nowhere"},
    }.items():
        try:
            session.connect(**settings)
            say(what, "not refused")
        except pika.exceptions.AMQPConnectionError as error:
            say(what, type(error).__name__, getattr(error, "args", [""])[0] if error.args else "")


def the_connection_goes_on_after_a_channel_error(session):
    connection = session.connect()
    good, bad = connection.channel(), connection.channel()
    queue = session.queue(good, "survivor")
    refused("on one channel", lambda: bad.queue_declare("not there", passive=True))
    good.basic_publish("", queue, b"still here")
    say("on the other:", take(good, queue, auto_ack=True)[2])
    again = connection.channel()
    say("a new channel:", again.is_open)
