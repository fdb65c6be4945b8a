"""The contract of every queue."""

from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import chain

from safelight.ports import Message, Queue

Advance = Callable[[float], None]


def _ids(messages: Iterable[Message]) -> list[str]:
    return sorted(message.id for message in messages)


def test_receive_from_empty_queue_gives_nothing(queue: Queue) -> None:
    """An empty queue answers at once."""
    assert queue.receive(10, visible_again_s=30) == []


def test_message_comes_with_its_body_and_count(queue: Queue) -> None:
    """A delivery carries the bytes as they were sent, and its number."""
    queue.send(b"\0\xffbody", id="m1")

    (message,) = queue.receive(10, visible_again_s=30)

    assert (message.id, message.body, message.receives) == ("m1", b"\0\xffbody", 1)


def test_received_message_is_hidden_then_comes_again(queue: Queue, advance: Advance) -> None:
    """A message that nobody acknowledges is delivered once more, and the delivery counts."""
    queue.send(b"x", id="m1")
    queue.receive(10, visible_again_s=30)
    advance(29)
    assert queue.receive(10, visible_again_s=30) == []

    advance(1)

    (message,) = queue.receive(10, visible_again_s=30)
    assert message.receives == 2


def test_deleted_message_never_comes_again(queue: Queue, advance: Advance) -> None:
    """An acknowledged message is gone, and acknowledging it again is no error."""
    queue.send(b"x", id="m1")
    (message,) = queue.receive(10, visible_again_s=30)

    queue.delete(message)
    queue.delete(message)

    advance(1000)
    assert queue.receive(10, visible_again_s=30) == []


def test_message_of_known_id_is_left_as_it_is(queue: Queue, advance: Advance) -> None:
    """A repeated event does not become a second message, also while the first is being worked on."""
    queue.send(b"first", id="m1")
    queue.send(b"second", id="m1")
    (message,) = queue.receive(10, visible_again_s=30)
    assert message.body == b"first"
    queue.send(b"third", id="m1")
    assert queue.receive(10, visible_again_s=30) == []

    queue.delete(message)
    queue.send(b"fourth", id="m1")

    (message,) = queue.receive(10, visible_again_s=30)
    assert (message.body, message.receives) == (b"fourth", 1)


def test_delayed_message_waits(queue: Queue, advance: Advance) -> None:
    """A delay hides a message at first."""
    queue.send(b"x", id="m1", delay_s=5)
    assert queue.receive(10, visible_again_s=30) == []

    advance(5)

    assert _ids(queue.receive(10, visible_again_s=30)) == ["m1"]


def test_receive_takes_no_more_than_its_limit(queue: Queue) -> None:
    """What is left over is there for the next worker, and nothing is delivered twice."""
    for number in range(5):
        queue.send(b"x", id=str(number))

    batches = [queue.receive(2, visible_again_s=30) for _ in range(4)]

    assert [len(batch) for batch in batches] == [2, 2, 1, 0]
    assert _ids(chain.from_iterable(batches)) == ["0", "1", "2", "3", "4"]


def test_released_message_comes_after_its_delay(queue: Queue, advance: Advance) -> None:
    """A message that is handed back comes sooner than its hiding time says."""
    queue.send(b"x", id="m1")
    (message,) = queue.receive(1, visible_again_s=600)

    queue.release(message, delay_s=5)

    assert queue.receive(1, visible_again_s=600) == []
    advance(5)
    (again,) = queue.receive(1, visible_again_s=600)
    assert again.receives == 2


def test_older_delivery_can_do_nothing(queue: Queue, advance: Advance) -> None:
    """Who was too slow no longer decides about a message that another worker has."""
    queue.send(b"x", id="m1")
    (old,) = queue.receive(1, visible_again_s=10)
    advance(11)
    (new,) = queue.receive(1, visible_again_s=10)

    queue.delete(old)
    queue.release(old, delay_s=0)
    queue.bury(old, reason="late")

    assert queue.receive(1, visible_again_s=10) == []
    assert queue.buried() == []
    queue.release(new, delay_s=0)
    assert _ids(queue.receive(1, visible_again_s=10)) == ["m1"]


def test_delivery_of_a_deleted_message_cannot_touch_its_namesake(queue: Queue, advance: Advance) -> None:
    """A message that was sent anew under the same id is another one, though its count begins again."""
    queue.send(b"old", id="m1")
    (slow,) = queue.receive(1, visible_again_s=10)
    advance(11)
    (quick,) = queue.receive(1, visible_again_s=10)
    queue.delete(quick)
    queue.send(b"new", id="m1")
    (current,) = queue.receive(1, visible_again_s=10)
    assert current.receives == slow.receives

    queue.delete(slow)

    advance(11)
    assert _ids(queue.receive(1, visible_again_s=10)) == ["m1"]


def test_buried_message_is_kept_and_not_delivered(queue: Queue, advance: Advance) -> None:
    """A message that failed for good stays for a replay."""
    queue.send(b"body", id="m1")
    (message,) = queue.receive(1, visible_again_s=10)

    queue.bury(message, reason="timeout")

    advance(1000)
    assert queue.receive(1, visible_again_s=10) == []
    assert [(kept.id, kept.body, kept.reason) for kept in queue.buried()] == [("m1", b"body", "timeout")]


def test_exhumed_message_is_delivered_as_new_and_once(queue: Queue) -> None:
    """A replay delivers a kept message from the beginning; there is nothing to replay twice."""
    queue.send(b"body", id="m1")
    queue.bury(queue.receive(1, visible_again_s=10)[0], reason="timeout")

    assert queue.exhume("m1")
    assert not queue.exhume("m1")

    (message,) = queue.receive(1, visible_again_s=10)
    assert (message.body, message.receives) == (b"body", 1)
    assert queue.buried() == []


def test_exhume_of_unknown_message_is_false(queue: Queue) -> None:
    """Where nothing is kept, nothing happens."""
    assert not queue.exhume("none")


def test_message_buried_again_is_kept_once_with_the_newer_reason(queue: Queue) -> None:
    """One message is kept for an id: the latest."""
    for body, reason in ((b"one", "timeout"), (b"two", "denied")):
        queue.send(body, id="m1")
        queue.bury(queue.receive(1, visible_again_s=10)[0], reason=reason)

    assert [(kept.body, kept.reason) for kept in queue.buried()] == [(b"two", "denied")]


def test_racing_receivers_never_share_a_delivery(connect_queue: Callable[[], Queue]) -> None:
    """While it is hidden, a message is with one worker only."""
    queues = [connect_queue() for _ in range(4)]
    for number in range(24):
        queues[0].send(b"x", id=str(number))

    def drain(queue: Queue) -> list[Message]:
        taken: list[Message] = []
        while batch := queue.receive(3, visible_again_s=600):
            taken += batch
        return taken

    with ThreadPoolExecutor(4) as pool:
        taken = list(chain.from_iterable(pool.map(drain, queues)))

    assert Counter(message.id for message in taken) == {str(number): 1 for number in range(24)}
