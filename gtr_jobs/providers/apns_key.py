"""An APNs signing key: the .p8 file that Apple gives out once."""

from __future__ import annotations

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from gtr_jobs.domain.errors import ConfigurationError
from gtr_jobs.providers.key_files import KeyText


def read_apns_key(key: KeyText) -> EllipticCurvePrivateKey:
    """Read a signing key in PEM form.

    Raises:
        ConfigurationError: It is not one; says what is wrong, never what is in it.
    """
    hint = "use the AuthKey_….p8 file from developer.apple.com: certificates, keys"
    # A setting that holds the key inline may hold its line ends as `\\n`.
    text = key.text if "\n" in key.text.strip() else key.text.replace("\\n", "\n")
    if "-----BEGIN" not in text:
        raise ConfigurationError(f"{key.source} is not a key in PEM form", hint)
    try:
        loaded = load_pem_private_key(text.strip().encode(), password=None)
    except TypeError:
        raise ConfigurationError(f"{key.source} is encrypted", hint) from None
    except (ValueError, UnsupportedAlgorithm):
        raise ConfigurationError(f"{key.source} is damaged, or only part of a key", hint) from None
    if not isinstance(loaded, EllipticCurvePrivateKey) or not isinstance(loaded.curve, SECP256R1):
        raise ConfigurationError(f"{key.source} is not an elliptic curve key (P-256)", hint)
    return loaded
