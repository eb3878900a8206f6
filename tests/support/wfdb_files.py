"""Makes WFDB files byte by byte, independently of the reader under test and of wfdb."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]

NOTE = 22


def word(code: int, value: int) -> bytes:
    """One 16-bit word of an annotation file."""
    return (code << 10 | value).to_bytes(2, "little")


def aux(text: str) -> bytes:
    """Auxiliary text of the annotation before."""
    content = text.encode()
    return word(63, len(content)) + content + bytes(len(content) % 2)


def annotation_bytes(items: Sequence[tuple[int, int]], resolution: str | None = None) -> bytes:
    """Annotation file of (sample, code), in the order given."""
    out = word(NOTE, 0) + aux(f"## time resolution: {resolution}") if resolution else b""
    last = 0
    for sample, code in items:
        step, last = sample - last, sample
        if not 0 <= step < 1024:
            long = step.to_bytes(4, "little", signed=True)
            out, step = out + word(59, 0) + long[2:] + long[:2], 0
        out += word(code, step)
    return out + b"\0\0"


def pack(values: npt.ArrayLike, format: int) -> bytes:
    """Samples in one of WFDB's formats."""
    d = np.asarray(values, np.int64)
    if format == 8:
        return np.diff(d, prepend=0).astype(np.int8).tobytes()
    if format in (80, 160):
        return (d + (128 if format == 80 else 32768)).astype("u1" if format == 80 else "<u2").tobytes()
    if format == 24:
        return d.astype("<i4").view(np.uint8).reshape(-1, 4)[:, :3].tobytes()
    if format in (16, 32, 61):
        return d.astype({16: "<i2", 32: "<i4", 61: ">i2"}[format]).tobytes()
    return _pack_bits(d, format)


def _pack_bits(d: IntArray, format: int) -> bytes:
    if format == 212:
        a, b = np.pad(d, (0, len(d) % 2)).reshape(-1, 2).T & 0xFFF
        return np.stack([a & 255, a >> 8 | b >> 8 << 4, b & 255], 1).astype(np.uint8).tobytes()
    a, b, c = np.pad(d, (0, -len(d) % 3)).reshape(-1, 3).T & 0x3FF
    if format == 311:
        return (a | b << 10 | c << 20).astype("<u4").tobytes()
    words = np.stack([a << 1 | (c & 31) << 11, b << 1 | c >> 5 << 11], 1)
    return words.astype("<u2").tobytes()


def write_record(
    folder: Path,
    name: str,
    values: npt.ArrayLike,
    *,
    rate: str = "360",
    length: str | None = None,
    format: int = 16,
    layout: str = "",
    gain: str = "200",
    rest: str = " 12 0 0 0 0 MLII",
    atr: bytes | None = None,
) -> None:
    """Write a record of one signal.

    Parameters
    ----------
    folder, name
        `folder / <name>.hea`, `.dat` and `.atr`.
    values
        ADC units.
    rate, length
        Text of the header; the length is that of `values` if not given.
    format, layout, gain, rest
        Parts of the signal's line, e.g. 16, "x4:2+24", "200(0)/mV".
    atr
        Content of the annotation file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    count = str(np.size(values)) if length is None else length
    (folder / f"{name}.hea").write_text(
        f"{name} 1 {rate} {count}".rstrip() + f"\n{name}.dat {format}{layout} {gain}{rest}\n"
    )
    (folder / f"{name}.dat").write_bytes(pack(values, format))
    if atr is not None:
        (folder / f"{name}.atr").write_bytes(atr)


def write_edf(
    path: Path,
    signals: Sequence[tuple[str, str, tuple[float, float], IntArray]],
    records: int,
    duration: str = "1",
    kind: str = "",
) -> None:
    """Write an EDF file of (label, units, (physical minimum, maximum) at -1000 and 1000, values)."""
    count = len(signals)
    head = f"{'0':<8}{'X X X X':<80}{'Startdate':<80}01.01.2601.00.00{256 * (count + 1):<8}{kind:<44}"
    head += f"{records:<8}{duration:<8}{count:<4}"
    columns: list[tuple[int, list[str]]] = [
        (16, [label for label, *_ in signals]),
        (80, [""] * count),
        (8, [units for _, units, *_ in signals]),
        (8, [str(limits[0]) for *_, limits, _ in signals]),
        (8, [str(limits[1]) for *_, limits, _ in signals]),
        (8, ["-1000"] * count),
        (8, ["1000"] * count),
        (80, [""] * count),
        (8, [str(len(values) // records) for *_, values in signals]),
        (32, [""] * count),
    ]
    head += "".join(f"{text:<{width}}" for width, texts in columns for text in texts)
    frames = [values.reshape(records, -1) for *_, values in signals]
    body = np.concatenate(frames, axis=1).astype("<i2").tobytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(head.encode() + body)
