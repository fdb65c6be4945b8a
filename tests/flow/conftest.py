"""What the tests of the whole service share: a project folder, a mail server, pictures."""

from __future__ import annotations

import email
import email.policy
import random
import socket
import threading
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
import pyvips
from aiosmtpd.controller import Controller
from msgspec.structs import replace

from tests.flow.running import RECIPE, Buckets, Project
from tests.servers.aws import seaweedfs
from tests.servers.process import free_ports


class Post:
    """A real mail server and what it took."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self._controller: Controller | None = None
        self._lock = threading.Lock()

    async def handle_DATA(self, server: object, session: object, envelope: Any) -> str:  # noqa: N802 -- aiosmtpd's word
        with self._lock:
            self.mails.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        return "250 kept"

    def open(self) -> None:
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)
        self._controller.start()

    def close(self) -> None:
        if self._controller:
            self._controller.stop()

    @property
    def config(self) -> str:
        """The lines of safelight.yaml that send mail here."""
        smtp = f"{{host: 127.0.0.1, port: {self.port}, security: none}}"
        return f"notify: {{email: [owner@example.com], smtp: {smtp}}}\n"

    def told(self) -> dict[str, int]:
        """Return how many different mails name each job."""
        mails = {mail["Message-ID"]: mail for mail in self.mails}
        jobs = [job for mail in mails.values() for job in mail.get_all("X-Safelight-Job", [])]
        return {job: jobs.count(job) for job in jobs}


@pytest.fixture
def post() -> Iterator[Post]:
    server = Post()
    yield server
    server.close()


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")


@pytest.fixture(scope="session")
def telling(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Buckets]:
    """A server that tells whatever service of a test listens; its buckets are those of nobody."""
    [port], token = free_ports(1), "a token for tests"
    with seaweedfs(tmp_path_factory.mktemp("telling"), webhook=(f"http://127.0.0.1:{port}/hook", token)) as server:
        yield Buckets(server=server, input="none", output="none", port=port, token=token)


@pytest.fixture
def buckets(telling: Buckets) -> Buckets:
    """Give a test two buckets of its own."""
    return replace(telling, input=telling.server.bucket(), output=telling.server.bucket())


@pytest.fixture(params=["folder", "bucket"])
def place(request: pytest.FixtureRequest) -> Buckets | None:
    """Run the test on folders, and on buckets."""
    return request.getfixturevalue("buckets") if request.param == "bucket" else None


@pytest.fixture
def placed(tmp_path: Path, place: Buckets | None) -> Project:
    """Give a project on folders, and one on buckets."""
    return Project(tmp_path / "project", RECIPE, place)


@pytest.fixture
def placed_mailing(tmp_path: Path, post: Post, place: Buckets | None) -> Project:
    """Give the same, whose mails arrive at `post`."""
    post.open()
    return Project(tmp_path / "project", RECIPE + post.config, place)


@pytest.fixture
def mailing(tmp_path: Path, post: Post) -> Project:
    """Give a project whose mails arrive at `post`."""
    post.open()
    return Project(tmp_path / "project", RECIPE + post.config)


@pytest.fixture(scope="session")
def picture() -> Callable[..., bytes]:
    """Give a function that draws a picture; another seed, another picture."""

    def draw(seed: int = 1, *, side: int = 64, ending: str = ".png", **options: object) -> bytes:
        chance = random.Random(seed)
        shade = [chance.randrange(40, 200) for _ in range(3)]
        noise = pyvips.Image.gaussnoise(side, side, mean=0, sigma=20, seed=seed)
        image = (noise.bandjoin([noise, noise]) + shade).cast("uchar").copy(interpretation="srgb")
        return bytes(image.write_to_buffer(ending, **options))

    return draw
