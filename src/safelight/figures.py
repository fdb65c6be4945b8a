"""Sizes, savings, times and small numbers as people read them."""

from math import floor, log10


def size_text(count: int) -> str:
    """Write a number of bytes in decimal units, as `limits.megabytes` counts them."""
    if count < 1000:
        return f"{count} bytes"
    # 999,500 bytes would round to 1000 kB: the next unit begins where rounding reaches it.
    for unit, name in ((1e3, "kB"), (1e6, "MB"), (1e9, "GB")):
        if count < 999.5 * unit:
            return f"{count / unit:.{1 if count < 9.95 * unit else 0}f} {name}"
    return f"{count / 1e12:.1f} TB"


def change_text(before: int, after: int) -> str:
    """Write how much smaller or larger something became; never 100 % smaller, nor 0 %."""
    if before == after or not before:
        return "the same size"
    percent = abs(after - before) / before * 100
    shown = "under 1" if percent < 1 else f"{min(percent, 99.9):.1f}" if 99 < percent < 100 else f"{percent:.0f}"
    return f"{shown} % {'smaller' if after < before else 'larger'}"


def time_text(duration_ms: float) -> str:
    """Write a duration in milliseconds or seconds."""
    return f"{duration_ms / 1000:.1f} s" if duration_ms >= 100 else f"{duration_ms:.0f} ms"


def digits(number: float) -> str:
    """Write three digits of a number below 1000 that count, never with an exponent: it may be very small."""
    places = 2 - floor(log10(number)) if 0 < number < 1000 else 0
    text = f"{number:.{max(places, 0)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
