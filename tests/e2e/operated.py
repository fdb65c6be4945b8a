"""A deployment on a stand-in that the command line finds by its stack, as `safelight deploy` leaves one."""

from __future__ import annotations

import json
import subprocess
import time
import uuid
from pathlib import Path

from safelight.config import load
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

    def ask(self, *words: str, code: int = 0, columns: int = 120) -> str:
        """Run a command, and return all that it said; standard error comes last."""
        found = subprocess.run(
            self.words(*words),
            env=environment(**self.deployment.server.environment, COLUMNS=str(columns)),
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        assert found.returncode == code, found.stdout + found.stderr
        return found.stdout + found.stderr

    def drop(self, key: str, body: bytes) -> None:
        """Upload a picture, and wait until its job has ended."""
        self.deployment.server.client("s3").put_object(Bucket=self.deployment.input, Key=key, Body=body)

    def wait_for(self, *keys: str) -> dict[str, dict[str, object]]:
        """Wait until the jobs of these keys have ended, and return them as `jobs --json` has them."""
        ends = time.monotonic() + 90
        while True:
            lines = self.ask("jobs", "--env", ENVIRONMENT, "--json").splitlines()
            found = {job["upload"]["key"]: job for job in map(json.loads, lines)}
            if all(found.get(key, {}).get("status") not in (None, "queued", "running") for key in keys):
                return found
            assert time.monotonic() < ends, f"still waiting for {keys}: {found}"
            time.sleep(0.5)
