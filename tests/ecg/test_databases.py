"""Downloading, finding and checking records, against a server on this computer."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from ecg_edge.ecg import databases as data
from ecg_edge.ecg import download, mirror
from ecg_edge.ecg.errors import RecordError
from ecg_edge.host.cli.main import app

FILES = {
    "100.hea": b"100 1 360 650000\n",
    "100.dat": bytes(range(256)) * 1000,
    "100.atr": b"\x00\x70" * 50,
}


def sums_of(files: dict[str, bytes]) -> bytes:
    lines = [f"{hashlib.sha256(content).hexdigest()} {name}" for name, content in files.items()]
    return "\n".join([*lines, f"{'0' * 64} mitdbdir/foreword.htm", ""]).encode()


@dataclass
class Server:
    """What the server holds, how it misbehaves, and what it was asked."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    cut_after: dict[str, int] = field(default_factory=dict)
    busy: set[str] = field(default_factory=set)
    with_ranges: bool = True
    length: str | None = None
    requests: list[tuple[str, str | None]] = field(default_factory=list)

    def asked_for(self, name: str) -> list[str | None]:
        return [byte_range for path, byte_range in self.requests if path == name]


class Handler(BaseHTTPRequestHandler):
    state: Server

    def do_GET(self) -> None:
        name, byte_range = self.path.removeprefix("/mitdb/1.0.0/"), self.headers.get("Range")
        self.state.requests.append((name, byte_range))
        if name in self.state.busy:
            self.state.busy.remove(name)
            return self.send_error(503)
        content = self.state.files.get(name)
        if content is None:
            return self.send_error(404)
        self._send(name, content, byte_range if self.state.with_ranges else None)

    def _send(self, name: str, content: bytes, byte_range: str | None) -> None:
        start = int(byte_range.removeprefix("bytes=").removesuffix("-")) if byte_range else 0
        if byte_range and start >= len(content):
            return self.send_error(416)
        body = content[start:]
        self.send_response(206 if byte_range else 200)
        self.send_header("Content-Length", self.state.length or str(len(body)))
        self.end_headers()
        self.wfile.write(body[: self.state.cut_after.pop(name, len(body))])

    def log_message(self, *_: object) -> None:
        """Be quiet."""


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server(files={**FILES, "SHA256SUMS.txt": sums_of(FILES)})
    handler = type("ThisHandler", (Handler,), {"state": state})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as httpd:
        state.url = f"http://127.0.0.1:{httpd.server_port}"
        thread = threading.Thread(target=httpd.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield state
        httpd.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "RETRY_WAITS_S", (0.0, 0.0))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != mirror.SUMS_NAME}


def test_download_brings_every_file_and_reports_progress(server: Server, tmp_path: Path) -> None:
    reports: list[tuple[str, int, int, int]] = []
    folder = mirror.download_database("mitdb", tmp_path, server.url, lambda *report: reports.append(report))
    assert contents(folder) == FILES
    assert sum(size for *_, size in reports) == sum(map(len, FILES.values()))
    assert reports[-1][1:] == (3, 3, 0)


def test_second_download_asks_only_for_the_sums(server: Server, tmp_path: Path) -> None:
    mirror.download_database("mitdb", tmp_path, server.url)
    server.requests.clear()
    mirror.download_database("mitdb", tmp_path, server.url)
    assert server.requests == [("SHA256SUMS.txt", None)]


def test_cut_connection_is_resumed_where_it_broke(server: Server, tmp_path: Path) -> None:
    server.cut_after["100.dat"] = 100_000
    folder = mirror.download_database("mitdb", tmp_path, server.url)
    assert contents(folder) == FILES
    assert server.asked_for("100.dat") == [None, "bytes=100000-"]


def test_part_of_an_earlier_call_is_used(server: Server, tmp_path: Path) -> None:
    (tmp_path / "mitdb").mkdir()
    (tmp_path / "mitdb" / "100.dat.part").write_bytes(FILES["100.dat"][:70_000])
    folder = mirror.download_database("mitdb", tmp_path, server.url)
    assert contents(folder) == FILES
    assert server.asked_for("100.dat") == ["bytes=70000-"]


def test_complete_part_needs_no_bytes(server: Server, tmp_path: Path) -> None:
    (tmp_path / "mitdb").mkdir()
    (tmp_path / "mitdb" / "100.atr.part").write_bytes(FILES["100.atr"])
    assert contents(mirror.download_database("mitdb", tmp_path, server.url)) == FILES


def test_stale_part_is_thrown_away(server: Server, tmp_path: Path) -> None:
    (tmp_path / "mitdb").mkdir()
    (tmp_path / "mitdb" / "100.dat.part").write_bytes(b"x" * 70_000)
    assert contents(mirror.download_database("mitdb", tmp_path, server.url)) == FILES
    assert server.asked_for("100.dat") == ["bytes=70000-", None]


def test_server_without_ranges_sends_all_again(server: Server, tmp_path: Path) -> None:
    server.with_ranges = False
    server.cut_after["100.dat"] = 100_000
    assert contents(mirror.download_database("mitdb", tmp_path, server.url)) == FILES


def test_busy_server_is_asked_again(server: Server, tmp_path: Path) -> None:
    server.busy.add("100.atr")
    assert contents(mirror.download_database("mitdb", tmp_path, server.url)) == FILES


def test_wrong_checksum_names_the_file_and_keeps_the_others(server: Server, tmp_path: Path) -> None:
    server.files["100.dat"] = b"damaged" + FILES["100.dat"][7:]
    with pytest.raises(RecordError, match=r"100\.dat: SHA-256 is .* but SHA256SUMS\.txt says"):
        mirror.download_database("mitdb", tmp_path, server.url)
    assert contents(tmp_path / "mitdb") == {"100.atr": FILES["100.atr"]}


def test_missing_file_says_404_and_what_to_check(server: Server, tmp_path: Path) -> None:
    del server.files["100.hea"]
    with pytest.raises(RecordError, match=r"100\.hea: the server answered 404 .*Check --url"):
        mirror.download_database("mitdb", tmp_path, server.url)


def test_sums_without_records_are_refused_and_the_good_ones_stay(server: Server, tmp_path: Path) -> None:
    mirror.download_database("mitdb", tmp_path, server.url)
    server.files["SHA256SUMS.txt"] = b"<html>log in to the network</html>"
    with pytest.raises(RecordError, match=r"http.*SHA256SUMS\.txt: lists no record files"):
        mirror.download_database("mitdb", tmp_path, server.url)
    assert contents(tmp_path / "mitdb") == FILES
    assert (tmp_path / "mitdb" / mirror.SUMS_NAME).read_bytes() == sums_of(FILES)


def test_records_that_the_server_does_not_list_are_told(server: Server, tmp_path: Path) -> None:
    mirror.download_database("mitdb", tmp_path, server.url)
    known = data.DATABASES["mitdb"].records
    assert mirror.unlisted_records("mitdb", tmp_path) == [name for name in known if name != "100"]


def test_no_network_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match=r"cannot be fetched \(.*refused.*ECG_EDGE_DATA"):
        mirror.download_database("mitdb", tmp_path, "http://127.0.0.1:1")


@pytest.mark.parametrize(
    "url", ["foo", "", "http://[::1", "http://a b", "http://h:port", "http://\N{MICRO SIGN}..x"]
)
def test_what_is_no_address_is_refused_at_once(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "RETRY_WAITS_S", (1000.0,))
    with pytest.raises(RecordError, match=r"not an address \(.*--url"):
        mirror.download_database("mitdb", tmp_path, url)


@pytest.mark.parametrize("length", ["abc", "-5", "1e3"])
def test_a_length_that_is_no_number_is_named(server: Server, tmp_path: Path, length: str) -> None:
    server.length = length
    with pytest.raises(RecordError, match=rf"cannot be fetched \(the server states the length '{length}'"):
        mirror.download_database("mitdb", tmp_path, server.url)


def test_full_disk_keeps_what_came_and_says_so(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_space(self: Path, mode: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "open", no_space)
    with pytest.raises(RecordError, match=r"No space left on device\). Free some space, .*kept"):
        mirror.download_database("mitdb", tmp_path, server.url)


def test_unknown_database_lists_the_known() -> None:
    with pytest.raises(RecordError, match=r"unknown database 'mit'. Known: mitdb, nstdb, svdb"):
        data.known_database("mit")


def test_check_tells_good_damaged_and_missing(server: Server, tmp_path: Path) -> None:
    folder = mirror.download_database("mitdb", tmp_path, server.url)
    (folder / "100.dat").write_bytes(b"short")
    (folder / "100.atr").unlink()
    result = mirror.check_database("mitdb", tmp_path)
    assert (result.good, result.damaged, result.missing) == (["100.hea"], ["100.dat"], ["100.atr"])


def test_check_without_sums_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match=r"mitdb/SHA256SUMS\.txt: cannot be read"):
        mirror.check_database("mitdb", tmp_path)


@pytest.fixture
def three_roots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    roots = {
        "option": tmp_path / "option",
        "environment": tmp_path / "environment",
        "cache": tmp_path / "cache" / "ecg-edge" / "data",
    }
    for root in roots.values():
        (root / "mitdb").mkdir(parents=True)
        (root / "mitdb" / "100.hea").touch()
    monkeypatch.setenv("ECG_EDGE_DATA", str(roots["environment"]))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return roots


def test_data_root_order(three_roots: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    assert data.find_data_root(three_roots["option"]) == three_roots["option"]
    assert data.find_data_root() == three_roots["environment"]
    monkeypatch.delenv("ECG_EDGE_DATA")
    assert data.find_data_root() == three_roots["cache"]


def test_data_root_without_any(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ECG_EDGE_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert data.find_data_root() is None


def test_named_folder_without_records_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RecordError, match=r"\(from --data\): holds no records"):
        data.find_data_root(tmp_path)
    monkeypatch.setenv("ECG_EDGE_DATA", str(tmp_path))
    with pytest.raises(RecordError, match=r"\(from ECG_EDGE_DATA\): holds no records"):
        data.find_data_root()


@pytest.mark.records
def test_records_here_are_whole(data_dir: Path) -> None:
    assert not mirror.check_database("mitdb", data_dir).damaged
    assert "100" in data.records_in(data_dir, "mitdb")


@pytest.mark.parametrize(
    ("database", "there", "here"),
    [
        ("cinc2017", "training/A00/A00004.mat", "A00004.mat"),
        ("cinc2017", "REFERENCE-v3.csv", "REFERENCE-v3.csv"),
        ("ludb", "data/2.avf", "data/2.avf"),
        ("qtdb", "sel30.q1c", "sel30.q1c"),
        ("vfdb", "418.atr", "418.atr"),
    ],
)
def test_record_files_have_a_path_on_the_server_and_one_here(
    database: str, there: str, here: str, tmp_path: Path
) -> None:
    folder = tmp_path / database
    folder.mkdir()
    others = f"{'1' * 64} training2017.zip\n{'2' * 64} index.html\n"
    (folder / mirror.SUMS_NAME).write_text(f"{'0' * 64} {there}\n{others}")
    assert mirror.read_sums(folder) == {here: mirror.RemoteFile(there, "0" * 64)}


def test_a_database_in_an_inner_folder_is_found(tmp_path: Path) -> None:
    (tmp_path / "ludb" / "data").mkdir(parents=True)
    for name in ("10", "2"):
        (tmp_path / "ludb" / "data" / f"{name}.hea").touch()
    assert data.records_in(tmp_path, "ludb") == ("data/2", "data/10")
    assert data.databases_in(tmp_path) == ["ludb"] and data.require_data_root(tmp_path) == tmp_path


def get(root: Path, url: str) -> Result:
    return CliRunner().invoke(app, ["data", "get", "mitdb", "--to", str(root), "--url", url])


def test_get_without_a_network_checks_what_is_here(server: Server, tmp_path: Path) -> None:
    away = "http://127.0.0.1:1"
    assert get(tmp_path, server.url).exit_code == 0
    done = get(tmp_path, away)
    assert done.exit_code == 0 and "all checksums of its own SHA256SUMS.txt match" in done.output
    (tmp_path / "mitdb" / "100.dat").write_bytes(b"short")
    error = get(tmp_path, away).exception
    assert isinstance(error, RecordError) and "1 record here, 0 files missing, 1 damaged" in str(error)
    (tmp_path / "mitdb" / mirror.SUMS_NAME).unlink()
    error = get(tmp_path, away).exception
    assert isinstance(error, RecordError) and "1 record here, unchecked" in str(error)
