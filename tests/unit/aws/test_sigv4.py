"""Signatures against botocore's signer over generated requests, and against AWS's own vectors."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials
from hypothesis import given
from hypothesis import strategies as st

from safelight.aws.sigv4 import Credentials, Scope, sign, signing_key

VECTOR_KEYS = Credentials(key_id="AKIDEXAMPLE", secret="wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")  # noqa: S106
VECTOR_SCOPE = Scope(region="us-east-1", service="service")
VECTOR_AT = datetime(2015, 8, 30, 12, 36, tzinfo=UTC).timestamp()

names = st.from_regex(r"\A[a-z][a-z0-9-]{0,20}\Z").filter(
    # botocore leaves these out of what it signs; we never send them through `sign`
    lambda name: (
        name not in {"expect", "transfer-encoding", "user-agent", "x-amzn-trace-id", "host", "connection"}
        and not name.startswith("x-amz-")
        and name != "authorization"
    )
)
# A header as http sends it: no control characters, any spaces.
values = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=40)
words = st.from_regex(r"\A[a-z0-9-]{1,20}\Z")


class At(SigV4Auth):
    """botocore's signer with a clock that is given; it has no other way in."""

    def __init__(self, *args: object, at: float) -> None:
        super().__init__(*args)
        self.moment = datetime.fromtimestamp(at, UTC).strftime("%Y%m%dT%H%M%SZ")

    def oracle(self, request: AWSRequest) -> str:
        request.context["timestamp"] = self.moment
        self._modify_request_before_signing(request)
        text = self.string_to_sign(request, self.canonical_request(request))
        self._inject_signature_to_request(request, self.signature(text, request))
        return request.headers["Authorization"]


@given(
    headers=st.dictionaries(names, values, max_size=5),
    body=st.binary(max_size=200),
    keys=st.tuples(words, st.text(st.characters(codec="ascii"), min_size=1, max_size=40), st.none() | words),
    scope=st.tuples(words, words),
    at=st.integers(min_value=0, max_value=4_000_000_000),
)
def test_sign_any_request_gives_what_botocore_signs(
    headers: dict[str, str],
    body: bytes,
    keys: tuple[str, str, str | None],
    scope: tuple[str, str],
    at: int,
) -> None:
    """Whatever is sent, botocore's signer says the same about it."""
    key_id, secret, token = keys
    host = "dynamodb.eu-north-1.amazonaws.com"
    request = AWSRequest(method="POST", url=f"https://{host}/", headers=dict(headers), data=body)
    theirs = At(BotoCredentials(key_id, secret, token), scope[1], scope[0], at=at).oracle(request)

    ours = sign(
        {"host": host, **headers},
        body,
        Credentials(key_id=key_id, secret=secret, token=token),
        Scope(region=scope[0], service=scope[1]),
        at,
    )

    assert ours["authorization"] == theirs
    assert ours["x-amz-date"] == request.headers["X-Amz-Date"]
    assert ours.get("x-amz-security-token") == token


@pytest.mark.parametrize(
    ("headers", "body", "token", "signature"),
    [
        pytest.param(
            {}, b"", None, "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b", id="post-vanilla"
        ),
        pytest.param(
            {"My-Header1": "value1"},
            b"",
            None,
            "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c",
            id="post-header-key-sort",
        ),
        pytest.param(
            {"My-Header1": "VALUE1"},
            b"",
            None,
            "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d",
            id="post-header-value-case",
        ),
        pytest.param(
            {
                "Content-Type": "application/x-www-form-urlencoded",
                "Content-Length": "13",
                "x-amz-content-sha256": "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e",
            },
            b"Param1=value1",
            None,
            "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b",
            id="post-x-www-form-urlencoded",
        ),
        pytest.param(
            {},
            b"",
            "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8"
            "YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6"
            "fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQ"
            "wj2ICCR/oLxBA==",
            "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead",
            id="post-sts-header-before",
        ),
    ],
)
def test_sign_published_vector_gives_its_signature(
    headers: dict[str, str], body: bytes, token: str | None, signature: str
) -> None:
    """The vectors of AWS's signing test suite that are `POST /` (awslabs/aws-c-auth, `aws-signing-test-suite/v4`)."""
    keys = Credentials(key_id=VECTOR_KEYS.key_id, secret=VECTOR_KEYS.secret, token=token)

    signed = sign({"Host": "example.amazonaws.com", **headers}, body, keys, VECTOR_SCOPE, VECTOR_AT)

    assert signed["authorization"].endswith(f"Signature={signature}")


def test_signing_key_of_the_documented_example_is_the_documented_one() -> None:
    """IAM user guide, "Create a signed request", the example of a derived key."""
    key = signing_key(VECTOR_KEYS.secret, "20150830", Scope(region="us-east-1", service="iam"))

    assert key.hex() == "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9"


def test_credentials_shown_hide_their_secrets() -> None:
    """A line of log or a traceback gives no secret away."""
    keys = Credentials(key_id="AKID", secret="hidden-1", token="hidden-2")  # noqa: S106

    assert "hidden" not in f"{keys} {keys!r}"
