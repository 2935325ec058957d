"""Credential files: what is wrong with one is said, what is in it never."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
)
from support.provider_keys import (
    PROJECT_ID,
    apple_key,
    google_key,
    service_account_json,
    to_pem,
    to_public_pem,
)

from gtr_jobs.domain.errors import ConfigurationError
from gtr_jobs.providers.apns_key import read_apns_key
from gtr_jobs.providers.google_account import read_service_account
from gtr_jobs.providers.key_files import KeyText, read_key_text

SECRET = "SuperSecretWords"


def read(file: Path | None, inline: str | None = None) -> KeyText:
    """Read a key from a file or from a setting."""
    return read_key_text(file, "GTR_FCM_CREDENTIALS_FILE", inline, "GTR_FCM_CREDENTIALS_JSON")


def write(file: Path, content: bytes) -> Path:
    """Write a file and give its path."""
    file.write_bytes(content)
    return file


def test_a_file_goes_before_the_inline_key(tmp_path: Path) -> None:
    """Both are known by where they came from."""
    file = write(tmp_path / "key.json", b"\xef\xbb\xbfcontent")
    assert read(file, "inline") == KeyText("content", f"GTR_FCM_CREDENTIALS_FILE: {file}")
    assert read(None, "inline") == KeyText("inline", "GTR_FCM_CREDENTIALS_JSON")


@pytest.mark.parametrize("inline", [None, "", "  \n"])
def test_no_key_at_all_names_both_settings(inline: str | None) -> None:
    """Either would do."""
    with pytest.raises(
        ConfigurationError, match=r"GTR_FCM_CREDENTIALS_FILE.*GTR_FCM_CREDENTIALS_JSON"
    ):
        read(None, inline)


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda folder: folder / "missing.json", "does not exist"),
        (lambda folder: folder, "cannot be read"),
        (lambda folder: write(folder / "empty", b" \n"), "is empty"),
        (lambda folder: write(folder / "binary", b"\xff\xfe\x00"), "is not a text file"),
        (lambda folder: write(folder / "huge", b"x" * 70_000), "is too large"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(
    tmp_path: Path, make: Callable[[Path], Path], complaint: str
) -> None:
    """With its setting, its path and what is wrong with it."""
    file = make(tmp_path)
    with pytest.raises(ConfigurationError) as raised:
        read(file)
    assert raised.value.message.startswith(f"GTR_FCM_CREDENTIALS_FILE: {file}")
    assert complaint in raised.value.message
    assert raised.value.hint


def test_a_service_account_is_read() -> None:
    """Project and token endpoint are those of the file."""
    account = read_service_account(KeyText(service_account_json(), "source"))
    assert account.project_id == PROJECT_ID
    assert account.token_uri == "https://oauth2.googleapis.com/token"
    assert SECRET not in repr(account)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (SECRET, "is not JSON"),
        (service_account_json()[:-40], "is not JSON, or only part of it"),
        ("[" * 100_000, "is not JSON"),
        (json.dumps([SECRET]), "is not a service account key"),
        (service_account_json(type="authorized_user"), "is not a service account key"),
        (service_account_json(project_id=None), "has no project_id"),
        (service_account_json(client_email=""), "has no client_email"),
        (service_account_json(private_key=None), "has no private_key"),
        (service_account_json(token_uri=7), "has no token_uri"),
        (service_account_json(token_uri="http://a.example"), "token_uri that is not https"),
        (service_account_json(private_key=SECRET), "private_key that is damaged"),
        (
            service_account_json(private_key=to_pem(google_key())[:800]),
            "private_key that is damaged",
        ),
        (service_account_json(private_key=to_pem(apple_key())), "private_key that is not RSA"),
    ],
    ids=lambda value: value if " " in value and len(value) < 40 else "",
)
def test_a_damaged_service_account_says_what_is_missing(text: str, complaint: str) -> None:
    """And shows nothing of it."""
    with pytest.raises(ConfigurationError) as raised:
        read_service_account(KeyText(text, "GTR_FCM_CREDENTIALS_FILE: key.json"))
    assert raised.value.message.startswith("GTR_FCM_CREDENTIALS_FILE: key.json ")
    assert complaint in raised.value.message
    assert SECRET not in str(raised.value)
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__ or raised.value.__context__ is None


def test_an_apple_key_is_read_with_any_line_ends() -> None:
    """From its file, and from a setting that holds line ends as two signs."""
    pem = to_pem(apple_key())
    for text in (pem, pem.replace("\n", "\r\n"), f"\n{pem}\n", pem.replace("\n", "\\n")):
        key = read_apns_key(KeyText(text, "GTR_APNS_KEY"))
        assert to_public_pem(key) == to_public_pem(apple_key())


def _encrypted() -> str:
    return (
        apple_key()
        .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x"))
        .decode()
    )


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (SECRET, "is not a key in PEM form"),
        (to_pem(apple_key())[:60], "is damaged, or only part of a key"),
        (to_pem(google_key()), "is not an elliptic curve key (P-256)"),
        (to_pem(ec.generate_private_key(ec.SECP384R1())), "is not an elliptic curve key (P-256)"),
        (to_public_pem(apple_key()).decode(), "is damaged"),
        (_encrypted(), "is encrypted"),
    ],
    ids=["words", "truncated", "rsa", "p-384", "public", "encrypted"],
)
def test_a_wrong_apple_key_says_what_it_is_not(text: str, complaint: str) -> None:
    """And shows nothing of it."""
    with pytest.raises(ConfigurationError) as raised:
        read_apns_key(KeyText(text, "GTR_APNS_KEY_FILE: key.p8"))
    assert raised.value.message.startswith("GTR_APNS_KEY_FILE: key.p8 ")
    assert complaint in raised.value.message
    assert SECRET not in str(raised.value)
    assert raised.value.__suppress_context__ or raised.value.__context__ is None


def test_a_key_is_not_shown() -> None:
    """Printing what was read tells only where it came from."""
    assert repr(KeyText(SECRET, "GTR_APNS_KEY")) == "KeyText(source='GTR_APNS_KEY')"


def test_the_keys_of_these_tests_are_what_they_should_be() -> None:
    """RSA for Google, P-256 for Apple."""
    assert isinstance(google_key(), rsa.RSAPrivateKey)
    assert isinstance(apple_key().curve, ec.SECP256R1)
