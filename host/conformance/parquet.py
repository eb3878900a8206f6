"""Beats of a session as a Parquet file, for data frames."""

from __future__ import annotations

from pathlib import Path

from ecg_edge.ecg.files import replacing
from ecg_edge.host.conformance.beats_csv import BEAT_FIELDS, read_beats, signed
from ecg_edge.host.conformance.folder import BEATS_NAME
from ecg_edge.host.conformance.results import SessionResults
from ecg_edge.host.reference.labels import label_name


def write_parquet(session: Path, results: SessionResults, path: Path) -> int:
    """Write all beats of a session; return their number.

    Parameters
    ----------
    session : Path
        The session's folder.
    results : SessionResults
        Its results.
    path : Path
        The file.
    """
    import pyarrow as pa  # an optional extra
    from pyarrow import parquet

    labels = results["device"]["labels"]
    rates = {(entry["database"], entry["record"]): entry["fs_hz"] for entry in results["records"]}
    columns: dict[str, list[object]] = {name: [] for name in ("database", "record", "seconds", *BEAT_FIELDS)}
    for (database, record), beats in read_beats(session / BEATS_NAME, labels).items():
        columns["database"] += [database] * len(beats)
        columns["record"] += [record] * len(beats)
        columns["seconds"] += [beat.r_sample / rates[database, record] for beat in beats]
        for name in BEAT_FIELDS:
            columns[name] += [getattr(beat, name) for beat in beats]
    columns["label"] = [label_name(label, labels) or None for label in columns["label"]]  # type: ignore[arg-type]
    columns["output"] = [signed(output) for output in columns["output"]]  # type: ignore[arg-type]
    types = {
        "database": pa.dictionary(pa.int16(), pa.string()),
        "record": pa.dictionary(pa.int32(), pa.string()),
        "label": pa.dictionary(pa.int8(), pa.string()),
        "output": pa.list_(pa.int8()),
    }
    arrays = {name: pa.array(values, types.get(name)) for name, values in columns.items()}
    with replacing(path) as temporary:
        parquet.write_table(pa.table(arrays), temporary, compression="zstd")
    return len(columns["seconds"])
