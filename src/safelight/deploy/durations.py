"""What developing takes: CPU by stage and megapixel, as `python -m bench.durations` measured it."""

from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path

import msgspec
from msgspec import Struct

FILE = Path(__file__).with_name("durations.toml")


class Source(Struct, frozen=True, kw_only=True):
    """One format of uploads.

    `decode_ms` is for each factor that the decoder may shrink by, and `check_ms` for a copy's full decode; both are
    CPU milliseconds for each megapixel of the upload. `mb` is how many MB a megapixel has.
    """

    mb: float
    check_ms: float
    decode_ms: dict[str, float]


class Output(Struct, frozen=True, kw_only=True):
    """One format of outputs: CPU milliseconds and MB for each megapixel.

    A quality that is searched for takes `search_ms` more for each megapixel that the search looks at.
    """

    encode_ms: float
    mb: float
    search_ms: float = 0.0


class Around(Struct, frozen=True, kw_only=True):
    """What comes beside the pictures.

    `invocation_ms` is CPU; `init_ms`, `call_ms` (one call of DynamoDB or SNS), `object_ms` (one of S3) and `mb_ms`
    (each MB to or from S3) are time. `arm_factor` is arm64's time where x86_64 takes 1. `cold_share` of invocations
    begin with a start where there are many, and an idle function stays warm for `keep_warm_s`.
    """

    invocation_ms: float
    init_ms: float
    call_ms: float
    object_ms: float
    mb_ms: float
    arm_factor: float
    cold_share: float
    keep_warm_s: float


class Durations(Struct, frozen=True, kw_only=True):
    """The whole measurement. `resize_ms` is CPU for each megapixel that is resampled; others are as above."""

    dated: date
    command: str
    machine: str
    resize_ms: float
    source: dict[str, Source]
    output: dict[str, Output]
    around: Around


def measured() -> Durations:
    """Return the measurement that came with Safelight."""
    return msgspec.convert(tomllib.loads(FILE.read_text(encoding="utf-8")), Durations)
