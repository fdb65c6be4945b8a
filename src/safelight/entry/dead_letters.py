"""What Lambda calls for dead letters: everything is made when this is imported."""

from __future__ import annotations

import os
import sys

from safelight.entry.dead_letter_function import DeadLetterFunction

handle = DeadLetterFunction(os.environ, sys.stdout).handle
