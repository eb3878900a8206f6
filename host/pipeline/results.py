"""Measure the figures of the documentation and write them as JSON, one file per measurement.

    python -m ecg_edge.host.pipeline.results                    # `make results`: measure all, write the pages
    python -m ecg_edge.host.pipeline.results --only detector    # one measurement
    python -m ecg_edge.host.pipeline.results --pages            # pages from the JSON at hand

Each measurement is a command of `ecg-edge`, so that a reader repeats a figure with the command beside it. The
network's figures by protocol are the shipped bundle's own: a new training would measure another network.
"""

from __future__ import annotations

import argparse
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Final

from ecg_edge.ecg.errors import ToolError
from ecg_edge.ecg.files import PROJECT_ROOT, read_json, write_json
from ecg_edge.host.pipeline.classifier_page import selected
from ecg_edge.host.pipeline.result_pages import write_pages
from ecg_edge.quantize.bundle.manifest import BOARD_BUNDLE, MODEL_NAME, Manifest, load_bundle

SCHEMA_VERSION: Final = 1
FOLDER: Final = PROJECT_ROOT / "docs" / "results"
BUNDLE: Final = "models/nlrav"
EC57: Final = (
    "ANSI/AAMI EC57 as WFDB's bxb applies it: match window 150 ms, one lead; from the first sample, and with "
    "the first five minutes not scored"
)


@dataclass(frozen=True)
class Measurement:
    """A command whose JSON becomes a file of results.

    Attributes
    ----------
    name : str
        Stem of the file.
    words : tuple of str
        The command's words after `ecg-edge`, without `--json`.
    protocol : str
        Conditions of the figures.
    select : callable
        Takes the command's JSON and returns the part that is kept.
    """

    name: str
    words: tuple[str, ...]
    protocol: str
    select: Callable[[Any], Any] = lambda figures: figures


def _detector_groups(databases: dict[str, Any]) -> dict[str, Any]:
    """Keep the figures of groups, and of single records once, under "all"."""
    return {
        database: {name: _detector_group(name, group) for name, group in groups.items()}
        for database, groups in databases.items()
    }


def _detector_group(name: str, group: dict[str, Any]) -> dict[str, Any]:
    return {key: _detector_start(name, one) if key.startswith("from_") else one for key, one in group.items()}


def _detector_start(name: str, one: dict[str, Any] | None) -> dict[str, Any] | None:
    if one is None:
        return None
    gated = {way: one["silent_in_bad_signal"][way] for way in ("gross", "average")}
    kept = {"n_records": len(one["records"]), **one, "silent_in_bad_signal": gated}
    return kept if name == "all" else {key: value for key, value in kept.items() if key != "records"}


def _lead_groups(databases: dict[str, Any]) -> dict[str, Any]:
    """Keep the figures of groups and leads, without single strips."""
    kept = _detector_groups(databases)
    for groups in kept.values():
        for one in groups["all"].values():
            if one is not None:
                one.pop("records", None)
    return kept


def _rhythm_groups(databases: dict[str, Any]) -> dict[str, Any]:
    """Keep the figures of groups; drop single records and the figures of the bundle."""
    return {
        name: one["groups"] for name, one in databases.items() if isinstance(one, dict) and "groups" in one
    }


def _replay_totals(results: dict[str, Any]) -> dict[str, Any]:
    """Keep totals and scores; drop the bundle's own figures and the paths of this computer."""
    dropped = (
        "training",
        "metrics",
        "bundle_path",
        "morphology_path",
        "records",
        "host",
        "started",
        "seconds",
        "realtime_factor",
    )
    kept = {key: value for key, value in results.items() if key not in dropped}
    counts = ("beats", "differing_bytes", "lost_samples", "events", "differing_events")
    names = ("database", "record", *counts, "strips", "differing_strip_bytes")
    records = [{name: record[name] for name in names} for record in results["records"]]
    return {**kept, "records": records}


MEASUREMENTS: Final = (
    Measurement(
        "detector",
        ("evaluate", "detector", "mitdb", "nstdb", "svdb", "qtdb", "--model", BUNDLE, "--restart", "60"),
        f"R peaks by the device's detector; {EC57}. Ventricular beats: labels of the detected beats as on a "
        "device, in bad signal as the network alone gives them.",
        _detector_groups,
    ),
    Measurement(
        "leads",
        ("evaluate", "detector", "ludb", "--lead", "all"),
        f"R peaks by the device's detector in each of 12 leads; {EC57}.",
        _lead_groups,
    ),
    Measurement(
        "rhythm",
        ("evaluate", "rhythm", "mitdb", "svdb", "--model", BUNDLE, "--restart", "60"),
        "Detector and network in the loop, as on the device. Episodes and durations as WFDB's epicmp counts, "
        "runs as rxr; from the first sample, and with the first five minutes not scored; gross.",
        _rhythm_groups,
    ),
    Measurement(
        "classifier",
        ("evaluate", "classifier", BUNDLE, "--card"),
        "Parts of the databases that only test; int8, label rule as on the device; R peaks as each row says; "
        f"{EC57}.",
        selected,
    ),
    Measurement(
        "ventricular",
        ("evaluate", "rhythm", "vfdb", "--model", BUNDLE),
        "Detector and network in the loop, as on the device, from the first sample; rhythm annotations.",
        _rhythm_groups,
    ),
    Measurement(
        "strips",
        ("evaluate", "rhythm", "cinc2017", "--model", BUNDLE),
        "Detector and network in the loop, as on the device; each strip is a fresh stream, with one label.",
        _rhythm_groups,
    ),
    Measurement(
        "engines",
        ("verify", BUNDLE),
        "The same detected beats of DS2's records through each engine on this computer.",
    ),
    Measurement(
        "cores",
        ("bench",),
        "Instructions of one run, counted by QEMU; instructions, not cycles. Every layer's bytes compared "
        "with TensorFlow Lite Micro's.",
    ),
    Measurement(
        "firmware",
        ("build", "--env", "stm32f405", "--model", BUNDLE),
        "Sections of the linked image; RAM without the stack.",
        lambda figures: {name: figures[name] for name in ("env", "size")},
    ),
    Measurement(
        "replay",
        ("replay", "100", "213", "214", "231", "232", "233", "--port", "emulator", "--model", BUNDLE),
        "Whole records streamed to the firmware in QEMU; every reply compared with the reference on this "
        "computer. Scores: detector and network in the loop.",
        _replay_totals,
    ),
)


def measure(measurement: Measurement) -> dict[str, Any]:
    """Run a measurement's command and return its results with the conditions under which they were made.

    Raises
    ------
    ToolError
        The command fails.
    """
    with tempfile.TemporaryDirectory(prefix="ecg-edge-results-") as folder:
        target = Path(folder) / "figures.json"
        extra = ["--out", f"{folder}/session"] if measurement.words[0] == "replay" else []
        _run([*measurement.words, *extra, "--json", str(target)])
        figures = read_json(target)
    return {**_conditions(measurement), "figures": measurement.select(figures)}


def network_results() -> dict[str, Any]:
    """Return the shipped bundle's figures by protocol, as its export recorded them."""
    manifest = load_bundle(PROJECT_ROOT / BUNDLE).manifest
    date, commit = _git("log", "-1", "--format=%cs %h", "--", f"{BUNDLE}/{MODEL_NAME}").split()
    board = load_bundle(BOARD_BUNDLE).manifest
    figures = {
        "metrics": manifest.metrics,
        "training": manifest.training,
        "board": {"model": board.name, "model_sha256": board.model_sha256, **board.training["spread"]},
    }
    protocol = "Named above each table. Gross. Recorded in the bundle's manifest when the model was made."
    return {
        **_conditions(Measurement("network", ("run",), protocol)),
        "date": date,
        "git_commit": commit,
        "tools": manifest.tools,
        "figures": figures,
    }


def _conditions(measurement: Measurement) -> dict[str, Any]:
    manifest: Manifest = load_bundle(PROJECT_ROOT / BUNDLE).manifest
    return {
        "schema_version": SCHEMA_VERSION,
        "measurement": measurement.name,
        "command": " ".join(("ecg-edge", *measurement.words)),
        "protocol": measurement.protocol,
        "date": datetime.now(timezone.utc).date().isoformat(),
        "git_commit": _git("rev-parse", "--short=12", "HEAD"),
        "model": manifest.name,
        "model_sha256": manifest.model_sha256,
        "core_fingerprint": f"0x{manifest.core_fingerprint:08x}",
        "tools": {"python": platform.python_version(), "system": f"{platform.system()} {platform.machine()}"},
    }


def _run(words: Sequence[str]) -> None:
    command = [sys.executable, "-m", "ecg_edge.host.cli.main", *words]
    done = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-5:]
        raise ToolError(
            f"`ecg-edge {' '.join(words)}` failed with exit code {done.returncode}: {' '.join(last)}"
        )


def _git(*words: str) -> str:
    try:
        done = subprocess.run(["git", *words], cwd=PROJECT_ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise ToolError(
            f"git {' '.join(words)}: {error}. Results name the commit they were measured at."
        ) from None
    return done.stdout.strip()


def main(words: Sequence[str] | None = None) -> None:
    """Measure, write the JSON files, and write the pages."""
    names = [measurement.name for measurement in MEASUREMENTS] + ["network"]
    parser = argparse.ArgumentParser(description="Measure the figures of the documentation.")
    parser.add_argument("--only", action="append", choices=names, help="Measure only this one (repeatable).")
    parser.add_argument("--pages", action="store_true", help="Write the pages from the JSON at hand.")
    asked = parser.parse_args(words)
    if not asked.pages:
        _measure_all(asked.only or names)
    for path in write_pages(FOLDER, PROJECT_ROOT / "README.md"):
        print(f"written: {path.relative_to(PROJECT_ROOT)}")


def _measure_all(names: Sequence[str]) -> None:
    for measurement in MEASUREMENTS:
        if measurement.name in names:
            print(f"ecg-edge {' '.join(measurement.words)}", flush=True)
            write_json(FOLDER / f"{measurement.name}.json", measure(measurement))
    if "network" in names:
        write_json(FOLDER / "network.json", network_results())


if __name__ == "__main__":
    main()
