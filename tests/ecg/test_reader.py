"""Valid files of every kind, made byte by byte: the values that must come out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile
import wfdb

from ecg_edge.ecg.annotations import read_annotations
from ecg_edge.ecg.errors import RecordError
from ecg_edge.ecg.header import read_header
from ecg_edge.ecg.records import load_record, read_timing, record_files
from ecg_edge.ecg.signal_files import read_values
from tests.support.wfdb_files import annotation_bytes, aux, pack, word, write_edf, write_record

N, V = 1, 5
RAMP = np.arange(-60, 60)


def samples_of(root: Path, name: str = "r", **options: object) -> list[int]:
    return load_record(root, "d", name, **options).samples.tolist()  # type: ignore[arg-type]


def sine(rate_hz: float, seconds: float = 20.0, hz: float = 2.0) -> npt.NDArray[np.int64]:
    t = np.arange(round(rate_hz * seconds)) / rate_hz
    return np.rint(1000 * np.sin(2 * np.pi * hz * t)).astype(np.int64)


# ---- rates ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rate", "rate_hz"),
    [
        ("249.9", 249.9),
        ("360.5", 360.5),
        ("128.0513", 128.0513),
        ("1000.01", 1000.01),
        ("257", 257.0),
        ("1e3", 1000.0),
    ],
)
def test_signal_and_annotations_keep_the_time_at_any_rate(tmp_path: Path, rate: str, rate_hz: float) -> None:
    peaks = [round((0.125 + 0.5 * k) * rate_hz) for k in range(40)]  # the sine's maxima
    atr = annotation_bytes([(peak, N) for peak in peaks])
    write_record(tmp_path / "d", "r", sine(rate_hz), rate=rate, atr=atr)
    record = load_record(tmp_path, "d", "r")
    assert record.duration_s == pytest.approx(20.0, abs=0.006)
    assert record.beat_samples.tolist() == pytest.approx(
        [360 * (0.125 + 0.5 * k) for k in range(40)], abs=2.2
    )
    t = np.arange(len(record.samples)) / 360
    inner = slice(360, 19 * 360)
    np.testing.assert_allclose(record.samples[inner], 1000 * np.sin(4 * np.pi * t)[inner], atol=12)


def test_a_rate_below_1_hz(tmp_path: Path) -> None:
    write_record(tmp_path / "d", "r", np.full(100, 50), rate="0.5", atr=annotation_bytes([(10, N)]))
    record = load_record(tmp_path, "d", "r")
    assert (record.duration_s, record.beat_samples.tolist()) == (200.0, [7200])


def test_no_rate_is_250_hz(tmp_path: Path) -> None:
    write_record(tmp_path / "d", "r", sine(250), rate="", length="")
    assert load_record(tmp_path, "d", "r").duration_s == 20.0
    assert read_timing(tmp_path / "d", "r") == (250.0, 5000)


def test_a_counter_frequency_is_not_the_rate(tmp_path: Path) -> None:
    write_record(tmp_path / "d", "r", RAMP, rate="360/1000(12.5)")
    assert samples_of(tmp_path) == RAMP.tolist()


# ---- annotations ------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [15, 17, 42, 45, 50, 55, 58])
def test_an_undefined_code_is_a_note_not_a_beat(tmp_path: Path, code: int) -> None:
    atr = annotation_bytes([(10, N), (20, code), (30, V)])
    write_record(tmp_path / "d", "r", RAMP, atr=atr)
    record = load_record(tmp_path, "d", "r")
    assert record.beat_symbols.tolist() == ["N", "V"]
    assert record.annotation_symbols.tolist() == ["N", f"[{code}]", "V"]


def test_a_code_that_the_file_defines_has_its_symbol(tmp_path: Path) -> None:
    notes = ["## annotation type definitions", "42 XX strange wave", "## end of definitions"]
    atr = b"".join(word(22, 0) + aux(note) for note in notes) + annotation_bytes([(5, 42), (9, N)])
    (tmp_path / "r.atr").write_bytes(atr)
    assert read_annotations(tmp_path, "r", "atr").symbols.tolist() == ["XX", "N"]


def test_the_time_resolution_of_the_file_is_used(tmp_path: Path) -> None:
    atr = annotation_bytes([(1000, N), (1500, V)], resolution="1000")
    write_record(tmp_path / "d", "r", sine(360), atr=atr)
    assert load_record(tmp_path, "d", "r").beat_samples.tolist() == [360, 540]
    assert read_annotations(tmp_path / "d", "r", "atr", 360).samples.tolist() == [360, 540]
    assert read_annotations(tmp_path / "d", "r", "atr").samples.tolist() == [1000, 1500]


def test_unsorted_annotations_come_in_order_and_those_outside_are_left_out(tmp_path: Path) -> None:
    atr = annotation_bytes([(50, V), (20, N), (120, N), (119, N)])  # 120 is the length
    write_record(tmp_path / "d", "r", RAMP, atr=atr)
    record = load_record(tmp_path, "d", "r")
    assert list(zip(record.beat_samples.tolist(), record.beat_symbols.tolist(), strict=True)) == [
        (20, "N"),
        (50, "V"),
        (119, "N"),
    ]
    assert read_annotations(tmp_path / "d", "r", "atr").samples.tolist() == [20, 50, 119, 120]


def test_subtype_channel_and_number_are_told_apart(tmp_path: Path) -> None:
    atr = word(14, 7) + word(61, 0x33) + word(62, 1) + word(60, 2) + word(N, 3) + b"\0\0"
    (tmp_path / "r.atr").write_bytes(atr)
    read = read_annotations(tmp_path, "r", "atr")
    assert (read.symbols.tolist(), read.samples.tolist()) == (["~", "N"], [7, 10])
    assert read.subtype.tolist() == [0x33, 0]


@pytest.mark.parametrize("cut", [1, 2, 3, 5])
def test_a_cut_annotation_file_is_named(tmp_path: Path, cut: int) -> None:
    content = word(28, 4) + aux("(AFIB") + annotation_bytes([(2000, N)])
    (tmp_path / "r.atr").write_bytes(content[:-cut])
    with pytest.raises(RecordError, match=r"r\.atr: truncated"):
        read_annotations(tmp_path, "r", "atr")


def test_a_record_without_annotations_has_none(tmp_path: Path) -> None:
    write_record(tmp_path / "d", "r", RAMP)
    assert len(load_record(tmp_path, "d", "r").annotation_samples) == 0
    with pytest.raises(RecordError, match=r"r\.atr: not found"):
        load_record(tmp_path, "d", "r", annotations_required=True)


# ---- units and gain ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gain", "adu_per_mv", "factor"),
    [
        ("200", 200, 1),
        ("0", 200, 1),
        ("", 200, 1),
        ("200(1024)", 200, 1),
        ("200/mV", 200, 1),
        ("200/MV", 200, 1),
        ("0.2/uV", 200, 1),
        ("0.2/\u00b5V", 200, 1),
        ("0.2/\u03bcV", 200, 1),
        ("200000/V", 200, 1),
        ("2e2", 200, 1),
        ("-200/mV", 200, -1),
        ("20.5", 41, 2),
        ("1.5", 21, 14),
        ("0.4", 20, 50),
        ("20000", 20000, 1),
        ("33721.6", 1000, 1000 / 33721.6),
        ("33721.6(-5)/mV", 1000, 1000 / 33721.6),
        ("1/uV", 1000, 1),
        ("100.123", 1000, 1000 / 100.123),
    ],
)
def test_units_and_gains(tmp_path: Path, gain: str, adu_per_mv: int, factor: float) -> None:
    values = np.arange(-300, 300)
    rest = " 12 0 0 0 0 MLII" if gain else ""
    write_record(tmp_path / "d", "r", values, gain=gain, rest=rest)
    record = load_record(tmp_path, "d", "r")
    assert record.adu_per_mv == adu_per_mv
    np.testing.assert_allclose(record.samples, values * factor, atol=0 if float(factor).is_integer() else 0.5)


def test_wfdbs_automatic_gain(tmp_path: Path) -> None:
    signal_mv = sine(360)[:, None] / 1000.0
    (tmp_path / "d").mkdir()
    folder = str(tmp_path / "d")
    wfdb.wrsamp("r", 360, ["mV"], ["MLII"], p_signal=signal_mv, fmt=["16"], write_dir=folder)
    record = load_record(tmp_path, "d", "r")
    assert record.adu_per_mv == 1000
    centred = record.samples - np.median(record.samples)
    np.testing.assert_allclose(centred / 1000, signal_mv[:, 0], atol=0.0015)


@pytest.mark.parametrize("units", ["mmHg", "Ohm", "degC", "adu"])
def test_other_units_are_refused_by_name(tmp_path: Path, units: str) -> None:
    write_record(tmp_path / "d", "r", RAMP, gain=f"200/{units}")
    with pytest.raises(RecordError, match=rf"r\.hea.*MLII.*{units}.*mV, uV or V"):
        load_record(tmp_path, "d", "r")


def test_an_adc_zero_beyond_16_bits_does_not_wrap(tmp_path: Path) -> None:
    values = np.linspace(-32700, 13000, 2000).astype(int)
    write_record(tmp_path / "d", "r", values, gain="20000", rest=" 16 -20000 0 0 0 MLII")
    record = load_record(tmp_path, "d", "r")
    assert record.adu_per_mv == 20000
    centred = values - np.median(values)  # without an offset 33,000 would not fit 16 bits
    np.testing.assert_allclose(record.samples, centred, atol=1)


def test_electrode_offset_beyond_16_bits_is_subtracted(tmp_path: Path) -> None:
    values = 4_000_000 + sine(360)
    write_record(tmp_path / "d", "r", values, format=24, gain="1000", rest=" 24 0 0 0 0 II")
    record = load_record(tmp_path, "d", "r")
    assert record.adu_per_mv == 1000
    np.testing.assert_allclose(record.samples, sine(360), atol=1)


# ---- invalid samples --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("format", "lowest"),
    [(16, -32768), (61, -32768), (160, -32768), (24, -(2**23)), (32, -(2**31)), (80, -128), (212, -2048)],
)
def test_invalid_samples_repeat_the_value_before_and_are_listed(
    tmp_path: Path, format: int, lowest: int
) -> None:
    values = np.arange(20, 80)
    values[[0, 1, 10]] = values[30:50] = lowest
    write_record(tmp_path / "d", "r", values, format=format, rest=" 16 5 0 0 0 MLII")
    record = load_record(tmp_path, "d", "r")
    assert record.invalid_spans.tolist() == [[0, 2], [10, 11], [30, 50]]
    assert record.samples[[0, 1, 2, 9, 10, 11, 29, 30, 49, 50]].tolist() == [
        17,
        17,
        17,
        24,
        24,
        26,
        44,
        44,
        44,
        65,
    ]


def test_invalid_samples_are_listed_at_the_rate_of_the_record(tmp_path: Path) -> None:
    values = sine(180)
    values[90:180] = -32768
    write_record(tmp_path / "d", "r", values, rate="180")
    assert load_record(tmp_path, "d", "r").invalid_spans.tolist() == [[180, 360]]


def test_a_signal_without_a_valid_sample_is_flat(tmp_path: Path) -> None:
    write_record(tmp_path / "d", "r", np.full(50, -32768))
    assert samples_of(tmp_path) == [0] * 50


# ---- formats and headers ----------------------------------------------------------------------------


@pytest.mark.parametrize("format", [8, 16, 24, 32, 61, 80, 160, 212, 310, 311])
@pytest.mark.parametrize("count", [120, 119, 118])
def test_every_format_as_wfdb_reads_it(tmp_path: Path, format: int, count: int) -> None:
    write_record(tmp_path / "d", "r", RAMP[:count], format=format)
    assert samples_of(tmp_path) == RAMP[:count].tolist()
    read = wfdb.rdrecord(str(tmp_path / "d" / "r"), physical=False)
    assert read.d_signal[:, 0].tolist() == RAMP[:count].tolist()


@pytest.mark.parametrize("format", [8, 16, 24, 32, 61, 80, 160, 212, 310, 311])
@pytest.mark.parametrize("count", [4, 5, 6])
def test_every_format_with_several_signals_and_samples_a_frame(
    tmp_path: Path, format: int, count: int
) -> None:
    frames = np.array([[-60, -1, 59], [3, -2, -60], [1, 0, 1], [-59, 58, -3], [2, 60, -57], [7, -7, 4]])[
        :count
    ]
    pair, single = frames[:, :2].reshape(-1), frames[:, 2]
    stored = frames.reshape(-1)
    if format == 8:  # differences within each signal; `pack` stores the differences of what it gets
        pairs = np.diff(pair, prepend=0).reshape(-1, 2)
        stored = np.column_stack([pairs, np.diff(single, prepend=0)]).reshape(-1).cumsum()
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "lead_I+II.v2.dat").write_bytes(b"***" + pack(stored, format))
    lines = "".join(
        f"lead_I+II.v2.dat {format}x{n}+3 200 8 0 0 0 0 {lead}\n" for n, lead in ((2, "I"), (1, "V1"))
    )
    (tmp_path / "d" / "r.hea").write_text(f"r 2 360 {count}\n{lines}")
    header = read_header(tmp_path / "d" / "r.hea")
    assert read_values(header, 0)[0].tolist() == pair.tolist()
    assert read_values(header, 1)[0].tolist() == single.tolist()


@pytest.mark.parametrize("format", [310, 311])
def test_the_last_samples_of_a_block_that_is_not_full(tmp_path: Path, format: int) -> None:
    values = [-511, 511, -1, 300, -300]
    write_record(tmp_path / "d", "r", values, format=format)
    assert samples_of(tmp_path) == values


def test_unused_bits_of_format_311_are_ignored(tmp_path: Path) -> None:
    write_record(tmp_path / "d", "r", [1, -2, 3, 4, 5, -6], format=311)
    path = tmp_path / "d" / "r.dat"
    content = bytearray(path.read_bytes())
    content[3] |= 0xC0
    content[7] |= 0xC0
    path.write_bytes(content)
    assert samples_of(tmp_path) == [1, -2, 3, 4, 5, -6]


@pytest.mark.parametrize(("format", "subtype"), [(508, "PCM_S8"), (516, "PCM_16"), (524, "PCM_24")])
def test_flac_formats(tmp_path: Path, format: int, subtype: str) -> None:
    write_record(tmp_path / "d", "r", RAMP)
    bits = {508: 8, 516: 16, 524: 24}[format]
    wide = (np.stack([RAMP, 2 * RAMP], 1) << (32 - bits)).astype(np.int32)
    soundfile.write(str(tmp_path / "d" / "r.flac"), wide, 360, subtype=subtype, format="FLAC")
    lines = "".join(f"r.flac {format} 200 {bits} 0 0 0 0 {lead}\n" for lead in ("V1", "II"))
    for length in ("120", "0"):
        (tmp_path / "d" / "r.hea").write_text(f"r 2 360 {length}\n{lines}")
        assert samples_of(tmp_path) == (2 * RAMP).tolist()
        assert samples_of(tmp_path, lead="V1") == RAMP.tolist()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"length": ""}, RAMP),
        ({"length": "0"}, RAMP),
        ({"length": "100"}, RAMP[:100]),
        ({"rest": ""}, RAMP),
        ({"rest": " 12"}, RAMP),
        ({"rest": " 12 0 0 0 0"}, RAMP),
        ({"rest": " 12 10 MLII"}, RAMP - 10),
        ({"rest": f" 12 0 0 {int(RAMP.sum())} 0 MLII"}, RAMP),
        ({"layout": "+20"}, RAMP[10:]),
        ({"layout": "x1"}, RAMP),
    ],
)
def test_headers_with_few_fields(tmp_path: Path, options: dict[str, str], expected: npt.ArrayLike) -> None:
    if options.get("layout") == "+20":
        options = {**options, "length": "110"}
    write_record(tmp_path / "d", "r", RAMP, **options)  # type: ignore[arg-type]
    assert samples_of(tmp_path) == np.asarray(expected).tolist()


def test_skew_moves_the_signal_and_marks_its_end_as_invalid(tmp_path: Path) -> None:
    write_record(tmp_path / "d", "r", RAMP, layout=":20", rest=f" 12 0 0 {int(RAMP.sum())} 0 MLII")
    record = load_record(tmp_path, "d", "r")
    assert record.samples.tolist() == RAMP[20:].tolist() + [59] * 20
    assert record.invalid_spans.tolist() == [[100, 120]]
    read = wfdb.rdrecord(str(tmp_path / "d" / "r"))
    np.testing.assert_allclose(read.p_signal[:100, 0] * 200, RAMP[20:])
    assert np.isnan(read.p_signal[100:, 0]).all()


def test_several_samples_per_frame_are_all_read(tmp_path: Path) -> None:
    fast, slow = sine(360), np.arange(1800) % 50
    frames = np.concatenate([fast.reshape(-1, 4), slow[:, None]], axis=1)
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "r.dat").write_bytes(pack(frames.reshape(-1), 16))
    checksum = int(fast.sum()) % 65536
    lines = f"r.dat 16x4 200 12 0 0 {checksum} 0 II\nr.dat 16 1/mmHg 12 0 0 0 0 ABP\n"
    (tmp_path / "d" / "r.hea").write_text(f"r 2 90 1800\n{lines}")
    (tmp_path / "d" / "r.atr").write_bytes(annotation_bytes([(90, N), (180, V)]))
    record = load_record(tmp_path, "d", "r")
    assert record.samples.tolist() == fast.tolist()
    assert record.beat_samples.tolist() == [360, 720]
    assert read_timing(tmp_path / "d", "r") == (90.0, 1800)


def test_a_challenge_mat_file(tmp_path: Path) -> None:
    write_record(tmp_path / "d", "r", RAMP, gain="1000/mV", layout="+24", rest=" 16 0 0 0 0 ECG")
    header = (tmp_path / "d" / "r.hea").read_text().replace("r.dat", "r.mat")
    (tmp_path / "d" / "r.hea").write_text(header)
    (tmp_path / "d" / "r.dat").unlink()
    (tmp_path / "d" / "r.mat").write_bytes(bytes(24) + pack(RAMP, 16))
    record = load_record(tmp_path, "d", "r")
    assert (record.adu_per_mv, record.samples.tolist()) == (1000, RAMP.tolist())
    assert [path.name for path in record_files(tmp_path, "d", "r")] == ["r.hea", "r.mat"]


def test_comments_line_ends_and_a_renamed_header(tmp_path: Path) -> None:
    write_record(tmp_path / "d", "old", RAMP)
    text = (tmp_path / "d" / "old.hea").read_text().replace("\n", "\r\n")
    (tmp_path / "d" / "r.hea").write_bytes(b"# made by hand\r\n\r\n" + text.encode())
    (tmp_path / "d" / "old.hea").unlink()
    assert samples_of(tmp_path) == RAMP.tolist()


@pytest.mark.parametrize("short", [1, 24, 200])
def test_a_short_file_with_a_byte_offset_is_named(tmp_path: Path, short: int) -> None:
    write_record(tmp_path / "d", "r", RAMP, layout="+24")
    content = bytes(24) + pack(RAMP, 16)
    (tmp_path / "d" / "r.dat").write_bytes(content[:-short])
    with pytest.raises(RecordError, match=rf"r\.dat: truncated: {264 - short} bytes.*264"):
        load_record(tmp_path, "d", "r")


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("r 1 fast 120", "rate 'fast'"),
        ("r 1 -5 120", "rate '-5'"),
        ("r 1 360 many", "length 'many'"),
        ("r one 360 120", "number of signals"),
        ("r", "number of signals"),
        ("r 3 360 120", "3 signals"),
        ("r/4 1 360 120", "4 segments"),
    ],
)
def test_a_damaged_record_line_is_named(tmp_path: Path, line: str, named: str) -> None:
    write_record(tmp_path / "d", "r", RAMP)
    signal = (tmp_path / "d" / "r.hea").read_text().splitlines()[1]
    (tmp_path / "d" / "r.hea").write_text(f"{line}\n{signal}\n")
    with pytest.raises(RecordError, match=rf"r\.hea: damaged header \(.*{named}"):
        load_record(tmp_path, "d", "r")


@pytest.mark.parametrize(("format", "gain", "named"), [("x16", "200", "format"), ("16", "much", "gain")])
def test_a_damaged_signal_line_is_named(tmp_path: Path, format: str, gain: str, named: str) -> None:
    (tmp_path / "r.hea").write_text(f"r 1 360 120\nr.dat {format} {gain} 12 0 0 0 0 II\n")
    with pytest.raises(RecordError, match=rf"r\.hea: damaged header \({named}"):
        read_header(tmp_path / "r.hea")


# ---- leads ------------------------------------------------------------------------------------------


def write_leads(folder: Path, names: list[str]) -> None:
    folder.mkdir(exist_ok=True)
    values = np.arange(len(names) * 30)
    (folder / "r.dat").write_bytes(pack(values, 16))
    lines = "".join(f"r.dat 16 200 12 0 0 0 0 {name}\n" for name in names)
    (folder / "r.hea").write_text(f"r {len(names)} 360 30\n{lines}")


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        (["V5", "MLII"], "MLII"),
        (["V1", "II", "V5"], "II"),
        (["RESP", "ABP", "II"], "II"),
        (["ii", "MLII"], "MLII"),
        (["RESP", "i", "avr"], "i"),
        (["RESP", "ECG lead II", "ECG1"], "ECG lead II"),
        (["PLETH", "ECG1"], "ECG1"),
        (["Resp", "D3"], "D3"),
        (["CM5", "CC5"], "CM5"),
        (["mod.V1", "V4-V5"], "mod.V1"),
        (["V5", "V2"], "V5"),
    ],
)
def test_the_rule_for_the_lead(tmp_path: Path, names: list[str], chosen: str) -> None:
    write_leads(tmp_path / "d", names)
    record = load_record(tmp_path, "d", "r")
    assert record.lead == chosen
    assert record.samples[0] == names.index(chosen)


def test_without_an_ecg_lead_the_signals_are_listed(tmp_path: Path) -> None:
    write_leads(tmp_path / "d", ["RESP", "noise1"])
    with pytest.raises(RecordError, match=r"RESP, noise1.*--lead"):
        load_record(tmp_path, "d", "r")
    assert load_record(tmp_path, "d", "r", lead="noise1").samples[0] == 1
    assert load_record(tmp_path, "d", "r", lead="NOISE1").samples[0] == 1
    assert load_record(tmp_path, "d", "r", lead="1").lead == "noise1"
    with pytest.raises(RecordError, match=r"no lead '2'.*RESP, noise1"):
        load_record(tmp_path, "d", "r", lead="2")


# ---- segments ---------------------------------------------------------------------------------------


def test_segments_with_a_gap_and_another_gain(tmp_path: Path) -> None:
    write_record(tmp_path / "d", "a", RAMP)
    write_record(tmp_path / "d", "b", 2 * RAMP, gain="400")
    (tmp_path / "d" / "r.hea").write_text("r/3 1 360 270\na 120\n~ 30\nb 120\n")
    (tmp_path / "d" / "r.atr").write_bytes(annotation_bytes([(200, N)]))
    record = load_record(tmp_path, "d", "r")
    assert record.samples.tolist() == RAMP.tolist() + [59] * 30 + RAMP.tolist()
    assert record.invalid_spans.tolist() == [[120, 150]]
    assert record.beat_samples.tolist() == [200]
    names = [path.name for path in record_files(tmp_path, "d", "r")]
    assert names == ["r.hea", "a.hea", "a.dat", "b.hea", "b.dat", "r.atr"]


def test_segments_with_a_layout_are_joined_by_name(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "a.dat").write_bytes(pack(np.stack([RAMP, -RAMP], 1).reshape(-1), 16))
    lines = "".join(f"a.dat 16 200 12 0 0 0 0 {lead}\n" for lead in ("V1", "II"))
    (tmp_path / "d" / "a.hea").write_text(f"a 2 360 120\n{lines}")
    write_record(tmp_path / "d", "b", RAMP, rest=" 12 0 0 0 0 II")
    write_record(tmp_path / "d", "c", RAMP, rest=" 12 0 0 0 0 V1")
    layout = "".join(f"~ 0 200 12 0 0 0 0 {lead}\n" for lead in ("II", "V1"))
    (tmp_path / "d" / "l.hea").write_text(f"l 2 360 0\n{layout}")
    (tmp_path / "d" / "r.hea").write_text("r/4 2 360 360\nl 0\na 120\nb 120\nc 120\n")
    record = load_record(tmp_path, "d", "r")
    assert record.lead == "II"
    assert record.samples.tolist() == (-RAMP).tolist() + RAMP.tolist() + [59] * 120
    assert record.invalid_spans.tolist() == [[240, 360]]


def test_a_missing_segment_is_named(tmp_path: Path) -> None:
    write_record(tmp_path / "d", "a", RAMP)
    (tmp_path / "d" / "r.hea").write_text("r/2 1 360 240\na 120\nb 120\n")
    with pytest.raises(RecordError, match=r"b\.hea: not found"):
        load_record(tmp_path, "d", "r")


def test_segments_of_another_rate_are_refused(tmp_path: Path) -> None:
    write_record(tmp_path / "d", "a", RAMP, rate="250")
    (tmp_path / "d" / "r.hea").write_text("r/2 1 500 240\na 120\na 120\n")
    with pytest.raises(RecordError, match=r"a\.hea: 250 frames a second, but r\.hea, .* has 500"):
        load_record(tmp_path, "d", "r")


@pytest.mark.parametrize(("length", "is_right"), [("", True), (" 0", True), (" 240", True), (" 241", False)])
def test_the_length_of_a_record_is_that_of_its_segments(tmp_path: Path, length: str, is_right: bool) -> None:
    write_record(tmp_path / "d", "a", RAMP)
    (tmp_path / "d" / "r.hea").write_text(f"r/2 1 360{length}\na 120\na 120\n")
    if is_right:
        assert len(samples_of(tmp_path)) == 240
        return
    with pytest.raises(RecordError, match=r"r\.hea: .*length of 241, but its segments have 240 in all"):
        load_record(tmp_path, "d", "r")


# ---- EDF --------------------------------------------------------------------------------------------


def test_an_edf_file(tmp_path: Path) -> None:
    slow, ecg = np.arange(40), sine(256, 10.0) // 2
    signals = [("Resp", "L", (-1.0, 1.0), slow), ("ECG II", "uV", (-5000.0, 5000.0), ecg)]
    write_edf(tmp_path / "d" / "night.edf", signals, records=10)
    record = load_record(tmp_path, "d", "night.edf", fs_hz=256)
    assert (record.lead, record.adu_per_mv, record.duration_s) == ("ECG II", 200, 10.0)
    assert record.samples.tolist() == ecg.tolist()
    assert read_timing(tmp_path / "d", "night.edf") == (256.0, 2560)
    assert [path.name for path in record_files(tmp_path, "d", "night.edf")] == ["night.edf"]


def test_an_edf_file_with_a_fraction_of_a_second_and_no_length(tmp_path: Path) -> None:
    ecg = sine(250, 2.0) // 2
    write_edf(tmp_path / "d" / "n.edf", [("ECG", "mV", (-5.0, 5.0), ecg)], records=5, duration="0.4")
    content = (tmp_path / "d" / "n.edf").read_bytes()
    (tmp_path / "d" / "n.edf").write_bytes(content[:236] + b"-1      " + content[244:])
    record = load_record(tmp_path, "d", "n.edf", fs_hz=250)
    assert record.samples.tolist() == ecg.tolist()


def test_an_edf_file_whose_first_signal_is_its_annotations(tmp_path: Path) -> None:
    ecg = sine(250, 2.0) // 2
    signals = [("EDF Annotations", "", (-1.0, 1.0), np.zeros(60, int)), ("ECG", "mV", (-5.0, 5.0), ecg)]
    write_edf(tmp_path / "d" / "n.edf", signals, records=2, kind="EDF+C")
    assert samples_of(tmp_path, "n.edf", fs_hz=250, lead="ECG") == ecg.tolist()


@pytest.mark.parametrize(("kind", "cut"), [("", 300), ("", 600)])
def test_an_edf_file_that_is_not_read_is_named(tmp_path: Path, kind: str, cut: int) -> None:
    ecg = sine(250, 2.0) // 2
    write_edf(tmp_path / "d" / "n.edf", [("ECG", "mV", (-5.0, 5.0), ecg)], records=2, kind=kind)
    content = (tmp_path / "d" / "n.edf").read_bytes()
    (tmp_path / "d" / "n.edf").write_bytes(content[:cut] if cut else content)
    with pytest.raises(RecordError, match=r"n\.edf: (damaged|truncated)"):
        load_record(tmp_path, "d", "n.edf")


def test_a_discontinuous_edf_file_is_to_be_converted(tmp_path: Path) -> None:
    signals = [("ECG", "mV", (-5.0, 5.0), sine(250, 2.0) // 2)]
    write_edf(tmp_path / "d" / "n.edf", signals, records=2, kind="EDF+D")
    with pytest.raises(RecordError, match=r"n\.edf: a discontinuous recording .* Convert it to EDF\+C"):
        load_record(tmp_path, "d", "n.edf")


@pytest.mark.parametrize("duration", ["1", "0"])
def test_an_edf_file_of_annotations_alone_has_no_signals(tmp_path: Path, duration: str) -> None:
    signals = [("EDF Annotations", "", (-1.0, 1.0), np.zeros(60, int))]
    write_edf(tmp_path / "d" / "n.edf", signals, records=2, duration=duration, kind="EDF+C")
    with pytest.raises(RecordError, match=r"n\.edf: has no signals, only annotations"):
        load_record(tmp_path, "d", "n.edf")


def test_a_missing_record_lists_the_formats(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match=r"r\.hea: not found.*WFDB.*EDF"):
        load_record(tmp_path, "d", "r")


def test_raw_values_of_a_signal(tmp_path: Path) -> None:
    write_record(tmp_path / "d", "r", RAMP, rest=" 12 100 0 0 0 MLII")
    values, invalid = read_values(read_header(tmp_path / "d" / "r.hea"), 0)
    assert values.tolist() == RAMP.tolist()
    assert not invalid.any()


# ---- damage -----------------------------------------------------------------------------------------


def damaged(content: bytes, random: np.random.Generator) -> bytes:
    """Cut, overwrite or repeat a few bytes."""
    out = bytearray(content)
    for _ in range(int(random.integers(1, 4))):
        at, count = int(random.integers(len(out))), int(random.integers(1, 6))
        kind = random.integers(3)
        if kind == 0:
            del out[at : at + count]
        elif kind == 1:
            out[at : at + count] = random.integers(0, 256, count).astype(np.uint8).tobytes()
        else:
            out[at:at] = random.choice(list(b"0123456789 ./x+:-eE\n"), count).astype(np.uint8).tobytes()
        out = out or bytearray(b"\n")
    return bytes(out)


@pytest.mark.parametrize("suffix", ["hea", "atr", "dat", "edf"])
def test_a_damaged_file_is_read_or_refused_but_never_crashes(tmp_path: Path, suffix: str) -> None:
    name = "n.edf" if suffix == "edf" else "r"
    atr = (
        word(22, 0) + aux("## time resolution: 360") + word(28, 4) + aux("(AFIB") + annotation_bytes([(9, N)])
    )
    write_record(tmp_path / "d", "r", RAMP, format=212, gain="200(0)/mV", atr=atr)
    write_edf(tmp_path / "d" / "n.edf", [("ECG", "mV", (-5.0, 5.0), sine(250, 2.0) // 2)], records=2)
    path = tmp_path / "d" / f"{name.removesuffix('.edf')}.{suffix}"
    content, random, refused = path.read_bytes(), np.random.default_rng(1), 0
    for _ in range(150):
        path.write_bytes(damaged(content, random))
        try:
            record = load_record(tmp_path, "d", name)
        except RecordError:
            refused += 1
        else:
            assert len(record.annotation_samples) == len(record.annotation_symbols)
    assert refused > (0 if suffix == "dat" else 10)


def test_a_null_signal_has_no_samples(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "r.hea").write_text("r 1 360 99999999\n~ 0 200 12 0 0 0 0 II\n")
    with pytest.raises(RecordError, match=r"'II' has no samples"):
        load_record(tmp_path, "d", "r")


def test_an_empty_signal_file_has_no_samples(tmp_path: Path) -> None:
    write_record(tmp_path / "d", "r", [], length="0")
    with pytest.raises(RecordError, match=r"MLII has no samples"):
        load_record(tmp_path, "d", "r")
