"""AWS on loopback: ministack, for as long as somebody holds this process' standard input.

It takes its settings from the environment, as `ministack` itself does. Two things are added. It ends, with the functions that
it runs, when its input ends, so that nothing outlives a test however that one dies. And it takes events of AWS' own sources
from outside: the instances are not ministack's, and somebody has to say that one of them will be interrupted.
"""

import os
import signal
import sys
import threading


def end_with_input() -> None:
    sys.stdin.buffer.read()
    os.killpg(0, signal.SIGKILL)


def take_events_of_aws() -> None:
    from ministack.services import eventbridge

    put_events = eventbridge._put_events
    eventbridge._put_events = lambda data, **_: put_events(data, allow_aws_source=True)
    # The table of operations may hold the function itself.
    for table in vars(eventbridge).values():
        if isinstance(table, dict):
            for name, value in list(table.items()):
                if value is put_events:
                    table[name] = eventbridge._put_events


def main() -> None:
    if os.getpgrp() != os.getpid():
        os.setpgid(0, 0)
    threading.Thread(target=end_with_input, daemon=True).start()
    take_events_of_aws()
    from ministack.app import main as serve

    sys.argv = ["ministack"]
    serve()


main()
