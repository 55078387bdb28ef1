"""Runs programs written with pika, the client that the notes name, against any broker of AMQP 0-9-1, and prints what they see.

    python3 run.py amqp://guest:guest@127.0.0.1:5672/ --list
    python3 run.py amqp://guest:guest@127.0.0.1:5672/ tutorial_1_hello …

What is printed depends on nothing but the broker: no names that it makes, no times. So the same program against two brokers can be
compared line by line.
"""

import sys

import acknowledgements
import errors
import queues
import routing
import streams
import tutorials
from session import Session

MODULES = [tutorials, routing, queues, acknowledgements, streams, errors]


def programs():
    for module in MODULES:
        for name, program in vars(module).items():
            if callable(program) and getattr(program, "__module__", "") == module.__name__ and not name.startswith("_"):
                yield name, program


def main():
    url, names = sys.argv[1], sys.argv[2:]
    known = dict(programs())
    if names == ["--list"]:
        print("\n".join(known))
        return
    for name in names or known:
        print(f"== {name}", flush=True)
        session = Session(url)
        try:
            known[name](session)
        except Exception as error:  # a broker that does not do what the program expects: part of what it sees
            print(f"ended by {type(error).__name__}: {error}", flush=True)
        finally:
            session.close()


main()
