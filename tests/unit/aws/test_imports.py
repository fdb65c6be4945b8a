"""What the processor's way to AWS brings into a process: each import is paid at every cold start."""

import subprocess
import sys

OURS = "client ledger queue notify"
HEAVY = {
    "asyncio",
    "botocore",
    "concurrent.futures",
    "email",
    "html.parser",
    "http.client",
    "sqlite3",
    "smtplib",
    "subprocess",
    "urllib.request",
    "xml.dom",
    "xml.etree",
    "xml.sax",
    "yaml",
}


def test_adapters_import_nothing_heavy() -> None:
    """Together these would cost more than the whole of the adapters (http.client alone 20 ms of CPU)."""
    code = "import sys, safelight.event\n"
    code += "".join(f"import safelight.aws.{name}\n" for name in OURS.split())
    code += "import safelight.pipeline\nprint(*sys.modules)"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert HEAVY.isdisjoint(done.stdout.split())
