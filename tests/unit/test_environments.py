"""Environments of safelight.yaml: what differs is merged, and what AWS would refuse is told before anything is made."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from safelight.config import load
from safelight.entry.cli.lint import lint
from safelight.environments import RULES, WARNINGS
from safelight.errors import InvalidRecipe
from safelight.recipe.finding import Finding, InvalidFile
from safelight.recipe.merge import merged
from safelight.recipe.parse import compose
from safelight.settings import Settings

FILE = """\
name: photos
region: eu-north-1
notify: {email: [owner@example.com], on: [failure]}
aws:
  memory: 1024
  alarms: [ops@example.com, boss@example.com]
environments:
  dev: {notify: {email: []}, aws: {concurrency: 2, alarms: [dev@example.com]}}
  staging: {region: eu-west-1}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "safelight.yaml"


def settings_of(file: Path, text: str, environment: str | None) -> Settings:
    file.write_text(text)
    return load(file, {}, environment=environment).settings


def errors(file: Path, text: str, environment: str | None = None) -> tuple[Finding, ...]:
    file.write_text(text)
    with pytest.raises(InvalidFile) as caught:
        load(file, {}, environment=environment)
    return caught.value.errors


def test_load_for_an_environment_merges_groups_and_replaces_lists(file: Path) -> None:
    """What an environment does not say is as in the rest of the file; a list is replaced as a whole."""
    found = settings_of(file, FILE, "dev")
    assert (found.name, found.region, found.notify.on) == ("photos", "eu-north-1", ("failure",))
    assert found.notify.email == ()
    assert (found.aws.memory, found.aws.concurrency, found.aws.alarms) == (1024, 2, ("dev@example.com",))
    assert settings_of(file, FILE, "staging").region == "eu-west-1"


def test_load_without_an_environment_is_the_file_by_itself(file: Path) -> None:
    """This machine is no environment: nothing of them reaches it."""
    found = settings_of(file, FILE, None)
    assert (found.region, found.notify.email, found.aws.concurrency) == ("eu-north-1", ("owner@example.com",), None)
    assert list(found.environments) == ["dev", "staging"]


def test_load_tells_of_every_environment_and_of_production(file: Path) -> None:
    """`lint` shows each environment that the file lists, and production, which need not be listed."""
    file.write_text(FILE)
    found = load(file, {})
    assert list(found.environments) == ["dev", "staging", "prod"]
    assert found.environments["prod"] == settings_of(file, FILE, "prod")
    assert load(file, {}, environment="dev").environment == "dev"


def test_settings_with_environments_are_a_key(file: Path) -> None:
    """Workers keep what they opened for some settings; equal ones are one key."""
    one, other = settings_of(file, FILE, None), settings_of(file, FILE, None)
    assert {one: "kept"}[other] == "kept"
    assert settings_of(file, FILE, "dev") not in {one: "kept"}


@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
def test_load_for_the_usual_environments_needs_no_list(file: Path, environment: str) -> None:
    """dev, staging and prod are there in every project."""
    assert settings_of(file, "name: photos\n", environment).name == "photos"


@pytest.mark.parametrize(("text", "given"), [("name: photos\n", "prdo"), (FILE, "stagin"), (FILE, "Dev"), (FILE, "")])
def test_load_for_an_unknown_environment_is_refused(file: Path, text: str, given: str) -> None:
    """A slip of the pen does not make a second stack."""
    file.write_text(text)
    with pytest.raises(InvalidRecipe) as caught:
        load(file, {}, environment=given)
    assert repr(given) in caught.value.message
    assert not given or "did you mean" in caught.value.message
    assert "dev, staging, prod" in caught.value.remedy


def test_load_without_a_file_takes_the_usual_environments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The default recipe can be deployed too."""
    monkeypatch.chdir(tmp_path)
    assert load(None, {}, environment="staging").environments == {"prod": Settings(), "staging": Settings()}
    with pytest.raises(InvalidRecipe):
        load(None, {}, environment="qa")


def test_load_shows_errors_of_file_and_environments_together_with_their_lines(file: Path) -> None:
    """Each error is told once, at the line where it is written, with the environment that it is in."""
    text = (
        "regoin: x\n"
        "notify: {digest: 90s}\n"
        "environments:\n"
        "  dev: {aws: {concurency: 2}}\n"
        "  staging:\n"
        "    name: other\n"
        "    limits: {seconds: 1000}\n"
        "  Bad: {}\n"
        "  prod:\n"
        "    recipes:\n"
        '      - {name: a, renditions: [{key: "{dir}x"}, {key: "{dir}x"}]}\n'
    )
    found = errors(file, text)
    assert [(each.line, each.where.partition(",")[0]) for each in found] == [
        (1, ""),
        (4, "environment 'dev'"),
        (6, "environment 'staging'"),
        (7, "environment 'staging'"),
        (8, ""),
        (11, "environment 'prod'"),
    ]
    assert "did you mean 'concurrency'?" in found[1].message
    assert "it belongs at the left margin" in found[2].message
    assert "recipe 'a', rendition 2" in found[5].where


def test_load_shows_an_error_of_the_file_once_whatever_the_environments(file: Path) -> None:
    """What environments inherit is not repeated for each of them."""
    found = errors(file, "limits: {seconds: 0}\nenvironments: {dev: {region: eu-west-1}, qa: {}}\n")
    assert [(each.line, each.where) for each in found] == [(1, "")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("environments: [dev]", "must be a group of named groups"),
        ("environments: {dev}", "environment 'dev': this entry has no value"),
        ("environments: {dev: 3}", "environment 'dev': this entry must be a group of options"),
        ("environments: {dev: {}, dev: {}}", "stands here and on line 1; keep one"),
        ("environments: {[a]: {}}", "must be a plain word"),
        ("environments: {1: {}}", "must be text; put it in quotes"),
        ("environments: {a-: {}}", "wanted: Name of an environment"),
        ("environments: {abcdefghijklmnopq: {}}", "wanted: Name of an environment"),
        ("environments: {dev: {store: {}}}", "unknown option 'store'"),
        ("environments: {dev: {environments: {}}}", "unknown option 'environments'"),
        ("environments: {dev: {notify: {smtp: {host: x}}}}", "unknown option 'smtp' in notify"),
        ("environments: {dev: {aws: 5}}", "environment 'dev': aws must be a group of options"),
        ("environments: {dev: {recipes: []}}", "recipes must have at least 1 entry"),
        ("environments: {dev: {aws: {memory: 1}, aws: {}}}", "aws stands here and on line 1"),
    ],
)
def test_load_wrong_environments_say_what(file: Path, text: str, message: str) -> None:
    """Whatever is written under `environments`, the answer is a finding with its line."""
    found = errors(file, text)
    assert message in "\n".join(map(str, found))
    assert all(each.line == 1 for each in found)


BIG = "limits: {memory: 5000}\n"
MAILS = ", ".join(f"a{i}@example.com" for i in range(6))
APART = (
    "recipes: [{name: a, match: {prefix: in/}, renditions: [{key: 'out/{filename}'}]}]\n"
    "aws: {input: our-photos, output: our-photos}\n"
)
KEY = "arn:aws:kms:us-east-1:123456789012:key/1234"


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("aws: {seconds: 30}", "aws_seconds", 1),
        ("aws:\n  seconds: 30\nlimits:\n  seconds: 40", "aws_seconds", 4),
        ("environments:\n  dev:\n    aws: {seconds: 30}", "aws_seconds", 3),
        ("aws: {log_days: 45}", "aws_log_days", 1),
        ("aws: {}\nname: 3d-pictures", "aws_name", 2),
        (f"aws: {{}}\nname: {'a' * 41}\nenvironments: {{long-enough: {{}}}}", "aws_name", 2),
        (f"name: {'a' * 41}\nnames: {{suffix: account}}\nenvironments: {{b: {{}}}}", "bucket_name", 1),
        ("environments: {s3alias: {}}", "bucket_name", 1),
        ("aws: {input: 10.0.0.1}", "bucket_name", 1),
        ("aws: {output: a..b}", "bucket_name", 1),
        ("aws: {output: xn--photos}", "bucket_name", 1),
        ("aws: {input: our-photos}\nenvironments: {dev: {}}", "bucket_shared", 1),
        ("environments:\n  dev: {}\n  qa:\n    aws: {input: myimage-processor-output-dev}", "bucket_shared", 4),
        ("aws: {input: myimage-processor-output}", "bucket_shared", 1),
        ("aws: {output: myimage-processor-input}", "bucket_shared", 1),
        ("aws: {input: our-photos, output: our-photos}", "loop", 1),
        (f"aws: {{}}\nnotify: {{email: [{MAILS}]}}", "too_many_addresses", 2),
        (f"aws: {{alarms: [{MAILS}]}}", "too_many_addresses", 1),
        ("aws: {}\nnotify:\n  digest: 90s", "digest_minutes", 3),
        ("aws: {}\nnotify:\n  digest: 30s", "digest_minutes", 3),
        ("aws: {}\nnotify:\n  digest: 32d", "digest_minutes", 3),
        (f"aws: {{encryption: '{KEY}'}}", "key_region", 1),
        ("aws: {replica: eu-north-1}", "replica_region", 1),
        ("region: eu-west-1\nenvironments:\n  dev: {aws: {replica: eu-west-1}}", "replica_region", 3),
    ],
)
def test_load_what_aws_would_refuse_is_an_error_with_code_and_line(file: Path, text: str, code: str, line: int) -> None:
    """What would end a deployment halfway is known before anything is made."""
    found = errors(file, text)
    assert {(each.code, each.line) for each in found} == {(code, line)}


def test_load_bucket_of_several_environments_says_where_to_write_it(file: Path) -> None:
    """What stands at the top of the file is every environment's; `deploy dev` met prod's."""
    [found] = errors(file, "aws: {input: our-photos}\nenvironments: {dev: {}}")
    assert "for one environment alone write `environments: {prod: {aws: {input: our-photos}}}`" in found.message


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("aws: {}\n" + BIG, "aws_memory"),
        (APART, "one_bucket"),
        ("aws: {input: our-photos, replica: eu-west-1}", "replica_bucket"),
    ],
)
def test_load_what_works_otherwise_than_meant_is_a_warning(file: Path, text: str, code: str) -> None:
    """It can be deployed, and lint says what it means."""
    file.write_text(text)
    assert {each.code for each in load(file, {}).on_aws} == {code}


def test_load_of_a_file_for_one_machine_never_fails_for_aws(file: Path) -> None:
    """Who never deploys is not refused for what only AWS would refuse; who then does is."""
    file.write_text("notify: {digest: 30s}\nlimits: {seconds: 900}\n")
    assert {each.code for each in load(file, {}).on_aws} == {"digest_minutes", "aws_seconds"}
    with pytest.raises(InvalidFile):
        load(file, {}, environment="prod")


def test_rules_have_a_case_each() -> None:
    """Every rule that the reference lists was seen to be found, by the cases above."""
    errors_of, warnings_of = (
        mark.args[1]
        for test in (
            test_load_what_aws_would_refuse_is_an_error_with_code_and_line,
            test_load_what_works_otherwise_than_meant_is_a_warning,
        )
        for mark in test.pytestmark  # type: ignore[attr-defined]
    )
    assert {case[1] for case in errors_of} | {case[1] for case in warnings_of} == set(RULES)
    assert {case[1] for case in warnings_of} == set(WARNINGS)


def test_load_remedy_for_memory_is_enough(file: Path) -> None:
    """Who does what the warning says is not warned again."""
    file.write_text("aws: {}\n" + BIG)
    [warning] = load(file, {}).on_aws
    enough = warning.message.partition("raise aws.memory to ")[2].partition(",")[0]
    file.write_text(f"aws: {{memory: {enough}}}\n{BIG}")
    assert load(file, {}).on_aws == ()


@pytest.mark.parametrize("suffix", ["none", "account"])
def test_load_remedy_for_a_long_name_is_enough(file: Path, suffix: str) -> None:
    """The name may be shortened by just as much as the message says."""
    name = "a" * 41
    text = "name: {}\nnames: {{suffix: {}}}\nenvironments: {{a-very-long-name: {{}}}}\n"
    found = errors(file, text.format(name, suffix))
    over = max(int(each.message.rpartition(" by ")[2]) for each in found)
    assert settings_of(file, text.format(name[over:], suffix), "a-very-long-name").name == name[over:]
    assert errors(file, text.format(name[over - 1 :], suffix))


PLAIN = st.recursive(
    st.integers(0, 9) | st.lists(st.integers(0, 9), max_size=2),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
GROUPS = st.dictionaries(st.sampled_from("abc"), PLAIN, max_size=3)


def laid_over(base: Any, over: Any) -> Any:
    """Return the same by plain data: the oracle."""
    if not (isinstance(base, dict) and isinstance(over, dict)):
        return over
    return {**base, **{name: laid_over(base.get(name), value) for name, value in over.items()}}


@given(GROUPS, GROUPS)
def test_merged_trees_hold_what_merged_values_do(base: dict[str, Any], over: dict[str, Any]) -> None:
    """Groups merge at every depth, lists and values replace, and nothing else changes."""
    root = compose(yaml.safe_dump({**base, "environments": {"dev": over}}), "x")
    override = next(value for key, value in root.value if key.value == "environments").value[0][1]
    found = yaml.safe_load(yaml.serialize(merged(root, override))) or {}
    assert found == laid_over(base, over)
    assert yaml.safe_load(yaml.serialize(merged(root, None))) == base


def ended(*args: str) -> tuple[int, str]:
    done = CliRunner().invoke(lint, args)
    return done.exit_code, done.output


def test_lint_lists_each_environment_with_region_and_names(file: Path) -> None:
    """One sees at once where a deployment would go."""
    file.write_text(FILE.replace("name: photos", "name: photos\nnames: {suffix: account}"))
    code, output = ended("-c", str(file))
    lines = output.splitlines()
    assert code == 0
    assert [line.split()[:2] for line in lines[-3:]] == [
        ["dev", "eu-north-1"],
        ["staging", "eu-west-1"],
        ["prod", "eu-north-1"],
    ]
    assert "myphotos-input-ACCOUNT > photos-function > myphotos-output-ACCOUNT" in lines[-1]


def test_lint_as_json_has_an_object_for_each_finding_and_environment(file: Path) -> None:
    """Scripts read codes and lines, not sentences."""
    file.write_text("limits: {memory: 5000}\naws: {}\n")
    code, output = ended("-c", str(file), "--json")
    warning, production = map(msgspec.json.decode, output.splitlines())
    assert (code, warning["level"], warning["code"], warning["line"]) == (0, "warning", "aws_memory", 1)
    assert (production["environment"], production["stack"]) == ("prod", "image-processor-prod")
    file.write_text("aws: {seconds: 20, log_days: 2}\n")
    code, output = ended("-c", str(file), "--json")
    assert code == 2
    assert {each["code"] for each in map(msgspec.json.decode, output.splitlines())} == {"aws_seconds", "aws_log_days"}
