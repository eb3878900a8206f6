"""The monitor's web server."""

from __future__ import annotations

import ipaddress
import secrets
import socket
from typing import Final

import uvicorn

from ecg_edge.ecg.errors import LinkError
from ecg_edge.host.live.sources import Source
from ecg_edge.host.monitor.app import LONGEST_MESSAGE, make_app
from ecg_edge.host.monitor.guard import LOOPBACK
from ecg_edge.host.recording.reader import Reader

DEFAULT_ADDRESS: Final = "127.0.0.1"
DEFAULT_PORT: Final = 8360
_MOST_CONNECTIONS: Final = 64


def is_loopback(address: str) -> bool:
    """Test if only this computer reaches `address`."""
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def hosts_of(address: str, port: int) -> list[str]:
    """List the values of Host that this server goes by."""
    names = list(LOOPBACK)
    if not is_loopback(address):
        names += [socket.gethostname().lower(), f"{socket.gethostname().lower()}.local"]
        names += _own_addresses() if address in ("0.0.0.0", "::") else [address]
    return [f"{name}:{port}" for name in names]


def _own_addresses() -> list[str]:
    found = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
    return sorted(map(str, found))


class Monitor:
    """A web server for one session.

    Parameters
    ----------
    source : Source
    reader : Reader
    address : str
        Address to listen on.
    port : int
        TCP port; 0: any free one.

    Attributes
    ----------
    url : str
        Address of the page, with the token where one is needed.
    """

    def __init__(
        self, source: Source, reader: Reader, address: str = DEFAULT_ADDRESS, port: int = DEFAULT_PORT
    ) -> None:
        self._socket = _listen(address, port)
        port = self._socket.getsockname()[1]
        token = None if is_loopback(address) else secrets.token_urlsafe(24)
        drift = getattr(source, "drift", None)
        app = make_app(
            *(reader.session, lambda: source.losses, hosts_of(address, port), token),
            drift_ppm=lambda: drift.ppm if drift else None,
        )
        shown = address if address not in ("0.0.0.0", "::") else _own_addresses()[0]
        shown = f"[{shown}]" if ":" in shown else shown
        self.url = f"http://{shown}:{port}/" + (f"?token={token}" if token else "")
        config = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            ws_max_size=4 * LONGEST_MESSAGE,
            limit_concurrency=_MOST_CONNECTIONS,
            h11_max_incomplete_event_size=16_384,
            timeout_graceful_shutdown=1,
            server_header=False,
            ws="websockets-sansio",
        )
        self._server = uvicorn.Server(config)

    def run(self) -> None:
        """Serve until Ctrl-C or `stop`."""
        self._server.run(sockets=[self._socket])

    def stop(self) -> None:
        """End `run`, from another thread."""
        self._server.should_exit = True


def _listen(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((address, port))
        listener.listen()  # a browser may come before the server runs
    except OSError as error:
        listener.close()
        raise LinkError(
            f"{address}:{port}: cannot listen there ({error.strerror}). Name another port with --http-port."
        ) from None
    return listener
