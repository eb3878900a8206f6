"""Rhythms: each is a generator of events, atrial and ventricular, without end.

    for event in RHYTHMS["sinus"](Heart(patient, random)):
        ...

The events of a rhythm are in the order of time up to the P wave of a beat, which is yielded just before its
QRS complex. Rates and shares without a source are an own choice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple

import numpy as np

from ecg_edge.ecg.synthetic.patients import Patient

FIRST_BEAT_S: Final = 0.5
RHYTHM_CHANGE: Final = "+"


class Event(NamedTuple):
    """Something that happens at a time.

    Attributes
    ----------
    time_s : float
        Time of the P wave's centre, of the R peak, or of the change of rhythm.
    kind : str
        "P" or "early P"; the shape of a ventricular beat, such as "N"; or `RHYTHM_CHANGE`.
    symbol : str
        WFDB symbol of a ventricular beat; the rhythm's name as WFDB writes it ("(AFIB") for a change.
    """

    time_s: float
    kind: str
    symbol: str = ""


Events = Iterator[Event]
Rhythm = Callable[["Heart"], Events]


class Heart:
    """A patient's sinus node and conduction.

    Parameters
    ----------
    patient : Patient
    random : Generator
    shape : str
        Shape of conducted beats: "N", "L" or "R".
    """

    def __init__(self, patient: Patient, random: np.random.Generator, shape: str = "N") -> None:
        self.patient = patient
        self.random = random
        self.shape = shape

    def rr_s(self, t_s: float) -> float:
        """Sinus interval that begins at a time: the mean, with breathing and slow changes."""
        patient = self.patient
        change = patient.sinus_arrhythmia * patient.breathing.at(t_s) + patient.variability.at(t_s)
        return patient.rr_s * float(np.clip(1 + change + self.random.normal(0, 0.003), 0.4, 2.0))

    def pr_s(self, longer_s: float = 0.0) -> float:
        """PR interval; shorter at high rates (own choice)."""
        return float(self.patient.pr_s * min(self.patient.rr_s / 0.83, 1.0) ** 0.25 + longer_s)

    def p_time(self, r_s: float, pr_s: float) -> float:
        """Time of the P wave's centre before a conducted R peak."""
        return r_s + self.patient.shapes[self.shape].qrs.onset_s - pr_s + self.patient.p_s / 2

    def conducted(self, r_s: float, pr_s: float | None = None) -> Events:
        """Yield a P wave and its beat."""
        interval = (self.pr_s() if pr_s is None else pr_s) + self.random.normal(0, 0.0015)
        yield Event(self.p_time(r_s, interval), "P")
        yield Event(r_s, self.shape, self.shape)


# ---- sinus rhythm and its blocks --------------------------------------------------------------------


def sinus(heart: Heart, longer_pr_s: float = 0.0, name: str = "(N") -> Events:
    """Sinus rhythm, of any rate; with a longer PR interval: first-degree AV block."""
    t_s = FIRST_BEAT_S
    yield Event(0.0, RHYTHM_CHANGE, name)
    while True:
        yield from heart.conducted(t_s, heart.pr_s(longer_pr_s))
        t_s += heart.rr_s(t_s)


def bradycardia(heart: Heart) -> Events:
    """Sinus bradycardia."""
    return sinus(heart, name="(SBR")


def first_degree_block(heart: Heart) -> Events:
    """First-degree AV block: PR interval above 200 ms."""
    wanted = heart.random.uniform(0.23, 0.34)
    return sinus(heart, longer_pr_s=wanted - heart.pr_s())


def wenckebach(heart: Heart) -> Events:
    """Second-degree AV block, type I: the PR interval grows until a P wave is not conducted."""
    t_s, step = FIRST_BEAT_S + heart.pr_s(), 0
    length = heart.random.integers(3, 6)
    yield Event(0.0, RHYTHM_CHANGE, "(BII")
    while True:
        p_s, growth = t_s - heart.pr_s(), heart.patient.pr_s * (1 - 0.55**step)
        if step == length - 1:
            yield Event(heart.p_time(p_s + heart.pr_s(), heart.pr_s()), "P")
            step, length = 0, heart.random.integers(3, 6)
        else:
            yield from heart.conducted(t_s + growth, heart.pr_s(growth))
            step += 1
        t_s += heart.rr_s(t_s)


def mobitz(heart: Heart) -> Events:
    """Second-degree AV block, type II: single P waves are not conducted, the PR interval does not change."""
    t_s, since = FIRST_BEAT_S, 0
    yield Event(0.0, RHYTHM_CHANGE, "(BII")
    while True:
        if since >= 2 and heart.random.uniform() < 0.35:
            yield Event(heart.p_time(t_s, heart.pr_s()), "P")
            since = 0
        else:
            yield from heart.conducted(t_s)
            since += 1
        t_s += heart.rr_s(t_s)


def complete_block(heart: Heart) -> Events:
    """Third-degree AV block: P waves and a ventricular escape rhythm of 30 to 45 a minute, unrelated."""
    escape_s = heart.random.uniform(60 / 45, 60 / 30)
    p_s, r_s = 0.2, FIRST_BEAT_S
    yield Event(0.0, RHYTHM_CHANGE, "(AVB3")
    while True:
        while p_s < r_s:
            yield Event(p_s, "P")
            p_s += heart.rr_s(p_s)
        yield Event(r_s, "V", "E")
        r_s += escape_s * (1 + heart.random.normal(0, 0.015))


def pauses(heart: Heart) -> Events:
    """Sinus rhythm with pauses of 2 to 3.5 s, some of which a junctional beat ends."""
    t_s, since = FIRST_BEAT_S, 0
    yield Event(0.0, RHYTHM_CHANGE, "(N")
    while True:
        yield from heart.conducted(t_s)
        since += 1
        if since >= 8 and heart.random.uniform() < 0.12:
            since, t_s = 0, t_s + heart.random.uniform(2.0, 3.5)
            if heart.random.uniform() < 0.4:
                yield Event(t_s, heart.shape, "j")
                t_s += heart.rr_s(t_s)
        else:
            t_s += heart.rr_s(t_s)


# ---- premature beats --------------------------------------------------------------------------------


def premature(heart: Heart, kinds: Mapping[str, float], every: int = 0, name: str = "(N") -> Events:
    """Sinus rhythm with premature beats and runs.

    A premature atrial beat resets the sinus node; after one from the ventricles the sinus node goes on, and
    its next beat is not conducted: the pause is compensatory.

    Parameters
    ----------
    heart : Heart
    kinds : mapping of str to float
        "A", "V", "A run" and "V run" with the share of sinus beats that one follows.
    every : int
        One after every that many sinus beats instead: 1 for bigeminy, 2 for trigeminy.
    name : str
        WFDB's name of the rhythm.
    """
    t_s, since = FIRST_BEAT_S, 0
    names, shares = list(kinds), np.array(list(kinds.values()))
    yield Event(0.0, RHYTHM_CHANGE, name)
    while True:
        yield from heart.conducted(t_s)
        since += 1
        rr_s = heart.rr_s(t_s)
        due = since >= every if every else since >= 3 and heart.random.uniform() < shares.sum()
        if not due:
            t_s += rr_s
            continue
        kind, since = str(heart.random.choice(names, p=shares / shares.sum())), 0
        last, t_s = t_s, t_s
        for event in _early(heart, kind, t_s, rr_s):
            yield event
            last = max(last, event.time_s)
        t_s = (
            last + rr_s * heart.random.uniform(1.0, 1.15)
            if kind[0] == "A"
            else max(t_s + 2 * rr_s, last + rr_s)
        )


def _early(heart: Heart, kind: str, after_s: float, rr_s: float) -> Events:
    """Yield a premature beat, or a run of 3 to 8."""
    count = heart.random.integers(3, 9) if kind.endswith("run") else 1
    t_s = after_s + rr_s * heart.random.uniform(0.55, 0.78)
    within_s = min(heart.random.uniform(0.36, 0.50), 0.8 * rr_s)
    for number in range(count):
        if kind[0] == "A":
            yield Event(heart.p_time(t_s, heart.pr_s(0.01)), "early P")
            yield Event(t_s, heart.shape, "A")
        else:
            yield Event(t_s, "V" if count > 1 or heart.random.uniform() < 0.8 else "V2", "V")
        t_s += within_s * (1 + heart.random.normal(0, 0.03)) if number + 1 < count else 0.0
    if kind == "V":  # the sinus node's own beat, which finds the ventricles refractory
        yield Event(heart.p_time(after_s + rr_s, heart.pr_s()), "P")


# ---- atrial fibrillation and flutter ----------------------------------------------------------------


def atrial_fibrillation(heart: Heart) -> Events:
    """Atrial fibrillation: no P waves, RR intervals without order.

    Mean RR interval 0.74 s and standard deviation between 0.1 and 0.2 s: Alcaraz R et al., Rev Esp Cardiol
    61(2):154-160, 2008 (740 and 100 ms in paroxysmal fibrillation), widened for other patients (own choice).
    """
    mean_s, spread = heart.random.uniform(0.50, 0.95), heart.random.uniform(0.15, 0.26)
    t_s = FIRST_BEAT_S
    yield Event(0.0, RHYTHM_CHANGE, "(AFIB")
    while True:
        yield Event(t_s, heart.shape, heart.shape)
        t_s += max(0.28, mean_s * heart.random.lognormal(-(spread**2) / 2, spread))


def flutter_rate_hz(patient: Patient) -> float:
    """Rate of the patient's atrial flutter: 240 to 340 a minute (usual range), fixed by his sinus rate."""
    return float(np.interp(patient.rr_s, (0.5, 1.1), (340 / 60, 240 / 60)))


def atrial_flutter(heart: Heart) -> Events:
    """Atrial flutter, conducted 2:1, 3:1 or 4:1, mostly with the same ratio."""
    cycle_s, ratio = 1 / flutter_rate_hz(heart.patient), int(heart.random.choice((2, 4), p=(0.4, 0.6)))
    t_s = FIRST_BEAT_S
    yield Event(0.0, RHYTHM_CHANGE, "(AFL")
    while True:
        yield Event(t_s, heart.shape, heart.shape)
        changed = heart.random.uniform() < 0.12
        t_s += cycle_s * (int(heart.random.integers(2, 5)) if changed else ratio) + heart.random.normal(
            0, 0.004
        )


# ---- ventricular tachycardia, flutter and fibrillation ----------------------------------------------


def episodes(heart: Heart, name: str) -> Events:
    """Sinus rhythm of 10 to 25 s, then 15 to 40 s of a ventricular rhythm, in turn.

    Fibrillation does not end by itself: the turns make short records useful (own choice).

    Parameters
    ----------
    heart : Heart
    name : str
        "(VT": beats at 130 to 210 a minute; "(VFL", "(VFIB": no beats, the course is in `oscillations`.
    """
    t_s, cycle_s = FIRST_BEAT_S, 60 / heart.random.uniform(130, 210)
    begin_s = 0.0
    while True:
        yield Event(begin_s, RHYTHM_CHANGE, "(N")
        end_s = t_s + heart.random.uniform(10, 25)
        while t_s < end_s:
            yield from heart.conducted(t_s)
            t_s += heart.rr_s(t_s)
        t_s -= 0.3 * heart.patient.rr_s
        yield Event(t_s - 0.1, RHYTHM_CHANGE, name)
        end_s = t_s + heart.random.uniform(15, 40)
        while name == "(VT" and t_s < end_s:
            yield Event(t_s, "V", "V")
            t_s += cycle_s * (1 + heart.random.normal(0, 0.012))
        begin_s = max(t_s, end_s)
        t_s = begin_s + heart.random.uniform(0.9, 1.6)


RHYTHMS: Final[dict[str, Rhythm]] = {
    "sinus": sinus,
    "bradycardia": bradycardia,
    "first-degree block": first_degree_block,
    "wenckebach": wenckebach,
    "mobitz": mobitz,
    "complete block": complete_block,
    "pauses": pauses,
    "atrial premature": lambda heart: premature(heart, {"A": 0.14}),
    "ventricular premature": lambda heart: premature(heart, {"V": 0.14}),
    "supraventricular runs": lambda heart: premature(heart, {"A run": 0.06, "A": 0.05}),
    "ventricular runs": lambda heart: premature(heart, {"V run": 0.06, "V": 0.05}),
    "bigeminy": lambda heart: premature(heart, {"V": 1.0}, every=1, name="(B"),
    "trigeminy": lambda heart: premature(heart, {"V": 1.0}, every=2, name="(T"),
    "atrial fibrillation": atrial_fibrillation,
    "atrial flutter": atrial_flutter,
    "ventricular tachycardia": lambda heart: episodes(heart, "(VT"),
    "ventricular flutter": lambda heart: episodes(heart, "(VFL"),
    "ventricular fibrillation": lambda heart: episodes(heart, "(VFIB"),
}
