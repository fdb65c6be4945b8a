"""IPTC's older form (IIM) and the Photoshop resources that JPEG wraps it in: read, and given a creator and copyright.

Source: IPTC IIM 4.2, 1:90, 2:00, 2:80 and 2:116; Adobe Photoshop file formats, image resources 1028 and 1061.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

BY_LINE, NOTICE = 80, 116
_MAX_BYTES = {BY_LINE: 32, NOTICE: 128}
_CHARSET, _VERSION = (1, 90), (2, 0)
_UTF8 = b"\x1b%G"
_IPTC, _DIGEST = 0x0404, 0x0425
_MAX_RECORDS = 10_000


class Record(NamedTuple):
    """One value of IIM."""

    record: int
    dataset: int
    value: bytes


class Resource(NamedTuple):
    """One of Photoshop's resources, from its signature to its padding; the data begins at `body`."""

    id: int
    start: int
    body: int
    size: int
    end: int


def iim(block: bytes) -> bytes:
    """Return the IPTC data of a block, which JPEG wraps in a resource and TIFF does not."""
    for resource in _resources(block):
        if resource.id == _IPTC:
            return block[resource.body : resource.body + resource.size]
    return b"" if block[:4] == b"8BIM" else block


def records(block: bytes) -> Iterator[Record]:
    """Yield the values of IIM up to its end or the first that makes no sense."""
    at = 0
    for _ in range(_MAX_RECORDS):
        if block[at : at + 1] != b"\x1c" or at + 5 > len(block):
            return
        size = int.from_bytes(block[at + 3 : at + 5], "big")
        yield Record(block[at + 1], block[at + 2], block[at + 5 : at + 5 + size])
        at += 5 + (size & 0x7FFF)


def signed(block: bytes, creator: str, notice: str) -> bytes:
    """Return IIM with this creator and copyright, as far as they are given, in place of its own.

    Args:
        block: IIM, or resources that hold it; blank for a new one.
        creator: cut off at 32 bytes, as IIM demands.
        notice: the copyright; cut off at 128.
    """
    texts = {dataset: text for dataset, text in ((BY_LINE, creator), (NOTICE, notice)) if text}
    kept = [each for each in records(iim(block)) if each.record != 2 or each.dataset not in texts]
    utf8 = all(each.value.isascii() or each[:2] == _CHARSET for each in kept) or Record(*_CHARSET, _UTF8) in kept
    named = [Record(2, dataset, _cut(text, _MAX_BYTES[dataset], utf8=utf8)) for dataset, text in texts.items()]
    if utf8:
        kept = [Record(*_CHARSET, _UTF8), *(each for each in kept if each[:2] != _CHARSET)]
    if not any(each[:2] == _VERSION for each in kept):
        named.insert(0, Record(*_VERSION, b"\0\4"))
    # Records come in the order of their numbers, and values within one in that of the file.
    return b"".join(map(_packed, sorted([*kept, *named], key=lambda each: each.record)))


def resources(block: bytes, data: bytes) -> bytes:
    """Return Photoshop's resources with this IIM in place of theirs; the digest of the old one goes."""
    kept = [block[each.start : each.end] for each in _resources(block) if each.id not in (_IPTC, _DIGEST)]
    made = b"8BIM" + _IPTC.to_bytes(2, "big") + b"\0\0" + len(data).to_bytes(4, "big") + data + b"\0" * (len(data) & 1)
    return b"".join([made, *kept])


def _resources(block: bytes) -> Iterator[Resource]:
    at = 0
    for _ in range(_MAX_RECORDS):
        if block[at : at + 4] != b"8BIM" or at + 12 > len(block):
            return
        name = block[at + 6] + 1
        size_at = at + 6 + name + (name & 1)
        size = int.from_bytes(block[size_at : size_at + 4], "big")
        end = size_at + 4 + size + (size & 1)
        yield Resource(int.from_bytes(block[at + 4 : at + 6], "big"), at, size_at + 4, size, end)
        at = end


def _cut(text: str, most: int, *, utf8: bool) -> bytes:
    """Encode as the other texts are, and leave no half letter."""
    if utf8:
        return text.encode("utf-8", "replace")[:most].decode("utf-8", "ignore").encode()
    return text.encode("latin-1", "replace")[:most]


def _packed(record: Record) -> bytes:
    return b"\x1c" + bytes(record[:2]) + len(record.value).to_bytes(2, "big") + record.value
