"""Whose certificates are believed, seen by a client that talks TLS to a server of this machine."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from msgspec.structs import replace

from safelight.aws.access import Access
from safelight.aws.client import Client
from safelight.aws.store import S3Store
from safelight.aws.trust import AMAZON, Trust, amazon_alone, amazon_roots
from safelight.errors import Unavailable
from tests.unit.aws.serving import KEYS, Server, Times


def _certificate(path: Path, name: str, *, ca: bool = True) -> Path:
    """Write a certificate of 127.0.0.1 that signed itself, and its key beside it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, SHA256())
    )
    path.write_bytes(made.public_bytes(Encoding.PEM))
    path.with_suffix(".key").write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    )
    return path


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return _certificate(tmp_path / "own.pem", "stand-in")


@contextmanager
def _serving(certificate: Path) -> Iterator[str]:
    server = Server()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_suffix(".key"))
    server._server.socket = context.wrap_socket(server._server.socket, server_side=True)
    with server.running():
        yield server.url.replace("http:", "https:")


def _ask(url: str, times: Times, bundle: Path | None = None) -> object:
    access = Access(
        region="eu-north-1", credentials=KEYS, endpoint=url, ca_bundle=None if bundle is None else str(bundle)
    )
    client = Client(access, times.timing(), timeout_s=30, tries=2)
    try:
        return client.json("sqs", "ListQueues", {}, dict[str, object])
    finally:
        client.close()


def test_named_bundle_is_believed(own: Path, times: Times) -> None:
    """AWS_CA_BUNDLE names whom to trust instead."""
    with _serving(own) as url:
        assert _ask(url, times, own) == {}


def test_unknown_certificate_is_refused(own: Path, times: Times, tmp_path: Path) -> None:
    """Whoever cannot prove that it is AWS gets no request."""
    other = _certificate(tmp_path / "other.pem", "another")
    with _serving(own) as url, pytest.raises(Unavailable) as refused:
        _ask(url, times, other)

    assert isinstance(refused.value.__cause__, ssl.SSLCertVerificationError)


def test_certificate_of_the_system_is_believed_after_amazons_failed(
    own: Path, times: Times, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy whose certificate the system knows works as with any other program."""
    amazon = _certificate(tmp_path / "amazon.pem", "Amazon Root CA 1")
    system = tmp_path / "system.pem"
    system.write_bytes(amazon.read_bytes() + own.read_bytes())
    monkeypatch.setenv("SSL_CERT_FILE", str(system))  # OpenSSL's word for the system's certificates

    assert len(Trust().context.get_ca_certs()) == 1
    with _serving(own) as url:
        assert _ask(url, times) == {}


def test_amazon_roots_of_a_file_are_those_and_no_others(own: Path, tmp_path: Path) -> None:
    """Only the five names are taken; what cannot be read gives none, and then the system's are all taken."""
    amazon = [_certificate(tmp_path / f"{n}.pem", name.decode() + "1"[: n == 0]) for n, name in enumerate(AMAZON)]
    bundle = tmp_path / "bundle.pem"
    broken = b"-----BEGIN CERTIFICATE-----\nA\n-----END CERTIFICATE-----\n"
    bundle.write_bytes(own.read_bytes() + broken + b"".join(each.read_bytes() for each in amazon))

    assert amazon_roots(str(bundle)) == b"".join(each.read_bytes() for each in amazon)
    assert amazon_roots(str(own)) == amazon_roots(str(tmp_path / "none")) == amazon_roots(None) == b""


def test_bucket_believes_the_given_roots_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the system knows counts where no roots are given, and does not where they are."""
    own, other = (_certificate(tmp_path / f"{name}.pem", name, ca=False) for name in ("own", "other"))
    monkeypatch.setenv("SSL_CERT_FILE", str(own))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "none"))

    with _serving(own) as url:
        access = Access(region="eu-north-1", credentials=KEYS, endpoint=url)
        assert _store(access, tmp_path).head("k") is None
        with pytest.raises(Unavailable):
            _store(replace(access, roots=other.read_bytes()), tmp_path).head("k")
        monkeypatch.setenv("SSL_CERT_FILE", str(other))
        assert _store(replace(access, roots=own.read_bytes()), tmp_path).head("k") is None
        assert _store(replace(access, ca_bundle=str(own)), tmp_path).head("k") is None


def _store(access: Access, scratch: Path) -> S3Store:
    return S3Store("bucket", access, scratch, patience_s=0.1)


def test_function_gives_buckets_amazons_roots_where_amazon_signs(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not in China, not for a server of somebody else, and not where the user names whom to trust."""
    amazon = _certificate(tmp_path / "amazon.pem", "Amazon Root CA 1")
    system = tmp_path / "system.pem"
    system.write_bytes(amazon.read_bytes() + own.read_bytes())
    monkeypatch.setenv("SSL_CERT_FILE", str(system))

    access = Access(region="eu-north-1", credentials=KEYS)
    assert amazon_alone(access).roots == amazon.read_bytes()
    for other in ({"region": "cn-north-1"}, {"endpoint": "https://s3.example.com"}, {"ca_bundle": str(own)}):
        assert amazon_alone(replace(access, **other)).roots is None
    monkeypatch.setenv("SSL_CERT_FILE", str(own))
    assert amazon_alone(access).roots is None
