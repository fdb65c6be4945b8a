"""Numbers that a recipe writes with a unit."""

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def seconds(text: str) -> int:
    """Return the seconds of a time such as `15m`: a whole number and s, m, h or d, as the parser has checked."""
    return int(text[:-1]) * _SECONDS[text[-1]]
