"""Classes of synthetic ECG: each is a rhythm, a conduction, a range of rates, and a change of ST and T."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from ecg_edge.ecg.errors import SynthesisError
from ecg_edge.ecg.synthetic.st_changes import DEPRESSION, ELEVATION, Change

MORPHOLOGY: Final = ("normal", "arrhythmia", "st-depression", "st-elevation", "t-inversion")
"""Classes of the morphology model."""


@dataclass(frozen=True)
class SyntheticClass:
    """One class.

    Attributes
    ----------
    name : str
        Name for the command line.
    text : str
        A line about it.
    rhythms : tuple of str
        Of `rhythms.RHYTHMS`; of several, a record has one, which is drawn.
    shape : str
        Shape of conducted beats: "N", "L" or "R".
    rate_bpm : (float, float)
        Limits of the sinus rate in beats per minute.
    st_mv : (float, float) or None
        Limits of the ST deviation in the first lead, in mV at J + 60 ms.
    st_shapes : tuple of str
        Its courses.
    t_mv : (float, float) or None
        Limits of the T wave's height in the first lead, in mV.
    sinus_arrhythmia : float or None
        Standard deviation of the relative change of the RR interval with breathing, where it is given.
    """

    name: str
    text: str
    rhythms: tuple[str, ...] = ("sinus",)
    shape: str = "N"
    rate_bpm: tuple[float, float] = (60.0, 100.0)
    st_mv: tuple[float, float] | None = None
    st_shapes: tuple[str, ...] = ()
    t_mv: tuple[float, float] | None = None
    sinus_arrhythmia: float | None = None

    def draw_change(self, random: np.random.Generator) -> Change:
        """Draw the change of ST segment and T wave."""
        st_mv = None if self.st_mv is None else float(random.uniform(*self.st_mv))
        shape = str(random.choice(self.st_shapes)) if self.st_shapes else "horizontal"
        t_mv = None if self.t_mv is None else float(random.uniform(*self.t_mv))
        return Change(st_mv, shape, t_mv)

    def draw_rhythm(self, random: np.random.Generator) -> str:
        """Draw one of the rhythms."""
        return str(random.choice(self.rhythms))


_ARRHYTHMIAS: Final = (
    "atrial premature",
    "ventricular premature",
    "supraventricular runs",
    "ventricular runs",
    "bigeminy",
    "trigeminy",
    "atrial fibrillation",
    "atrial flutter",
    "wenckebach",
    "mobitz",
    "complete block",
    "pauses",
    "ventricular tachycardia",
    "ventricular flutter",
    "ventricular fibrillation",
)

CLASSES: Final = {
    one.name: one
    for one in (
        SyntheticClass("normal", "Sinus rhythm, 60 to 100 a minute, normal ST segment and T wave."),
        SyntheticClass("arrhythmia", "Any of the rhythms below that is no sinus rhythm.", _ARRHYTHMIAS),
        # ST and T: clear of the limits of 0.05 mV (depression) and 0.1 mV (elevation, T inversion) of the
        # Fourth universal definition of myocardial infarction, 2018; upper limits are an own choice.
        SyntheticClass(
            "st-depression",
            "ST segment 0.1 to 0.3 mV low: horizontal, downsloping or upsloping.",
            st_mv=(-0.30, -0.10),
            st_shapes=DEPRESSION,
        ),
        SyntheticClass(
            "st-elevation",
            "ST segment 0.15 to 0.5 mV high: convex or concave.",
            st_mv=(0.15, 0.50),
            st_shapes=ELEVATION,
        ),
        SyntheticClass("t-inversion", "T wave 0.15 to 0.5 mV below the baseline.", t_mv=(-0.50, -0.15)),
        SyntheticClass("t-flat", "T wave within 0.03 mV of the baseline.", t_mv=(-0.03, 0.03)),
        SyntheticClass("sinus-tachycardia", "Sinus rhythm, 101 to 160 a minute.", rate_bpm=(101.0, 160.0)),
        SyntheticClass(
            "sinus-bradycardia", "Sinus rhythm, 38 to 57 a minute.", ("bradycardia",), rate_bpm=(38.0, 57.0)
        ),
        SyntheticClass(
            "sinus-arrhythmia",
            "Sinus rhythm whose rate changes much with breathing.",
            rate_bpm=(60.0, 85.0),
            sinus_arrhythmia=0.12,
        ),
        SyntheticClass(
            "atrial-premature", "Sinus rhythm with atrial premature beats.", ("atrial premature",)
        ),
        SyntheticClass(
            "ventricular-premature",
            "Sinus rhythm with ventricular premature beats.",
            ("ventricular premature",),
        ),
        SyntheticClass("bigeminy", "A ventricular premature beat after each sinus beat.", ("bigeminy",)),
        SyntheticClass(
            "trigeminy", "A ventricular premature beat after every two sinus beats.", ("trigeminy",)
        ),
        SyntheticClass(
            "supraventricular-runs", "Runs of 3 to 8 atrial premature beats.", ("supraventricular runs",)
        ),
        SyntheticClass("ventricular-runs", "Runs of 3 to 8 ventricular beats.", ("ventricular runs",)),
        SyntheticClass("atrial-fibrillation", "Irregular beats without P waves.", ("atrial fibrillation",)),
        SyntheticClass("atrial-flutter", "Sawtooth waves, 240 to 340 a minute.", ("atrial flutter",)),
        SyntheticClass(
            "left-bundle-branch-block", "Sinus rhythm, wide QRS complexes to the left.", shape="L"
        ),
        SyntheticClass(
            "right-bundle-branch-block", "Sinus rhythm, wide QRS complexes to the right.", shape="R"
        ),
        SyntheticClass("first-degree-av-block", "PR interval of 230 to 340 ms.", ("first-degree block",)),
        SyntheticClass("wenckebach", "Second-degree AV block: the PR interval grows.", ("wenckebach",)),
        SyntheticClass("mobitz", "Second-degree AV block: single beats are missing.", ("mobitz",)),
        SyntheticClass(
            "complete-av-block", "P waves and a ventricular escape rhythm, unrelated.", ("complete block",)
        ),
        SyntheticClass("pauses", "Sinus rhythm with pauses of 2 to 3.5 s.", ("pauses",)),
        SyntheticClass(
            "ventricular-tachycardia", "Episodes of ventricular tachycardia.", ("ventricular tachycardia",)
        ),
        SyntheticClass("ventricular-flutter", "Episodes of ventricular flutter.", ("ventricular flutter",)),
        SyntheticClass(
            "ventricular-fibrillation", "Episodes of ventricular fibrillation.", ("ventricular fibrillation",)
        ),
    )
}


def synthetic_class(name: str) -> SyntheticClass:
    """Return a class by name.

    Raises
    ------
    SynthesisError
        For an unknown name; the message lists the known ones.
    """
    try:
        return CLASSES[name]
    except KeyError:
        raise SynthesisError(f"unknown class {name!r}. Known: {', '.join(CLASSES)}.") from None
