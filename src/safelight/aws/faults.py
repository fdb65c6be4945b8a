"""What AWS refuses, by its error codes alone: its messages are for people and change."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.parsers import expat  # what AWS answers with needs no tree

import msgspec
from msgspec import Struct

from safelight.errors import Denied, ResourceMissing, SafelightError, Unavailable

if TYPE_CHECKING:
    from safelight.aws.connection import Answer

# Source: botocore's `retries/standard.py` and the error lists of DynamoDB, SQS and SNS.
PASSING = frozenset(
    (
        "BandwidthLimitExceeded",
        "ConcurrentAccess",
        "EC2ThrottledException",
        "InternalError",
        "InternalFailure",
        "InternalServerError",
        "KMSThrottling",
        "KmsThrottled",
        "LimitExceededException",
        "OverLimit",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceeded",
        "ProvisionedThroughputExceededException",
        "ReplicatedWriteConflictException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestTimeout",
        "RequestTimeoutException",
        "ServiceUnavailable",
        "SlowDown",
        "Throttled",
        "ThrottledException",
        "Throttling",
        "ThrottlingError",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionConflict",
        "TransactionConflictException",
        "TransactionInProgressException",
    )
)
DENIED = frozenset(
    (
        "AccessDenied",
        "AccessDeniedException",
        "AuthFailure",
        "AuthorizationError",
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSecurity",
        "InvalidSignatureException",
        "KMSAccessDenied",
        "KMSOptInRequired",
        "KmsAccessDenied",
        "KmsOptInRequired",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "NotAuthorized",
        "OptInRequired",
        "RequestExpired",
        "RequestTimeTooSkewed",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    )
)
MISSING = frozenset(
    (
        "AWS.SimpleQueueService.NonExistentQueue",
        "KMSNotFound",
        "KmsNotFound",
        "NotFound",
        "NotFoundException",
        "QueueDoesNotExist",
        "ResourceNotFound",
        "ResourceNotFoundException",
        "TableNotFoundException",
    )
)
SKEWED = frozenset(
    (
        "AuthFailure",
        "InvalidSignatureException",
        "RequestExpired",
        "RequestTimeTooSkewed",
        "SignatureDoesNotMatch",
    )
)
CONDITION = "ConditionalCheckFailed"
PROVOKED = frozenset(
    (
        "ConditionalCheckFailedException",
        "MessageNotInflight",
        "ReceiptHandleIsInvalid",
        "TransactionCanceledException",
    )
)
"""What adapters ask for with a condition of their own: an answer, and nothing that a log should speak of."""


class Refusal(Struct, frozen=True, kw_only=True):
    """An answer that is no success. `reasons` are those of a transaction's items, in their order."""

    code: str
    status: int
    message: str = ""
    reasons: tuple[str, ...] = ()
    body: bytes = b""

    @property
    def passing(self) -> bool:
        """Whether the same request may succeed later."""
        if self.reasons:
            # One item's condition failed for good, whatever became of the others.
            return CONDITION not in self.reasons and not PASSING.isdisjoint(self.reasons)
        return self.code in PASSING or self.status >= 500 or self.status == 429

    @property
    def skewed(self) -> bool:
        """Whether a wrong clock may be the cause."""
        return self.code in SKEWED


class Refused(SafelightError):
    """AWS refused what we asked for, and it is no fault that it shares among services.

    `refusal` says why; an adapter that expects it takes it from there, for everybody else it is a fault of ours.
    """

    retry = True  # what nobody foresaw is tried again and ends as `failed`, never as the upload's fault

    def __init__(self, message: str, *, remedy: str = "", refusal: Refusal | None = None) -> None:
        super().__init__(message, remedy=remedy)
        self.refusal = refusal or Refusal(code="", status=0)


class _Reason(Struct):
    Code: str = "None"


class _JsonError(Struct):
    type: str = msgspec.field(name="__type", default="")
    message: str = ""
    Message: str = ""
    CancellationReasons: tuple[_Reason, ...] = ()


def refusal_of(answer: Answer) -> Refusal:
    """Read an answer that is no success, in JSON or XML; what is neither (a proxy's page) is told by its status."""
    texts = {} if answer.body[:1] == b"{" else _texts(answer.body)
    try:
        error = msgspec.json.decode(answer.body, type=_JsonError) if not texts else _JsonError()
    except msgspec.MsgspecError:
        error = _JsonError()
    # The header is `Code:http://...`, the JSON `com.amazonaws...#Code`.
    kind = error.type.rpartition("#")[2] or answer.headers.get("x-amzn-errortype", "").partition(":")[0]
    return Refusal(
        code=kind or texts.get("Code", ""),
        status=answer.status,
        message=error.message or error.Message or texts.get("Message", ""),
        reasons=tuple(reason.Code for reason in error.CancellationReasons),
        body=answer.body,
    )


def error_of(service: str, refusal: Refusal) -> SafelightError:
    """Return the error that a refusal is; its message names no resource, since whoever sent a picture may see it."""
    said = f"{service} answered {refusal.status} {refusal.code}".rstrip()
    if refusal.code in MISSING:
        return ResourceMissing(said)
    if refusal.code in DENIED or (not refusal.code and refusal.status in {401, 403}):
        return Denied(said)
    return Unavailable(said) if refusal.passing else Refused(said, refusal=refusal)


def _texts(body: bytes) -> dict[str, str]:
    """Return the text of each element of an XML answer by its name; empty when it is none."""
    texts: dict[str, str] = {}
    open_names: list[str] = []

    def add(text: str) -> None:
        texts[open_names[-1]] = texts.get(open_names[-1], "") + text

    parser = expat.ParserCreate(namespace_separator=None)
    parser.StartElementHandler = lambda name, _: open_names.append(name)
    parser.EndElementHandler = lambda _: open_names.pop()
    parser.CharacterDataHandler = add
    try:
        parser.Parse(body, True)  # noqa: FBT003 -- expat's word for the end
    except expat.ExpatError:
        return {}
    return texts
