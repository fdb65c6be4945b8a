"""What a job cost."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

STATUS = Path("/proc/self/status")
CLEAR = Path("/proc/self/clear_refs")


def reset_peak() -> None:
    """Start a new measurement of peak memory, where the system can (Linux)."""
    try:
        CLEAR.write_text("5")  # proc(5): resets the peak resident set size
    except OSError:
        return


def peak_mb() -> int:
    """Return the peak memory of this process in MB (10^6 bytes), since `reset_peak` where that is possible."""
    try:
        lines = STATUS.read_text().splitlines()
        kibibytes = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        kibibytes = peak // 1024 if sys.platform == "darwin" else peak
    return round(kibibytes * 1024 / 1e6)
