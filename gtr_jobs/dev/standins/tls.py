"""Certificates that nobody else trusts: a throw-away authority and a server on this machine."""

from __future__ import annotations

import ssl
from pathlib import Path

import trustme

HTTP2_ONLY = ("h2",)
HTTP2_AND_1 = ("h2", "http/1.1")


class ThrowawayAuthority:
    """A certificate authority that lives as long as this object; its key is never written.

    Args:
        folder: Where the authority's certificate goes, as `ca.pem`, for clients to trust.
    """

    def __init__(self, folder: Path) -> None:
        authority = trustme.CA(organization_name="gtr_jobs stand-ins")
        self._server = authority.issue_cert("localhost", "127.0.0.1")
        self.ca_file = folder / "ca.pem"
        authority.cert_pem.write_to_path(str(self.ca_file))

    def write_server(self, folder: Path) -> tuple[Path, Path]:
        """Write the server's certificate and key as files, for a server that is a program of its own.

        Returns:
            The certificate's file and the key's.
        """
        certificate, key = folder / "cert.pem", folder / "key.pem"
        key.touch(mode=0o600)
        self._server.private_key_pem.write_to_path(str(key))
        chain = b"".join(blob.bytes() for blob in self._server.cert_chain_pems)
        certificate.write_bytes(chain)
        return certificate, key

    def server_context(self, protocols: tuple[str, ...] = HTTP2_AND_1) -> ssl.SSLContext:
        """Make the TLS side of a server for localhost.

        Args:
            protocols: What ALPN offers.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(list(protocols))
        self._server.configure_cert(context)
        return context
