"""Rhythm events on the host: streamed as at once, read back, told to people."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ecg_edge.ecg.errors import EcgEdgeError
from ecg_edge.firmware import LEAD_CHANGE_DTYPE, SignalPath, process_signal
from ecg_edge.firmware.binding.rhythm import RUN_V, Turn, follow_beats, merge_turns
from ecg_edge.host.conformance.events_csv import EVENT_COLUMNS, event_rows, read_events
from ecg_edge.host.conformance.folder import EVENTS_NAME
from ecg_edge.host.link.messages import RhythmEvent
from ecg_edge.host.reference import rhythm_events
from ecg_edge.host.reference.decisions import decide
from ecg_edge.host.reference.rhythm_events import (
    EventStream,
    classes_of,
    count_kinds,
    describe,
    episodes,
    heart_rates,
    to_messages,
)
from ecg_edge.host.report.charts import rhythm_svg
from ecg_edge.quantize.bundle.engines import beat_inputs
from tests.support.core_signals import fibrillation
from tests.support.simulated import LABELS, HashEngine, make_ecg

NOTHING = np.zeros(0, np.int64)


def noisy_ecg() -> tuple[np.ndarray, np.ndarray]:
    """Two minutes with a stretch of noise and a stretch of silence, and the beats' outputs."""
    samples, _ = make_ecg(120.0)
    random = np.random.default_rng(3)
    samples[12000:16000] += random.normal(0, 400, 4000).astype(np.int16)
    samples[30000:32000] = samples[30000]
    return samples, random


@pytest.mark.parametrize(
    ("samples", "block"),
    [(noisy_ecg()[0][:16000], 1), *((noisy_ecg()[0], block) for block in (239, 4000)), (fibrillation(), 500)],
    ids=["each sample", "noise, 239", "noise, 4000", "fibrillation"],
)
def test_a_stream_gives_what_the_whole_gives(samples: np.ndarray, block: int) -> None:
    processed = process_signal(samples)
    engine = HashEngine()
    outputs = engine.run(beat_inputs(processed.beats))
    expected = decide(processed, outputs, LABELS, len(samples))
    path, stream, events, taken = SignalPath(), EventStream(LABELS, 360), [], 0
    labels: list[int] = []
    for start in range(0, len(samples), block):
        part = samples[start : start + block]
        beats = path.push(part)
        taken += len(part)
        found, chosen = stream.take(beats, engine.run(beat_inputs(beats)), path.changes, taken)
        events, labels = events + found, labels + chosen.tolist()
    beats = path.finish()
    found, chosen = stream.take(beats, engine.run(beat_inputs(beats)), path.changes, taken)
    events += [*found, *stream.finish(path.changes, taken)]
    assert len(events) > 2
    assert events == expected.events
    assert [*labels, *chosen.tolist()] == expected.labels.tolist()
    assert expected.in_fibrillation.any() == (block == 500)


@pytest.mark.parametrize("block", [7, 239, 4000])
def test_a_stream_with_gaps_gives_what_the_whole_gives(block: int) -> None:
    samples, random = noisy_ecg()
    starts = np.sort(random.integers(0, len(samples), 20))
    lengths = random.integers(1, 1500, 20).clip(max=np.diff(starts, append=len(samples)))
    off_spans = np.stack([starts, starts + lengths], axis=1)
    processed, engine = process_signal(samples, off_spans=off_spans), HashEngine()
    expected = decide(processed, engine.run(beat_inputs(processed.beats)), LABELS, len(samples))
    path, stream, events = SignalPath(), EventStream(LABELS, 360), []
    for start in range(0, len(samples), block):
        part = samples[start : start + block]
        beats = path.push_with_gaps(part, (off_spans - start).clip(0, len(part)))
        outputs = engine.run(beat_inputs(beats))
        events += stream.take(beats, outputs, path.changes, start + len(part), path.ventricular, path.leads)[
            0
        ]
    beats = path.finish()
    outputs = engine.run(beat_inputs(beats))
    events += stream.take(beats, outputs, path.changes, len(samples), path.ventricular, path.leads)[0]
    events += stream.finish(path.changes, len(samples), path.ventricular)
    assert len(path.leads) > 10 and events == expected.events


def test_a_long_stream_merges_each_turn_once(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = 0

    def counting(changes: list[tuple[int, bool]], ventricular: list[np.void]) -> list[Turn]:
        nonlocal rows
        rows += len(changes) + len(ventricular)
        return merge_turns(changes, ventricular)

    monkeypatch.setattr(rhythm_events, "merge_turns", counting)
    samples, _ = noisy_ecg()
    path, stream = SignalPath(), EventStream(LABELS, 360)
    for start in range(0, len(samples), 36):
        beats = path.push(samples[start : start + 36])
        outputs = HashEngine().run(beat_inputs(beats))
        stream.take(beats, outputs, path.changes, start + 36, path.ventricular)
    stream.finish(path.changes, len(samples), path.ventricular)
    assert rows == len(path.changes) + len(path.ventricular) > 0


def test_leads_that_come_off_are_events_of_the_whole() -> None:
    leads = np.array([(3600, 3636, 0, 1), (5400, 5580, 0, 0)], LEAD_CHANGE_DTYPE)
    found = to_messages(follow_beats(NOTHING, NOTHING, NOTHING, 20 * 360, leads=leads).events)
    (episode,) = episodes(found)
    assert (episode.name, episode.onset, episode.end) == ("leads off", 3600, 5400)


def test_classes_come_from_labels() -> None:
    assert classes_of(np.array([0, 1, 2, 3, 4, 254, 255]), LABELS).tolist() == [0, 0, 0, 1, 2, 3, 3]


RUN = RhythmEvent(7, RUN_V, 2, 1, 36_000, 36_720, 5, 1350, 160, 150, 170, 0, 0)
RATE = RhythmEvent(8, 1, 1, 0, 36_000, 39_000, 9, 724, 298, 290, 310, 0, 0)
NO_RATE = RhythmEvent(9, 1, 1, 0, 43_200, 43_200, 0, 0, 0, 0, 0, 0, 0)


def test_events_come_back_from_their_file(tmp_path: Path) -> None:
    path = tmp_path / EVENTS_NAME
    path.write_text(",".join(EVENT_COLUMNS) + "\n" + event_rows("mitdb", "100", [RUN, RATE, NO_RATE]))
    assert ",V run,end,1," in path.read_text()
    assert read_events(path) == {("mitdb", "100"): [RUN, RATE, NO_RATE]}
    path.write_text(path.read_text().replace("V run", "V walk"))
    with pytest.raises(EcgEdgeError, match=r"events\.csv.*Replay"):
        read_events(path)


def test_an_episode_is_told_in_one_line() -> None:
    (episode,) = episodes([RUN, RATE])
    line = "1:40.000 2.00 s V run 5 beats, 135/min, RR 416 to 472 ms, cut off"
    assert describe(episode, 360).split() == line.split()
    assert count_kinds([RUN, RUN, RATE]) == {"V run": 2}


def test_heart_rates_have_gaps() -> None:
    at, rates = heart_rates([RUN, RATE, NO_RATE])
    assert at == [39_000, 43_200]
    assert rates[0] == 72.4 and np.isnan(rates[1])


def test_the_chart_names_what_occurred() -> None:
    svg = rhythm_svg([RUN, RATE, NO_RATE], 72_000, 360, "A course")
    assert "V run (1)" in svg and "asystole" not in svg and "<title>A course</title>" in svg
    assert "beats/min" in rhythm_svg([], 3600, 360, "")


def test_false_episodes_are_drawn_empty_and_counted() -> None:
    false = rhythm_svg([RUN], 72_000, 360, "", {("V run", RUN.onset)})
    assert "V run (1, 1 false)" in false and 'class="false"' in false and 'class="l-V"' not in false
    assert 'class="false"' not in rhythm_svg([RUN], 72_000, 360, "", {("V run", RUN.onset + 1)})
