"""The Terraform module: parameters and outputs of the template, Terraform's own word on it, and the stack it makes."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import boto3
import pytest

from docs.make.terraform import PACKAGED, snake
from safelight.deploy.cloudformation import TEMPLATE, read
from tests.servers.aws import Server

ROOT = Path(__file__).parents[2]
MODULE = ROOT / "infra" / "terraform"
STACK = read(TEMPLATE.read_text("utf-8"))
MIRRORS = (
    "/opt/tf-plugins",
    "~/.terraform.d/plugins",
    "/usr/local/share/terraform/plugins",
    "/usr/share/terraform/plugins",
)
"""Where providers lie that were not fetched for one module; all but the first are Terraform's own."""

pytestmark = pytest.mark.xdist_group("terraform")

PROVIDER = """
provider "aws" {{
  region                      = "{region}"
  access_key                  = "test"
  secret_key                  = "test"
  skip_credentials_validation = true
  skip_requesting_account_id  = true
  skip_metadata_api_check     = true
  s3_use_path_style           = true
  endpoints {{
    s3             = "{endpoint}"
    cloudformation = "{endpoint}"
    sts            = "{endpoint}"
  }}
}}
"""
# The stand-in's buckets have another address than those of AWS; everything else is the module's own.
ADDRESS = """
resource "aws_cloudformation_stack" "this" {{
  template_url = "{endpoint}/${{aws_s3_bucket.artifacts.bucket}}/${{aws_s3_object.template.key}}"
}}
"""


def terraform(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run terraform without the user's own configuration of it, which may name a mirror that is not there."""
    program = shutil.which("terraform")
    if program is None:
        pytest.skip("terraform is not here")
    environ = {**os.environ, "TF_CLI_CONFIG_FILE": os.devnull, "CHECKPOINT_DISABLE": "1", "TF_INPUT": "0"}
    return subprocess.run(
        [program, *words], cwd=folder, env=environ, capture_output=True, text=True, timeout=600, check=False
    )


@pytest.fixture(scope="module")
def initialised(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of module and template with the provider in place."""
    mirror = next((each for each in map(os.path.expanduser, MIRRORS) if [*Path(each).glob("*/hashicorp/aws")]), None)
    if mirror is None:
        pytest.skip("no copy of Terraform's provider for AWS is here")
    folder = tmp_path_factory.mktemp("terraform")
    shutil.copytree(MODULE, folder / "infra" / "terraform", ignore=shutil.ignore_patterns(".terraform*"))
    (folder / "src/safelight/deploy").mkdir(parents=True)
    shutil.copy(ROOT / "src/safelight/deploy/template.yaml", folder / "src/safelight/deploy")
    for each in (folder / "infra/terraform", folder / "infra/terraform/examples/complete"):
        done = terraform(each, "init", "-backend=false", f"-plugin-dir={mirror}")
        assert done.returncode == 0, done.stderr
    return folder / "infra" / "terraform"


def test_module_has_the_parameters_of_the_template() -> None:
    """Each parameter has its variable, and each variable its parameter; so have the values that are handed over."""
    written = json.loads((MODULE / "variables.tf.json").read_text())
    parameters = {*STACK["Parameters"]} - {*PACKAGED}
    assert written["locals"]["parameters"].keys() == parameters
    assert written["variable"].keys() == {snake(name) for name in parameters}
    main = (MODULE / "main.tf").read_text()
    assert [name for name in PACKAGED if f"{name} " not in main] == []


def test_module_has_the_outputs_of_the_template() -> None:
    """Under names of Terraform's kind, and none beside them."""
    written = json.loads((MODULE / "outputs.tf.json").read_text())["output"]
    asked = {name: f'${{lookup(aws_cloudformation_stack.this.outputs, "{name}", null)}}' for name in STACK["Outputs"]}
    assert {name: each["value"] for name, each in written.items()} == {
        snake(name): text for name, text in asked.items()
    }


def test_variables_have_the_types_and_defaults_of_the_template() -> None:
    """What is true or false is a bool; a default is the template's, so that a plain module is production."""
    written = json.loads((MODULE / "variables.tf.json").read_text())["variable"]
    assert (written["tracing"]["type"], written["tracing"]["default"]) == ("bool", False)
    assert (written["memory_size"]["type"], written["memory_size"]["default"]) == ("number", 512)
    assert (written["emails"]["type"], written["emails"]["default"]) == ("list(string)", [])
    assert written["input_bucket_name"]["default"] == "myimage-processor-input"
    assert written["name"]["nullable"] is False


def test_module_is_formatted() -> None:
    """As `terraform fmt` writes it."""
    done = terraform(ROOT, "fmt", "-check", "-recursive", "-diff", "infra")
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("folder", [".", "examples/complete"])
def test_module_is_valid(initialised: Path, folder: str) -> None:
    """Terraform and the provider take module and example as they are."""
    done = terraform(initialised / folder, "validate", "-no-color")
    assert done.returncode == 0, done.stderr


def test_module_hands_over_what_it_is_given(initialised: Path) -> None:
    """Terraform's own tests of the module: they plan with a provider that makes nothing."""
    done = terraform(initialised, "test", "-no-color")
    assert (done.returncode, "4 passed, 0 failed" in done.stdout) == (0, True), done.stdout + done.stderr


@pytest.fixture
def example(initialised: Path, ministack: Server) -> Path:
    """The module's example with the stand-in as its AWS."""
    words = {"region": ministack.region, "endpoint": ministack.endpoint}
    folder = initialised / "examples" / "complete"
    (initialised / "main_override.tf").write_text(ADDRESS.format(**words))
    (folder / "main_override.tf").write_text(PROVIDER.format(**words))
    with ZipFile(folder / "image-processor-arm64.zip", "w") as package:
        package.writestr("safelight/__init__.py", "")
    return folder


def done(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    ended = terraform(folder, *words, "-no-color")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended


def client(server: Server, service: Any) -> Any:
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": server.region}
    return boto3.client(service, endpoint_url=server.endpoint, **keys)


@pytest.mark.long
def test_module_makes_the_stack_and_has_nothing_to_change_after(example: Path, ministack: Server) -> None:
    """Stack, parameters and outputs are there; a second plan is empty, also where a parameter is blank."""
    done(example, "apply", "-auto-approve")
    assert "No changes" in done(example, "plan", "-detailed-exitcode").stdout
    [stack] = client(ministack, "cloudformation").describe_stacks(StackName="image-processor-staging")["Stacks"]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    parameters = {each["ParameterKey"]: each["ParameterValue"] for each in stack["Parameters"]}
    assert (parameters["MaximumConcurrency"], parameters["AlarmEmail1"]) == ("10", "ops@example.com")
    table = client(ministack, "dynamodb").describe_table(TableName="image-processor-jobs-staging")["Table"]
    assert table["TableStatus"] == "ACTIVE"
    assert done(example, "output").stdout.strip() == 'upload_to = "myimage-processor-input-staging"'
