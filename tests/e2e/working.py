"""One environment of the function, fed from the queue one message at a time as Lambda feeds it. Run by tests.

Usage: python -m tests.e2e.working TASK_ROOT SECONDS VISIBLE_AGAIN_S < (a pipe whose end ends the process)

The environment names the deployment. SECONDS is the function's time limit.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import Any

from safelight.aws.access import access_from
from safelight.aws.client import Client
from safelight.aws.queue import SqsQueue
from safelight.entry.function import TIMING, Function
from safelight.ports import Message


class Context:
    """What Lambda tells of an invocation that begins now."""

    aws_request_id = "request-1"

    def __init__(self, seconds: float = 60.0) -> None:
        self._ends = time.time() + seconds

    def get_remaining_time_in_millis(self) -> int:
        """Return what is left."""
        return int((self._ends - time.time()) * 1000)


def batch_of(message: Message) -> dict[str, Any]:
    """Return a message as a batch of one."""
    record = {
        "messageId": message.id,
        "receiptHandle": message.receipt,
        "body": message.body.decode(),
        "attributes": {"ApproximateReceiveCount": str(message.receives)},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
    }
    return {"Records": [record]}


def main(root: str, seconds: float, visible_again_s: float) -> None:
    """Take messages until the pipe ends; delete those that the function does not want again."""
    environ = {**os.environ, "LAMBDA_TASK_ROOT": root}
    function = Function(environ, sys.stdout)
    queue = SqsQueue(Client(access_from(environ), TIMING), environ["SAFELIGHT_QUEUE_URL"], "")
    while True:
        for message in queue.receive(1, visible_again_s=visible_again_s):
            answer = function.handle(batch_of(message), Context(seconds))
            if answer == {"batchItemFailures": []}:
                queue.delete(message)


def _end_with_the_pipe() -> None:
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    threading.Thread(target=_end_with_the_pipe, daemon=True).start()
    main(sys.argv[1], float(sys.argv[2]), float(sys.argv[3]))
