"""Animations of few bytes and of more pixels than any machine holds."""

from __future__ import annotations

import struct

import pyvips

GIF_FRAME = b"\x21\xf9\4\0\0\0\0\0\x2c\0\0\0\0\1\0\1\0\0\2\2\x44\1\0"
"""A frame of one pixel; what a decoder draws for it is the whole canvas."""


def gif(side_px: int, frames: int) -> bytes:
    """Return a GIF of `frames` frames on a square canvas."""
    head = b"GIF89a" + struct.pack("<HH", side_px, side_px) + b"\x80\0\0\0\0\0\xff\xff\xff"
    return head + GIF_FRAME * frames + b";"


def webp(side_px: int, frames: int) -> bytes:
    """Return a WebP of `frames` frames, each of which fills the canvas. Source: WebP container specification."""
    blank = pyvips.Image.black(side_px, side_px, bands=3).copy(interpretation="srgb")
    still = blank.webpsave_buffer(lossless=True, effort=0)
    size = (side_px - 1).to_bytes(3, "little")
    start = still.index(b"VP8L")
    picture = still[start : start + 8 + int.from_bytes(still[start + 4 : start + 8], "little")]
    frame = _chunk(b"ANMF", bytes(6) + size * 2 + (40).to_bytes(3, "little") + b"\0" + picture)
    canvas = _chunk(b"VP8X", b"\x02\0\0\0" + size * 2) + _chunk(b"ANIM", bytes(6))
    body = b"WEBP" + canvas + frame * frames
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _chunk(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)
