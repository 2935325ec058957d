"""Certificate authorities of our own choice, as a file in PEM form."""

from __future__ import annotations

from pathlib import Path

from gtr_jobs.domain.errors import ConfigurationError


def read_authorities(file: Path | None, setting: str = "GTR_CA_FILE") -> bytes | None:
    """Read the certificate authorities to trust beside the usual ones.

    Args:
        file: In PEM form; None where there is none.
        setting: The setting that names it, for error messages.

    Raises:
        ConfigurationError: The file is missing or holds no certificates; names setting and file.
    """
    if file is None:
        return None
    # Only what is configured is loaded.
    from cryptography.x509 import load_pem_x509_certificates  # noqa: PLC0415

    try:
        pem = file.read_bytes()
        load_pem_x509_certificates(pem)
    except OSError as error:
        raise ConfigurationError(
            f"{setting}: cannot read {file}: {error.strerror}",
            "name a PEM file that this user may read",
        ) from None
    except ValueError:
        raise ConfigurationError(
            f"{setting}: {file} holds no certificates in PEM form",
            "it should contain -----BEGIN CERTIFICATE-----",
        ) from None
    return pem
