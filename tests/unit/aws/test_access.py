"""From the environment to endpoints."""

import pytest
from botocore.loaders import create_loader
from botocore.regions import EndpointResolver

from safelight.aws.access import Access, Endpoint, access_from, endpoint_at
from safelight.aws.sigv4 import Credentials
from safelight.errors import Denied, InvalidRecipe

LAMBDA = {
    "AWS_REGION": "eu-north-1",
    "AWS_ACCESS_KEY_ID": "AKID",
    "AWS_SECRET_ACCESS_KEY": "s",
    "AWS_SESSION_TOKEN": "t",
}


def test_access_from_lambdas_environment() -> None:
    """A function's variables are enough."""
    keys = Credentials(key_id="AKID", secret="s", token="t")  # noqa: S106
    assert access_from(LAMBDA) == Access(region="eu-north-1", credentials=keys)


@pytest.mark.parametrize("missing", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
def test_access_without_credentials_is_denied(missing: str) -> None:
    """What is missing is said before the first call."""
    with pytest.raises(Denied):
        access_from({**LAMBDA, missing: ""})


def test_access_takes_the_first_region_that_is_named() -> None:
    """The environment is before the file, and without either there is no access."""
    bare = {name: value for name, value in LAMBDA.items() if name != "AWS_REGION"}
    assert access_from(LAMBDA, "us-east-1").region == "eu-north-1"
    assert access_from({**bare, "AWS_DEFAULT_REGION": "eu-west-1"}, "us-east-1").region == "eu-west-1"
    assert access_from(bare, "us-east-1").region == "us-east-1"
    with pytest.raises(InvalidRecipe):
        access_from(bare)


@pytest.mark.parametrize("service", ["dynamodb", "sqs", "sns"])
def test_endpoint_is_where_botocore_looks(service: str) -> None:
    """In every region of every partition the service's address is AWS's own."""
    loader, regions = create_loader(), set()
    resolver = EndpointResolver(loader.load_data("endpoints"))
    for partition in loader.load_data("partitions")["partitions"]:
        regions |= {region for region in partition["regions"] if "global" not in region}
    for region in regions:
        ours = access_from({**LAMBDA, "AWS_REGION": region}).endpoint_of(service)
        theirs = resolver.construct_endpoint(service, region)["hostname"]
        assert ours == Endpoint(secure=True, name=theirs, port=443), region
    assert len(regions) > 30


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://127.0.0.1:24566", "127.0.0.1:24566"),
        ("http://127.0.0.1/", "127.0.0.1"),
        ("https://[::1]:8443", "[::1]:8443"),
        ("https://proxy.example", "proxy.example"),
        ("http://proxy.example:443", "proxy.example:443"),
    ],
)
def test_endpoint_override_gives_its_host(url: str, host: str) -> None:
    """The port is named where it is not the scheme's."""
    assert access_from({**LAMBDA, "AWS_ENDPOINT_URL": url}).endpoint_of("sns").host == host


@pytest.mark.parametrize(
    "url", ["", "127.0.0.1:80", "ftp://x", "http://", "http://x/path", "http://x:port", "http://x/?q=1", "http://["]
)
def test_endpoint_that_is_no_address_is_refused(url: str) -> None:
    """A wrong address is said when it is read, not at each call."""
    with pytest.raises(InvalidRecipe):
        endpoint_at(url)
