"""One connection to a broker (MQTT version 5, through paho), from CONNECT until it breaks."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable
from typing import Any, Final

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from ecg_edge.host.bridge.broker import PASSWORD_VARIABLE, Broker, BrokerError, BrokerRefusal

KEEPALIVE_S: Final = 15
ANSWER_S: Final = 10.0
"""Silence after CONNECT or PUBLISH after which the connection counts as lost."""
_MOST_UNDER_WAY: Final = 20
_TAKEN_OVER: Final = 142
_CREDENTIALS: Final = (134, 135, 140)  # bad user name or password, not authorized, bad authentication method


class Connection:
    """An open connection.

    Parameters
    ----------
    broker : Broker
    client_id : str
        Unique at the broker.
    will : tuple of str
        Topic and content that the broker publishes, retained, when this program is gone.
    on_taken : callable
        Called with the number of each message that the broker has taken.

    Raises
    ------
    BrokerError
        When there is none.
    """

    def __init__(
        self, broker: Broker, client_id: str, will: tuple[str, str], on_taken: Callable[[int], None]
    ) -> None:
        self._broker, self._on_taken = broker, on_taken
        self._error: BrokerError | None = None
        self._accepted = False
        self._under_way: dict[int, float] = {}  # message's number: time at which it was sent
        self.window = _MOST_UNDER_WAY
        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id, protocol=mqtt.MQTTv5)
        client.on_connect, client.on_disconnect = self._connected, self._disconnected
        client.on_publish = self._published
        client.will_set(*will, qos=1, retain=True)
        if broker.user is not None or broker.password is not None:
            client.username_pw_set(broker.user or "", broker.password)
        self._client = client
        self._connect()

    def _connect(self) -> None:
        broker = self._broker
        try:
            if broker.tls:
                self._client.tls_set(ca_certs=str(broker.ca) if broker.ca else None)
            self._client.connect(broker.host, broker.port, KEEPALIVE_S, clean_start=True)
            self._send_at_once()
            until = time.monotonic() + ANSWER_S
            while not self._accepted:
                self.work(0.1)
                if time.monotonic() > until:
                    raise BrokerError(
                        f"{broker.title}: connected, but no broker answers. Is it an MQTT port?"
                    )
        except ssl.SSLCertVerificationError as error:
            raise BrokerRefusal(_certificate_text(broker, error)) from None
        except ssl.SSLError as error:
            reason = error.reason or str(error)
            raise BrokerRefusal(
                f"{broker.title}: no encrypted connection ({reason}). Is this the port for mqtts:// "
                "(as a rule 8883), and is --ca a file of certificates?"
            ) from None
        except (OSError, ValueError) as error:
            raise BrokerError(_unreachable_text(broker, error)) from None
        except BrokerError:
            self.close()
            raise

    def _send_at_once(self) -> None:
        line = self._client.socket()
        if isinstance(line, socket.socket):
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _connected(
        self, client: mqtt.Client, data: Any, flags: Any, reason: ReasonCode, properties: Properties | None
    ) -> None:
        if reason.is_failure:
            self._error = self._refusal(reason)
            return
        self._accepted = True
        limit = getattr(properties, "ReceiveMaximum", _MOST_UNDER_WAY)
        self.window = min(self.window, int(limit))

    def _refusal(self, reason: ReasonCode) -> BrokerError:
        title = self._broker.title
        if reason.value in _CREDENTIALS:
            who = f"user {self._broker.user!r}" if self._broker.user else "a connection without a user"
            return BrokerRefusal(
                f"{title}: the broker refuses {who} ({reason}). Check the user in the URL, and the password "
                f"in {PASSWORD_VARIABLE} or --password-file."
            )
        return BrokerError(f"{title}: the broker refuses the connection ({reason}).")

    def _disconnected(
        self, client: mqtt.Client, data: Any, flags: Any, reason: ReasonCode, properties: Properties | None
    ) -> None:
        if self._error is not None:
            return
        if reason.value == _TAKEN_OVER:
            self._error = BrokerError(
                f"{self._broker.title}: another bridge of the same name took over. Give each one a --name."
            )
        else:
            self._error = BrokerError(f"{self._broker.title}: the connection broke ({reason}).")

    def _published(
        self, client: mqtt.Client, data: Any, mid: int, reason: ReasonCode, properties: Properties | None
    ) -> None:
        self._under_way.pop(mid, None)
        if reason.is_failure:
            self._error = BrokerRefusal(
                f"{self._broker.title}: the broker refuses a message ({reason}). Allow this user to write to "
                "the topics of the bridge."
            )
        else:
            self._on_taken(mid)

    @property
    def room(self) -> int:
        """Messages that may be sent now."""
        return max(self.window - len(self._under_way), 0)

    @property
    def is_idle(self) -> bool:
        """The broker has taken everything."""
        return not self._under_way

    def send(self, topic: str, payload: bytes | str, retain: bool) -> int:
        """Send a message with quality of service 1; return its number on this connection."""
        info = self._client.publish(topic, payload, qos=1, retain=retain)
        self._under_way[info.mid] = time.monotonic()
        return info.mid

    def work(self, timeout_s: float) -> None:
        """Send and receive for up to `timeout_s`.

        Raises
        ------
        BrokerError
            When the connection is lost.
        """
        status = self._client.loop(timeout_s)
        if self._error is not None:
            raise self._error
        if status != mqtt.MQTT_ERR_SUCCESS:
            raise BrokerError(f"{self._broker.title}: the connection broke ({mqtt.error_string(status)}).")
        oldest = min(self._under_way.values(), default=None)
        if oldest is not None and time.monotonic() - oldest > ANSWER_S:
            raise BrokerError(f"{self._broker.title}: the broker does not confirm messages any more.")

    def close(self) -> None:
        """End the connection in order, so that the broker publishes no will."""
        self._error = self._error or BrokerError("closed")
        self._client.disconnect()
        self._client.loop(0.1)


def _certificate_text(broker: Broker, error: ssl.SSLCertVerificationError) -> str:
    advice = (
        "Name the certificate of its authority with --ca FILE, if that is the broker that you mean."
        if broker.ca is None
        else f"{broker.ca} is not the authority that signed it, or the URL has another host name."
    )
    return f"{broker.title}: the broker's certificate is not trusted ({error.verify_message}). {advice}"


def _unreachable_text(broker: Broker, error: Exception) -> str:
    if isinstance(error, socket.gaierror):
        return f"{broker.title}: there is no such host. Check the URL of --mqtt."
    if isinstance(error, TimeoutError):
        return (
            f"{broker.title}: no answer. Is the host on, and does a firewall let port {broker.port} through?"
        )
    reason = getattr(error, "strerror", None) or str(error)
    return f"{broker.title}: no broker there ({reason}). Is it running, and is the port right?"
