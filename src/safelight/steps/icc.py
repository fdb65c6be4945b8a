"""ICC profiles: tell sRGB from others, so that nothing is converted for nothing; and the profile behind code points."""

from __future__ import annotations

import struct

import pyvips

SRGB = {b"rXYZ": (0.4361, 0.2225, 0.0139), b"gXYZ": (0.3851, 0.7169, 0.0971), b"bXYZ": (0.1431, 0.0606, 0.7141)}
"""Colorants of sRGB adapted to D50. Source: ICC's sRGB profiles, IEC 61966-2-1."""
TOLERANCE = 0.002
GAMMA_PROBES = ((0.25, 0.0509), (0.5, 0.2140), (0.75, 0.5225))
"""Points of sRGB's transfer curve: encoded value, linear value."""
CURVE_TOLERANCE = 0.004
DISPLAY_P3 = (12, 13)
"""Primaries and transfer function by number. Source: ITU-T H.273, tables 2 and 3."""


def profile_of(code_points: tuple[int, int] | None) -> bytes | None:
    """Return the profile of a color space that is told by numbers alone; None for sRGB and what is not known."""
    return bytes(pyvips.Operation.call("profile_load", "p3")) if code_points == DISPLAY_P3 else None


def is_srgb(profile: bytes) -> bool:
    """Return whether an ICC profile has sRGB's primaries and transfer curve, within the eye's tolerance."""
    try:
        tags = _tags(profile)
        if profile[16:20] != b"RGB " or b"A2B0" in tags:
            return False
        return all(_near(_xyz(tags[name]), wanted) for name, wanted in SRGB.items()) and all(
            _has_srgb_curve(tags[name]) for name in (b"rTRC", b"gTRC", b"bTRC")
        )
    except (KeyError, IndexError, ArithmeticError, struct.error):
        return False


def _tags(profile: bytes) -> dict[bytes, bytes]:
    (count,) = struct.unpack_from(">I", profile, 128)
    entries = (struct.unpack_from(">4sII", profile, 132 + 12 * i) for i in range(min(count, 64)))
    return {name: profile[offset : offset + size] for name, offset, size in entries}


def _xyz(tag: bytes) -> tuple[float, ...]:
    return tuple(value / 65536 for value in struct.unpack_from(">3i", tag, 8))


def _near(found: tuple[float, ...], wanted: tuple[float, ...]) -> bool:
    return all(abs(a - b) < TOLERANCE for a, b in zip(found, wanted, strict=True))


def _has_srgb_curve(tag: bytes) -> bool:
    return all(abs(_curve(tag, encoded) - linear) < CURVE_TOLERANCE for encoded, linear in GAMMA_PROBES)


def _curve(tag: bytes, value: float) -> float:
    """Evaluate a `curv` or `para` tag. Source: ICC.1:2022, 10.6 and 10.18."""
    if tag[:4] == b"para":
        return _parametric(tag, value)
    (count,) = struct.unpack_from(">I", tag, 8)
    if count == 0:
        return value
    if count == 1:
        return float(value ** (struct.unpack_from(">H", tag, 12)[0] / 256))
    place = value * (count - 1)
    low = min(int(place), count - 2)
    first, second = struct.unpack_from(">2H", tag, 12 + 2 * low)
    return float((first + (second - first) * (place - low)) / 65535)


def _parametric(tag: bytes, value: float) -> float:
    (kind,) = struct.unpack_from(">H", tag, 8)
    number = {0: 1, 1: 3, 2: 4, 3: 5, 4: 7}[kind]
    g, a, b, c, d, e, f = ([n / 65536 for n in struct.unpack_from(f">{number}i", tag, 12)] + [0.0] * 6)[:7]
    if kind == 0:
        return float(value**g)
    if kind in (1, 2):
        d, e, f, c = -b / a, c, c, 0.0
    return float(max(a * value + b, 0.0) ** g + e) if value >= d else c * value + f
