"""AWS on loopback: ministack, for as long as somebody holds this process' standard input.

It takes its settings from the environment, as `ministack` itself does. Three things are added. It ends, with the functions that
it runs, when its input ends, so that nothing outlives a test however that one dies. It takes events of AWS' own sources
from outside: the instances are not ministack's, and somebody has to say that one of them will be interrupted. And while the file
that `QUEUES_DOWN` names is there, SQS is down: calls get no answer but a 503, and no function hears of what waits.
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


def have_queues_down_at_times() -> None:
    from ministack.services import sqs

    is_down = lambda: os.path.exists(os.environ["QUEUES_DOWN"])
    handle, receive = sqs.handle_request, sqs._receive_messages_for_esm

    async def handle_if_up(*request):
        if not is_down():
            return await handle(*request)
        return 503, {"Content-Type": "application/x-amz-json-1.0"}, b'{"__type":"ServiceUnavailable"}'

    sqs.handle_request = handle_if_up
    sqs._receive_messages_for_esm = lambda *asked: [] if is_down() else receive(*asked)


def main() -> None:
    if os.getpgrp() != os.getpid():
        os.setpgid(0, 0)
    threading.Thread(target=end_with_input, daemon=True).start()
    take_events_of_aws()
    have_queues_down_at_times()
    from ministack.app import main as serve

    sys.argv = ["ministack"]
    serve()


main()
