"""Servers that speak AWS's protocols: ministack, moto and SeaweedFS. Each context is one server of its own."""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from msgspec import Struct, field

from tests.servers import certificates
from tests.servers.process import START_PATIENCE_S, TRIES, NotReadyError, answers, free_ports, installed, running

REGION = "eu-west-1"
"""Nothing depends on it; moto knows Rekognition in few regions, this one among them."""


WEED_PORTS = [f"{part}.port{kind}" for part in ("s3", "master", "volume", "filer", "admin") for kind in ("", ".grpc")]


class Server(Struct, frozen=True, kw_only=True):
    """A running server; `folder` is where its state and its log are."""

    name: str
    endpoint: str
    folder: Path
    region: str = REGION
    access_key: str = "test"
    secret_key: str = "test"  # noqa: S105 -- of a server that lives for a test
    certificate: Path | None = None
    clients: dict[str, Any] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which AWS's tools and ours find credentials and region."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ENDPOINT_URL": self.endpoint,
            **({"AWS_CA_BUNDLE": str(self.certificate)} if self.certificate else {}),
        }

    def client(self, service: str) -> Any:
        """Return a client of AWS's own SDK, which is what tests look at the server with. It ends with the server."""
        if service not in self.clients:
            self.clients[service] = _session().create_client(
                service,
                region_name=self.region,
                endpoint_url=self.endpoint,
                aws_access_key_id=self.access_key,
                aws_secret_access_key=self.secret_key,
                verify=str(self.certificate) if self.certificate else None,
                config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 2}),
            )
        return self.clients[service]

    def bucket(self, *, versioned: bool = False) -> str:
        """Make a bucket with a name of its own, and return the name."""
        name = f"test-{uuid.uuid4().hex[:20]}"
        s3 = self.client("s3")
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": self.region})
        if versioned:
            s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        return name


@cache
def _session() -> Any:
    return botocore.session.get_session()  # reads the descriptions of services once


@contextmanager
def ministack(folder: Path, *, auth: bool = False) -> Iterator[Server]:
    """Run ministack, which holds everything in memory and runs Lambda functions on Python 3.14 where there is one.

    Args:
        folder: an empty folder for its files.
        auth: enforce IAM for the roles of functions, and the policies of buckets, queues and topics. Ours deny plain
            HTTP, so that it speaks TLS then.
    """
    program = installed("ministack") / "bin" / "ministack"
    certificate = certificates.write(folder) if auth else None

    def start() -> AbstractContextManager[Server]:
        (port,) = free_ports(1)
        settings = {
            "GATEWAY_PORT": str(port),
            "BIND_HOST": "127.0.0.1",
            "IOT_MTLS_ENABLED": "0",
            "STATE_DIR": str(folder / "state"),
            "S3_DATA_DIR": str(folder / "s3"),
            "MINISTACK_REGION": REGION,
            **(_secured(certificate) if certificate else {}),
        }
        scheme = "https" if certificate else "http"
        server = Server(
            name="ministack", endpoint=f"{scheme}://127.0.0.1:{port}", folder=folder, certificate=certificate
        )
        return _served(server, [program], settings, lambda: answers(server.endpoint, certificate))

    return _tried(start)


def _secured(certificate: Path) -> dict[str, str]:
    """Return what makes it enforce IAM and speak TLS, and the functions that it runs believe it."""
    own = {"MINISTACK_SSL_CERT": str(certificate), "MINISTACK_SSL_KEY": str(certificate.with_suffix(".key"))}
    return {"AUTH": "true", "USE_SSL": "1", "AWS_CA_BUNDLE": str(certificate), **own}


@contextmanager
def moto(folder: Path) -> Iterator[Server]:
    """Run moto, a second opinion on S3, SQS and DynamoDB, and canned answers of Rekognition."""
    program = installed("moto") / "bin" / "moto_server"

    def start() -> AbstractContextManager[Server]:
        (port,) = free_ports(1)
        server = Server(name="moto", endpoint=f"http://127.0.0.1:{port}", folder=folder)
        return _served(server, [program, "-H", "127.0.0.1", "-p", str(port)], {}, lambda: answers(server.endpoint))

    return _tried(start)


@contextmanager
def seaweedfs(folder: Path, *, webhook: tuple[str, str] | None = None) -> Iterator[Server]:
    """Run SeaweedFS, a real S3 server that keeps what it acknowledged.

    Args:
        folder: for its files; one that was used before is gone on with.
        webhook: an address that is told of every new object, and the bearer token to tell it with.
    """
    program = installed("seaweedfs") / "bin" / "weed"
    key, secret = "test-key", "test-secret"
    (folder / "s3.json").write_text(_identities(key, secret))
    (folder / "data").mkdir(exist_ok=True)
    kept = folder / "ports.json"
    if webhook:
        (folder / "notification.toml").write_text(_notification(*webhook))

    def start() -> AbstractContextManager[Server]:
        # Its parts know each other by their ports, so a folder that was used keeps them.
        ports = json.loads(kept.read_text()) if kept.exists() else free_ports(len(WEED_PORTS))
        server = Server(
            name="seaweedfs", endpoint=f"http://127.0.0.1:{ports[0]}", folder=folder, access_key=key, secret_key=secret
        )

        def ready() -> bool:
            return answers(server.endpoint) and _takes_objects(server) and bool(kept.write_text(json.dumps(ports)))

        return _served(server, [program, *_weed_words(ports)], {}, ready)

    return _tried(start)


def _tried(start: Callable[[], AbstractContextManager[Server]]) -> Iterator[Server]:
    """Start, on other ports when those were lost to somebody else, and yield once."""
    with ExitStack() as stack:
        for left in reversed(range(TRIES)):
            try:
                server = stack.enter_context(start())
                break
            except NotReadyError:
                if not left:
                    raise
        yield server


@contextmanager
def _served(
    server: Server, words: list[str | Path], settings: dict[str, str], ready: Callable[[], bool]
) -> Iterator[Server]:
    try:
        with running(words, server.folder, ready, {**os.environ, "TMPDIR": str(server.folder), **settings}):
            yield server
    finally:
        for client in server.clients.values():
            client.close()


def _identities(key: str, secret: str) -> str:
    actions = ["Admin", "Read", "Write", "List", "Tagging"]
    user = {"name": "app", "credentials": [{"accessKey": key, "secretKey": secret}], "actions": actions}
    return json.dumps({"identities": [user]})


def _notification(endpoint: str, token: str) -> str:
    where = f'endpoint = "{endpoint}"\nbearer_token = "{token}"\n'
    # Between two services of a test nobody listens; what is tried again for long would hold up what is new.
    return f"[notification.webhook]\nenabled = true\n{where}max_retries = 1\nbackoff_seconds = 1\n"


def _weed_words(ports: list[int]) -> list[str]:
    listening = [f"-{name}={port}" for name, port in zip(WEED_PORTS, ports, strict=True)]
    # Without a 0 these two would take fixed ports; the statistics would be sent to the makers of SeaweedFS.
    off = ["-s3.port.iceberg=0", "-s3.port.lance=0", "-admin.ui=false", "-webdav=false", "-master.telemetry=false"]
    fixed = ["-dir=data", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-s3.config=s3.json"]
    # Each bucket takes a few volumes; by itself it makes as many as the free disk would hold when they were full.
    return ["mini", "-volume.max=20000", *fixed, *off, *listening]


def _takes_objects(server: Server) -> bool:
    """Whether a put succeeds, which comes a moment after the port answers."""
    ends = time.monotonic() + START_PATIENCE_S
    s3, bucket = server.client("s3"), f"ready-{uuid.uuid4().hex[:20]}"  # one that is there is an error, too
    while time.monotonic() < ends:
        try:
            s3.create_bucket(Bucket=bucket)
            s3.put_object(Bucket=bucket, Key="ready", Body=b"ready")
            s3.delete_object(Bucket=bucket, Key="ready")
        except (ClientError, BotoCoreError):
            time.sleep(0.05)
        else:
            return True
    return False
