"""Address and credentials of a broker."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from ecg_edge.ecg.errors import EcgEdgeError, LinkError

PASSWORD_VARIABLE: Final = "ECG_EDGE_MQTT_PASSWORD"
USER_VARIABLE: Final = "ECG_EDGE_MQTT_USER"
_PORTS: Final = {"mqtt": 1883, "mqtts": 8883}
_LOCAL: Final = ("localhost", "127.0.0.1", "::1")


class BrokerError(LinkError):
    """The broker cannot be reached, or breaks the connection."""


class BrokerRefusal(BrokerError):  # noqa: N818
    """The broker refuses, or its certificate is not trusted: waiting does not help."""


@dataclass(frozen=True)
class Broker:
    """Where a broker is, and who this program is there.

    Attributes
    ----------
    host : str
    port : int
    tls : bool
    user, password : str or None
    ca : Path or None
        File of certificates to trust in place of the system's.
    """

    host: str
    port: int
    tls: bool = False
    user: str | None = None
    password: str | None = None
    ca: Path | None = None

    @classmethod
    def of(cls, url: str, password_file: Path | None = None, ca: Path | None = None) -> Broker:
        """Read a URL, and the credentials from the environment or a file.

        Parameters
        ----------
        url : str
            mqtt://[USER@]HOST[:PORT] or mqtts://...
        password_file : Path, optional
            File whose first line is the password; else ECG_EDGE_MQTT_PASSWORD.
        ca : Path, optional
            Certificates to trust, in PEM form.

        Raises
        ------
        EcgEdgeError
            When the URL or a file cannot be used.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise _bad_url(url, str(error)) from None
        if parts.scheme not in _PORTS or not parts.hostname:
            raise _bad_url(url, "it has no scheme mqtt or mqtts, or no host")
        if parts.password is not None:
            raise EcgEdgeError(
                "The URL of the broker holds a password, which others see in the list of processes. "
                f"Set {PASSWORD_VARIABLE}, or name a file with --password-file."
            )
        if parts.path.strip("/") or parts.query or parts.fragment:
            raise _bad_url(url, "it has more than a host and a port")
        if ca is not None and parts.scheme != "mqtts":
            raise EcgEdgeError("--ca is for mqtts://, the encrypted form of the URL.")
        user = unquote(parts.username) if parts.username else os.environ.get(USER_VARIABLE) or None
        password = _read_password(password_file) or os.environ.get(PASSWORD_VARIABLE) or None
        port = port or _PORTS[parts.scheme]
        return cls(parts.hostname, port, parts.scheme == "mqtts", user, password, _checked(ca))

    @property
    def title(self) -> str:
        """Host and port, for messages."""
        return f"{self.host}:{self.port}"

    @property
    def exposes_password(self) -> bool:
        """The password crosses a network without encryption."""
        return self.password is not None and not self.tls and self.host not in _LOCAL


def _bad_url(url: str, reason: str) -> EcgEdgeError:
    return EcgEdgeError(
        f"{url!r} is no URL of a broker: {reason}. Write mqtt://HOST, mqtt://USER@HOST:1883 or mqtts://HOST."
    )


def _read_password(path: Path | None) -> str | None:
    if path is None:
        return None
    try:
        return path.read_text(encoding="utf-8").splitlines()[0]
    except (OSError, UnicodeDecodeError, IndexError):
        raise EcgEdgeError(f"{path}: holds no password in its first line. Name another file.") from None


def _checked(ca: Path | None) -> Path | None:
    if ca is not None and not ca.is_file():
        raise EcgEdgeError(
            f"{ca}: not found. Name the file of the broker's certificate authority, in PEM form."
        )
    return ca
