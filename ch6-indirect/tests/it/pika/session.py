"""What all programs need: connections that end, queues that are gone afterwards, and lines that are the same in each run."""

import re
import time

import pika
from pika.exceptions import AMQPError, ChannelClosed, ConnectionClosed

PATIENCE = 10  # seconds until something that should come counts as missing


def say(*what, separator=" "):
    text = separator.join(str(one) for one in what)
    print(re.sub(r"amq\.gen-[\w-]+", "amq.gen-…", text), flush=True)


class Session:
    def __init__(self, url):
        self.url = url
        self.connections = []
        self.names = []

    def connect(self, **settings):
        parameters = pika.URLParameters(self.url)
        for name, value in settings.items():
            setattr(parameters, name, value)
        parameters.heartbeat = settings.get("heartbeat", 0)
        connection = pika.BlockingConnection(parameters)
        self.connections.append(connection)
        return connection

    def channel(self, **settings):
        return self.connect(**settings).channel()

    def queue(self, channel, name, **settings):
        """A queue without a past, and gone when the program has ended."""
        self.forget(queue=name)
        channel.queue_declare(name, **settings)
        self.names.append(("queue", name))
        return name

    def exchange(self, channel, name, kind, **settings):
        self.forget(exchange=name)
        channel.exchange_declare(name, kind, **settings)
        self.names.append(("exchange", name))
        return name

    def forget(self, queue=None, exchange=None):
        connection = pika.BlockingConnection(pika.URLParameters(self.url))
        try:
            channel = connection.channel()
            if queue:
                channel.queue_delete(queue)
            if exchange:
                channel.exchange_delete(exchange)
        except AMQPError:
            pass
        finally:
            if connection.is_open:
                connection.close()

    def close(self):
        for connection in self.connections:
            try:
                if connection.is_open:
                    connection.close()
            except AMQPError:
                pass
        for kind, name in self.names:
            self.forget(**{kind: name})


def wait_until(connection, condition, patience=PATIENCE):
    """Lets the connection work until the condition holds."""
    end = time.monotonic() + patience
    while not condition():
        if time.monotonic() > end:
            say("(it did not come)")
            return False
        connection.process_data_events(time_limit=0.05)
    return True


def take(channel, queue, patience=PATIENCE, **settings):
    """`basic.get`, again and again until there is a message."""
    end = time.monotonic() + patience
    while True:
        method, properties, body = channel.basic_get(queue, **settings)
        if method or time.monotonic() > end:
            return method, properties, body
        time.sleep(0.02)


def drain(channel, queue):
    """All bodies that wait."""
    bodies = []
    while True:
        method, _, body = channel.basic_get(queue, auto_ack=True)
        if not method:
            return bodies
        bodies.append(body.decode())


def count(channel, queue):
    return channel.queue_declare(queue, passive=True).method.message_count


def wait_for_count(channel, queue, wanted, patience=PATIENCE):
    end = time.monotonic() + patience
    while count(channel, queue) != wanted:
        if time.monotonic() > end:
            say("(it did not become", wanted, "but is", count(channel, queue), ")")
            return
        time.sleep(0.02)


def refused(what, action):
    """Does what must be refused, and says how it was."""
    try:
        action()
    except ChannelClosed as error:
        say(f"{what}: channel closed, {error.reply_code} {error.reply_text}")
    except ConnectionClosed as error:
        say(f"{what}: connection closed, {error.reply_code} {error.reply_text}")
    except AMQPError as error:
        say(f"{what}: {type(error).__name__}")
    else:
        say(f"{what}: not refused")
