"""A deployment on a stand-in that the command line finds by its stack, as `safelight deploy` leaves one."""

from __future__ import annotations

import json
import subprocess
import time
import uuid
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec

from safelight.aws.access import access_from
from safelight.aws.client import Client
from safelight.aws.ledger import DynamoLedger
from safelight.config import load
from safelight.entry.function import TIMING
from safelight.job import Outcome
from tests.flow.running import command, environment
from tests.servers.aws import Server
from tests.servers.chain import connect, until, zipped
from tests.servers.deployment import Deployment, deploy

ENVIRONMENT = "test"
RECIPE = """\
name: {name}
region: {region}
environments: {{test: {{}}}}
recipes:
  - name: small
    match: {{prefix: "pictures/", suffix: [.png, .jpg]}}
    renditions:
      - key: "{{dir}}{{filename}}-160.webp"
        resize: {{width: 160}}
"""


class Operated:
    """The project folder, what it is deployed to, and the function that develops there."""

    def __init__(self, server: Server, folder: Path, task: Path) -> None:
        self.folder = folder
        self.name = f"p{uuid.uuid4().hex[:10]}"
        self.config = folder / "safelight.yaml"
        self.config.write_text(RECIPE.format(name=self.name, region=server.region))
        self.deployment: Deployment = deploy(server, max_receives=2)
        package = zipped(task, load(self.config).settings, folder / "package.zip")
        self.function = connect(self.deployment, package)
        self._describe(server)

    def _describe(self, server: Server) -> None:
        """Make a stack that puts out what the real one does; it holds nothing itself."""
        found = self.deployment
        outputs = {
            "InputBucket": found.input,
            "OutputBucket": found.output,
            "Table": found.table,
            "QueueUrl": found.queue,
            "DeadLetterQueueUrl": found.dead,
            "TopicArn": found.topic,
            "FunctionName": self.function,
            "DeadLetterFunctionName": f"{self.function}-dead-letters",
            "Environment": ENVIRONMENT,
        }
        template = {
            "Resources": {"Nothing": {"Type": "AWS::CloudFormation::WaitConditionHandle"}},
            "Outputs": {name: {"Value": value} for name, value in outputs.items()},
        }
        cloudformation = server.client("cloudformation")
        cloudformation.create_stack(StackName=f"{self.name}-{ENVIRONMENT}", TemplateBody=json.dumps(template))
        until(lambda: self._stack(server)["StackStatus"] == "CREATE_COMPLETE", "the stack")

    def _stack(self, server: Server) -> dict[str, str]:
        stacks = server.client("cloudformation").describe_stacks(StackName=f"{self.name}-{ENVIRONMENT}")
        found: dict[str, str] = stacks["Stacks"][0]
        return found

    def words(self, *words: str) -> list[str]:
        """Return a command line on this project."""
        return [*command(*words), "-c", str(self.config)]

    def ask(self, *words: str, code: int = 0) -> str:
        """Run a command, and return all that it said; standard error comes last."""
        found = subprocess.run(
            self.words(*words),
            env=environment(**self.deployment.server.environment),
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        assert found.returncode == code, found.stdout + found.stderr
        return found.stdout + found.stderr

    def drop(self, key: str, body: bytes) -> None:
        """Upload a picture."""
        self.deployment.server.client("s3").put_object(Bucket=self.deployment.input, Key=key, Body=body)

    def wait_for(self, *keys: str) -> dict[str, dict[str, Any]]:
        """Wait until the jobs of these keys have ended, and return them as `jobs --json` has them."""
        with closing(Client(access_from(self.deployment.server.environment), TIMING)) as client:
            ledger = DynamoLedger(client, self.deployment.table, now=time.time, unique=lambda: uuid.uuid4().hex)

            def ended() -> dict[str, Outcome] | None:
                found = {job.upload.key: job for job in ledger.jobs() if job.status.ended}
                return found if set(keys) <= set(found) else None

            found = until(ended, f"the jobs of {keys}")
        return {key: json.loads(msgspec.json.encode(job)) for key, job in found.items()}
