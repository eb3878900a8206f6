"""Addresses and credentials."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecg_edge.ecg.errors import EcgEdgeError
from ecg_edge.host.bridge.broker import PASSWORD_VARIABLE, USER_VARIABLE, Broker


@pytest.fixture(autouse=True)
def no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(PASSWORD_VARIABLE, raising=False)
    monkeypatch.delenv(USER_VARIABLE, raising=False)


@pytest.mark.parametrize(
    ("url", "broker"),
    [
        ("mqtt://host", Broker("host", 1883)),
        ("mqtt://host:1884/", Broker("host", 1884)),
        ("mqtts://host", Broker("host", 8883, True)),
        ("mqtt://me@[::1]:5", Broker("::1", 5, False, "me")),
    ],
)
def test_urls(url: str, broker: Broker) -> None:
    assert Broker.of(url) == broker


@pytest.mark.parametrize(
    "url", ["host", "http://host", "mqtt://", "mqtt://host:x", "mqtt://host:99999", "mqtt://host/topic", ""]
)
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(EcgEdgeError, match="is no URL of a broker"):
        Broker.of(url)


def test_a_password_in_the_url_is_refused() -> None:
    with pytest.raises(EcgEdgeError, match=PASSWORD_VARIABLE) as caught:
        Broker.of("mqtt://me:secret@host")
    assert "secret" not in str(caught.value)


def test_credentials_come_from_the_environment_or_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PASSWORD_VARIABLE, "one")
    monkeypatch.setenv(USER_VARIABLE, "them")
    assert Broker.of("mqtt://host").password == "one"
    assert Broker.of("mqtt://host").user == "them" and Broker.of("mqtt://me@host").user == "me"
    (tmp_path / "file").write_text("two\n")
    assert Broker.of("mqtt://host", tmp_path / "file").password == "two"
    with pytest.raises(EcgEdgeError, match="none: holds no password"):
        Broker.of("mqtt://host", tmp_path / "none")


def test_a_password_without_encryption_is_noticed() -> None:
    assert Broker("far", 1883, password="x").exposes_password
    assert not Broker("far", 8883, True, password="x").exposes_password
    assert not Broker("localhost", 1883, password="x").exposes_password


def test_an_authority_that_is_missing_or_of_no_use_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EcgEdgeError, match=r"ca\.pem: not found"):
        Broker.of("mqtts://host", ca=tmp_path / "ca.pem")
    with pytest.raises(EcgEdgeError, match="mqtts"):
        Broker.of("mqtt://host", ca=tmp_path)
