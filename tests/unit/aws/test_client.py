"""Calls against a real server on this machine: what is sent, what is tried again, and what every failure becomes."""

from __future__ import annotations

import re
import socket
import threading
from email.utils import formatdate

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials
from msgspec.structs import replace

from safelight.aws.access import Access
from safelight.aws.client import MAX_IDLE_S, TRIES, Client, date_of
from safelight.aws.faults import Refused
from safelight.aws.sigv4 import Credentials
from safelight.errors import Denied, ResourceMissing, SafelightError, Unavailable
from tests.unit.aws.serving import KEYS, Asked, Reply, Server, Times, client_of


def _error(code: str, status: int = 400, **more: str) -> Reply:
    return Reply(status=status, body=b'{"__type":"com.amazonaws.x#%s","message":"m"}' % code.encode(), headers=more)


def _xml(code: str, status: int = 400) -> Reply:
    text = (
        '<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><Error><Type>Sender</Type>'
        f"<Code>{code}</Code><Message>m</Message></Error><RequestId>1</RequestId></ErrorResponse>"
    )
    return Reply(status=status, body=text.encode(), headers={"Content-Type": "text/xml"})


def _get(client: Client) -> dict[str, object]:
    return client.json("dynamodb", "GetItem", {"Key": "é"}, dict[str, object])


def _signature_holds(asked: Asked, service: str) -> bool:
    """Sign what arrived as botocore does, with the headers that it names."""
    found = re.search(r"SignedHeaders=(\S+), Signature=(\w+)", asked.headers["authorization"])
    names = found[1].split(";")
    request = AWSRequest(method="POST", url=f"http://{asked.headers['host']}/", data=asked.body)
    for name in names:
        request.headers[name] = asked.headers[name]
    request.context["timestamp"] = asked.headers["x-amz-date"]
    signer = SigV4Auth(BotoCredentials(KEYS.key_id, KEYS.secret, KEYS.token), service, "eu-north-1")
    return signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request) == found[2]


def test_json_call_arrives_signed_and_its_answer_comes_back(client: Client, server: Server) -> None:
    """The signature holds for the bytes and headers that really arrive."""
    server.replies = [Reply(body=b'{"Item": {"S": "x"}}')]

    assert _get(client) == {"Item": {"S": "x"}}

    (asked,) = server.asked
    assert asked.body == '{"Key":"é"}'.encode()
    assert asked.headers["content-type"] == "application/x-amz-json-1.0"
    assert asked.headers["x-amz-target"] == "DynamoDB_20120810.GetItem"
    assert asked.headers["x-amz-security-token"] == "TOKEN"
    assert _signature_holds(asked, "dynamodb")


def test_form_call_arrives_signed(client: Client, server: Server) -> None:
    """SNS gets a form whose every sign is encoded."""
    server.replies = [Reply(body=b"<PublishResponse/>")]

    client.form("sns", {"Action": "Publish", "Message": "a b&c=é+/\n"})

    (asked,) = server.asked
    assert asked.body == b"Action=Publish&Message=a+b%26c%3D%C3%A9%2B%2F%0A"
    assert asked.headers["content-type"] == "application/x-www-form-urlencoded; charset=utf-8"
    assert _signature_holds(asked, "sns")


def test_renewed_access_signs_the_next_calls(client: Client, server: Server) -> None:
    """Credentials of a role end while a command runs; connections are kept."""
    _get(client)
    other = Credentials(key_id="OTHER", secret="s", token=None)  # noqa: S106 -- nobody's
    client.renew(replace(client._access, credentials=other))
    _get(client)
    first, second = server.asked
    assert "Credential=AKID/" in first.headers["authorization"]
    assert "Credential=OTHER/" in second.headers["authorization"]
    assert first.peer == second.peer


def test_calls_one_after_the_other_share_a_connection(client: Client, server: Server) -> None:
    """Connecting anew would cost each call a TLS handshake."""
    for _ in range(3):
        _get(client)

    assert len({asked.peer for asked in server.asked}) == 1


def test_calls_of_threads_never_share_a_connection_at_once(client: Client, server: Server) -> None:
    """Two calls at the same time cannot get each other's answers."""
    server.replies = [Reply(wait_s=0.3, body=b'{"n": 1}'), Reply(wait_s=0.3, body=b'{"n": 1}')]
    threads = [threading.Thread(target=_get, args=(client,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len({asked.peer for asked in server.asked}) == 2


def test_kept_connection_that_the_server_closed_is_replaced_without_a_try(
    client: Client, server: Server, times: Times
) -> None:
    """Servers close idle connections; that is no fault of anybody."""
    server.replies = [Reply(hang_up=True)]
    _get(client)

    _get(client)

    assert len({asked.peer for asked in server.asked}) == 2
    assert times.slept == []


def test_kept_connection_that_breaks_as_it_is_used_is_replaced_without_a_try(
    client: Client, server: Server, times: Times
) -> None:
    """The server may close in the moment in which we send."""
    server.replies = [Reply(), Reply(raw=b"", hang_up=True), Reply(body=b'{"n": 1}')]
    _get(client)

    assert _get(client) == {"n": 1}

    first, second, third = (asked.peer for asked in server.asked)
    assert first == second != third
    assert times.slept == []


def test_connection_idle_for_long_is_not_used(server: Server, times: Times) -> None:
    """A function that was frozen finds its connection dead without a sign, and would wait for its timeout."""
    clock = [0.0]
    client = client_of(server.url, times, monotonic=lambda: clock[0])
    _get(client)
    clock[0] += MAX_IDLE_S + 1

    _get(client)

    assert len({asked.peer for asked in server.asked}) == 2
    client.close()


@pytest.mark.parametrize(
    "reply",
    [
        Reply(raw=b"", hang_up=True),
        Reply(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", hang_up=True),
        Reply(raw=b"HTTP/1.1 200 OK\r\nContent-Le", hang_up=True),
        Reply(raw=b"SSH-2.0-OpenSSH\r\n\r\n", hang_up=True),
        Reply(raw=b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", hang_up=True),
        Reply(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", hang_up=True),
        Reply(raw=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", hang_up=True),
        Reply(raw=b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000, hang_up=True),
        Reply(raw=b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000, hang_up=True),
        Reply(status=500),
        Reply(status=502, body=b"<html>Bad gateway"),
        Reply(status=503, body=b""),
        Reply(status=429),
        _error("ProvisionedThroughputExceededException"),
        _error("ThrottlingException"),
        _error("TransactionConflictException"),
        Reply(
            status=400,
            body=b'{"__type":"TransactionCanceledException","CancellationReasons":'
            b'[{"Code":"None"},{"Code":"TransactionConflict","Message":"m"}]}',
        ),
        _xml("Throttled", 429),
        _xml("Throttling"),
        _xml("InternalError", 500),
    ],
)
def test_passing_fault_is_tried_again_and_then_unavailable(
    client: Client, server: Server, times: Times, reply: Reply
) -> None:
    """One fault is made good; a lasting one ends after the tries, with growing waits between them."""
    server.replies = [reply, Reply(body=b'{"n": 1}')]
    assert _get(client) == {"n": 1}
    assert len(times.slept) == 1

    client.close()
    server.replies = [reply] * TRIES
    server.asked.clear()
    with pytest.raises(Unavailable) as lasting:
        _get(client)

    assert lasting.value.retry
    assert len(server.asked) == TRIES
    assert times.slept[1:] == [0.1, 0.2, 0.4, 0.8]


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (_error("AccessDeniedException"), Denied),
        (_error("UnrecognizedClientException"), Denied),
        (_error("ExpiredTokenException"), Denied),
        (_xml("AuthorizationError", 403), Denied),
        (_xml("InvalidClientTokenId", 403), Denied),
        (Reply(status=403, body=b"<html>no"), Denied),
        (_error("ResourceNotFoundException"), ResourceMissing),
        (_error("QueueDoesNotExist"), ResourceMissing),
        (_xml("NotFound", 404), ResourceMissing),
        (_error("ValidationException"), Refused),
        (_xml("InvalidParameter"), Refused),
        (Reply(status=400, headers={"x-amzn-ErrorType": "ValidationException:http://x/"}), Refused),
        (Reply(status=418, body=b"\xff"), Refused),
        (Reply(body=b"[1]"), Unavailable),
    ],
)
def test_lasting_refusal_is_its_error_and_not_tried_again(
    client: Client, server: Server, reply: Reply, error: type[SafelightError]
) -> None:
    """What another try cannot mend is said at once, under a code of ours; each may be replayed."""
    server.replies = [reply]

    with pytest.raises(error) as refused:
        _get(client)

    assert type(refused.value) is error
    assert refused.value.retry
    assert len(server.asked) == 1


def test_refusal_keeps_its_code_and_reasons_for_the_adapter(client: Client, server: Server) -> None:
    """A failed condition is an answer to who set it; it is not tried again, whatever else failed beside it."""
    server.replies = [
        Reply(
            status=400,
            body=b'{"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException","CancellationReasons":'
            b'[{"Code":"ConditionalCheckFailed"},{"Code":"TransactionConflict"}]}',
        )
    ]

    with pytest.raises(Refused) as refused:
        _get(client)

    assert refused.value.refusal.code == "TransactionCanceledException"
    assert refused.value.refusal.reasons == ("ConditionalCheckFailed", "TransactionConflict")


@pytest.mark.parametrize("off_s", [-3600, 3600])
@pytest.mark.parametrize("code", ["InvalidSignatureException", "RequestTimeTooSkewed"])
def test_wrong_clock_is_set_right_by_the_servers_date(
    client: Client, server: Server, times: Times, code: str, off_s: float
) -> None:
    """A machine whose clock is off signs by the server's clock from then on."""
    server.date = formatdate(times.seconds + off_s, usegmt=True)
    server.replies = [_error(code, 403)]

    _get(client)
    _get(client)

    first, second, third = (asked.headers["x-amz-date"] for asked in server.asked)
    assert (second > first) == (off_s > 0)
    assert second == third


def test_bad_signature_by_a_right_clock_is_denied(client: Client, server: Server) -> None:
    """Wrong keys are not tried again."""
    server.replies = [_error("InvalidSignatureException", 403)]

    with pytest.raises(Denied):
        _get(client)

    assert len(server.asked) == 1


def test_skewed_clock_that_stays_refused_ends(client: Client, server: Server, times: Times) -> None:
    """The clock is set right once for a date; a server that goes on refusing is not asked for ever."""
    server.date = formatdate(times.seconds + 3600, usegmt=True)
    server.replies = [_error("InvalidSignatureException", 403)] * 9

    with pytest.raises(Denied):
        _get(client)

    assert len(server.asked) == 2


def test_slow_answer_is_given_up_in_time(server: Server, times: Times) -> None:
    """A server that does not answer costs no more than the timeout, and the next try has a connection of its own."""
    client = client_of(server.url, times, timeout_s=0.5)
    server.replies = [Reply(wait_s=1), *[Reply(body=b'{"n": 1}')] * 4]

    assert _get(client) == {"n": 1}

    slow, *others = (asked.peer for asked in server.asked)
    assert slow not in others
    client.close()


def test_answer_that_drips_is_given_up_in_time(times: Times) -> None:
    """Each byte may come in time and the whole answer never does."""
    drips = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def drip() -> None:
            peer, _ = listening.accept()
            with peer:
                peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
                while not drips.wait(0.02):
                    peer.sendall(b"x")

        thread = threading.Thread(target=drip)
        thread.start()
        access = Access(
            region="eu-north-1", credentials=KEYS, endpoint=f"http://127.0.0.1:{listening.getsockname()[1]}"
        )
        with pytest.raises(Unavailable) as late:
            _get(Client(access, times.timing(), timeout_s=0.4, tries=1))
        drips.set()
        thread.join()

    assert isinstance(late.value.__cause__, TimeoutError)


def test_server_that_is_not_there_is_unavailable(times: Times) -> None:
    """Nobody listens: the tries are made, then the error is coded."""
    with Server().running() as gone:
        url = gone.url
    client = client_of(url, times)

    with pytest.raises(Unavailable) as nobody:
        _get(client)

    assert len(times.slept) == TRIES - 1
    assert isinstance(nobody.value.__cause__, ConnectionRefusedError)


@pytest.mark.parametrize(
    "raw",
    [
        b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\n{"n":\r\n4\r\n 1 }\r\n0\r\nTrailer: x\r\n\r\n',
        b'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nCONTENT-LENGTH:8\r\n\r\n{"n": 1}',
        b'HTTP/1.0 200 OK\r\n\r\n{"n": 1}',
        b'HTTP/1.1 200\r\nConnection: Close\r\n\r\n{"n": 1}',
    ],
)
def test_answer_of_any_framing_is_read(client: Client, server: Server, raw: bytes) -> None:
    """RFC 9112's ways of saying where a body ends, interim answers and trailers."""
    server.replies = [Reply(raw=raw, hang_up=b"chunked" not in raw and b"100" not in raw)]

    assert _get(client) == {"n": 1}
    assert _get(client) == {}


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("Sun, 06 Nov 1994 08:49:37 GMT", 784111777.0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
        ("Sunday, 06-Nov-94 08:49:37 GMT", None),
        ("Sun, 06 Nov 1994 08:49:37 CET", None),
        ("Sun, 31 Feb 1994 08:49:37 GMT", None),
        ("", None),
    ],
)
def test_date_header_is_read_or_nothing(header: str, seconds: float | None) -> None:
    """Only the one form that servers must send is read."""
    assert date_of(header) == seconds
