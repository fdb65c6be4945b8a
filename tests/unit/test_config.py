"""Reading safelight.yaml and the environment."""

import os
from pathlib import Path

import pytest

from safelight.config import load
from safelight.recipe.finding import InvalidFile
from safelight.recipe.units import seconds
from safelight.settings import Settings

MAIL = "notify: {email: [a@b.c], smtp: {host: x, username: u}}\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def warnings(text: str, path: Path) -> list[str]:
    path.write_text(text)
    return [str(warning) for warning in load(path, {}).warnings]


def fault(path: Path) -> tuple[str, str]:
    with pytest.raises(InvalidFile) as caught:
        load(path, {})
    assert caught.value.remedy
    return caught.value.message, caught.value.remedy


def test_load_without_a_file_gives_defaults(project: Path) -> None:
    """The service runs without any configuration."""
    loaded = load(None, {})
    assert (loaded.settings, loaded.path, loaded.warnings) == (Settings(), None, ())
    assert loaded.folder.resolve() == project.resolve()


def test_load_without_a_path_reads_the_file_of_the_folder(project: Path) -> None:
    """./safelight.yaml needs no -c."""
    (project / "safelight.yaml").write_text("name: photos\n")
    loaded = load(None, {})
    assert (loaded.settings.name, loaded.path) == ("photos", Path("safelight.yaml"))


def test_load_named_file_lives_in_its_own_folder(project: Path) -> None:
    """The local world lies beside the file that -c names."""
    (project / "sub").mkdir()
    (project / "sub/x.yaml").write_text("")
    assert load(Path("sub/x.yaml"), {}).folder == Path("sub")


def test_load_file_with_the_wrong_name_is_told(project: Path) -> None:
    """Somebody who wrote safelight.yml must not wonder why nothing happens."""
    (project / "safelight.yml").write_text("name: x\n")
    assert [str(w) for w in load(None, {}).warnings] == ["is not read; rename it to safelight.yaml; safelight.yml"]


def test_load_named_file_that_is_missing_is_an_error(project: Path) -> None:
    """-c never falls back to defaults."""
    message, remedy = fault(Path("nope.yaml"))
    assert message == "there is no such file; nope.yaml"
    assert "safelight init" in remedy


def test_load_absolute_path_shows_its_name_only(project: Path) -> None:
    """Messages carry no absolute path."""
    assert fault(project / "nope.yaml")[0] == "there is no such file; nope.yaml"


def test_load_folder_is_an_error(project: Path) -> None:
    """-c names a file."""
    (project / "sub").mkdir()
    assert fault(Path("sub"))[0] == "is a folder, not a file; sub"


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_load_file_without_permission_is_an_error(project: Path) -> None:
    """A coded error, not a stack."""
    (project / "safelight.yaml").touch(mode=0)
    assert fault(Path("safelight.yaml"))[0].startswith("cannot be read: ")


def test_load_path_through_a_file_is_an_error(project: Path) -> None:
    """Whatever the system says comes as a coded error."""
    (project / "safelight.yaml").touch()
    assert fault(Path("safelight.yaml/x.yaml"))[0].startswith("cannot be read: ")


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"# ok\nname: caf\xe9\n", "holds the byte 0xe9, which is not UTF-8; save it as UTF-8; x.yaml:2"),
        ("name: x".encode("utf-16"), "is UTF-16 text; save it as UTF-8; x.yaml"),
    ],
)
def test_load_other_encoding_is_an_error_with_its_line(project: Path, raw: bytes, message: str) -> None:
    """Only UTF-8 is read, and the first wrong byte is found for the reader."""
    (project / "x.yaml").write_bytes(raw)
    assert fault(Path("x.yaml"))[0] == message


def test_load_utf8_with_byte_order_mark_is_read(project: Path) -> None:
    """Some editors write one, and it means nothing."""
    (project / "x.yaml").write_bytes(b"\xef\xbb\xbfname: photos\r\nregion: eu-west-1\r\n")
    assert load(Path("x.yaml"), {}).settings.region == "eu-west-1"


def test_load_shows_errors_of_options_and_of_recipes_together(project: Path) -> None:
    """A wrong option in one recipe does not hide what is wrong between the others."""
    (project / "x.yaml").write_text(
        "regoin: x\n"
        "recipes:\n"
        '  - {name: a, renditions: [{key: "{dir}x{filename}"}]}\n'
        '  - {name: b, renditions: [{key: "{dir}y", width: 3}]}\n'
        '  - {name: c, renditions: [{key: "{dir}x{filename}"}]}\n'
    )
    message, _ = fault(Path("x.yaml"))
    assert [line.rpartition(":")[2] for line in message.splitlines()] == ["1", "4", "5"]


def test_load_password_comes_from_the_environment(project: Path) -> None:
    """Under the variable that the file names."""
    (project / "x.yaml").write_text(MAIL.replace("username: u", "username: u, password_env: MY_PASSWORD"))
    loaded = load(Path("x.yaml"), {"MY_PASSWORD": "hunter2", "SAFELIGHT_SMTP_PASSWORD": "other"})
    assert (loaded.smtp_password, loaded.warnings) == ("hunter2", ())


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        ("notify: {email: [a@b.c]}", "notify.email has no mail server to send through on this machine"),
        ("notify: {email: [a@b.c], on: [], smtp: {host: x}}", "notify.on is empty, so nobody is told"),
        ("notify: {smtp: {host: x}}", "notify.smtp has nobody to write to; add notify.email"),
        (MAIL, "notify.smtp.username has no password; set the environment variable SAFELIGHT_SMTP_PASSWORD"),
    ],
)
def test_load_mail_that_cannot_be_sent_is_a_warning(project: Path, text: str, warning: str) -> None:
    """One learns it from lint, not from mail that never comes."""
    (found,) = warnings(text, project / "safelight.yaml")
    assert found.startswith(warning)
    assert found.endswith("safelight.yaml:1")


def test_load_login_without_encryption_is_a_warning(project: Path) -> None:
    """The password would be readable on its way."""
    (project / "x.yaml").write_text(MAIL.replace("username: u", "username: u, security: none"))
    (found,) = load(Path("x.yaml"), {"SAFELIGHT_SMTP_PASSWORD": "x"}).warnings
    assert "sends the password in the clear" in found.message


@pytest.mark.parametrize(("text", "number"), [("45s", 45), ("15m", 900), ("2h", 7200), ("1d", 86400)])
def test_seconds_of_each_unit(text: str, number: int) -> None:
    """The four units of `notify.digest`."""
    assert seconds(text) == number


STORE = """\
store: {endpoint: "http://127.0.0.1:8333", input: photos, output: developed, webhook: {token_env: HOOK}}
recipes: [{name: a, renditions: [{key: "{filename}-1.webp", resize: {width: 10}}]}]
"""


def test_store_takes_its_secrets_from_the_environment_only(tmp_path: Path) -> None:
    """Address and names are in the file, credentials and token in the environment; nothing prints the secrets."""
    path = tmp_path / "safelight.yaml"
    path.write_text(STORE)
    environ = {"AWS_ACCESS_KEY_ID": "who", "AWS_SECRET_ACCESS_KEY": "hush", "HOOK": "whisper"}
    found = load(path, environ)
    assert found.settings.store is not None
    assert (found.settings.store.input, found.settings.store.region) == ("photos", "us-east-1")
    secrets = found.storage_secrets
    assert (secrets.key_id, secrets.secret, secrets.token, secrets.webhook_token) == ("who", "hush", None, "whisper")
    assert "hush" not in repr(found)
    assert "whisper" not in repr(found)


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("store: {endpoint: 127.0.0.1, input: photos, output: developed}", "endpoint"),
        ("store: {endpoint: 'http://h/path', input: photos, output: developed}", "endpoint"),
        ("store: {endpoint: 'http://h', input: Photos, output: developed}", "input"),
        ("store: {endpoint: 'http://h', input: photos}", "output"),
        ("store: {endpoint: 'http://h', input: photos, output: developed, secret: x}", "secret"),
    ],
)
def test_store_that_cannot_be_is_an_error_of_its_line(tmp_path: Path, line: str, error: str) -> None:
    """A wrong address, a name that no bucket has, a missing one, or a secret in the file is told with its line."""
    path = tmp_path / "safelight.yaml"
    path.write_text(f"{line}\n")
    with pytest.raises(InvalidFile, match=error) as raised:
        load(path, {})
    assert "safelight.yaml:1" in str(raised.value)


def test_load_of_a_file_for_aws_needs_no_mail_server(project: Path) -> None:
    """There SNS sends the mail."""
    text = "notify: {email: [a@b.c]}\n"
    assert "has no mail server" in warnings(text, Path("x.yaml"))[0]
    assert warnings(text + "environments: {dev: {}}\n", Path("x.yaml")) == []
