"""What Lambda calls for the digest: everything is made when this is imported."""

from __future__ import annotations

import os
import sys

from safelight.entry.digest_function import DigestFunction

handle = DigestFunction(os.environ, sys.stdout).handle
