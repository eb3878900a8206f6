"""Classes of beats: WFDB annotation symbols, the network's labels, and three divisions into classes.

The three divisions differ on purpose:

=========  ===============  =============  ================  ==========================================
symbols    training (AAMI)  scoring (bxb)  rhythm rules      reason
=========  ===============  =============  ================  ==========================================
N L R B    N                N              normal
e j n      N                S              normal            Escape beats are N in the table of de
                                                             Chazal et al. (2004), which training is
                                                             compared with. WFDB's bxb counts them as S,
                                                             and scores must equal its own.
A a J S    S                S              supraventricular
V E r      V                V              ventricular
F          F                F              ventricular       Fusion beats are scored apart, but in EC57
                                                             they continue a ventricular run.
/ f Q ?    Q                Q              unclassifiable
!          no beat          O, no beat     unclassifiable    A flutter wave is no beat; bxb keeps it in
                                                             its sequence of beats.
=========  ===============  =============  ================  ==========================================

Training reports S by the first division, the report of a replay by the second: on records with escape beats
the two figures differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

LABELS: Final = ("N", "L", "R", "A", "V")
"""Outputs of the network: normal, left and right bundle branch block, atrial and ventricular premature."""

BEAT_SYMBOLS: Final = tuple("NLRBAaJSVrFejnE/fQ?")
"""Symbols of WFDB annotations that mark a QRS complex (WFDB's own `isqrs`)."""

SYMBOL_UNCLASSIFIABLE: Final = "Q"
"""WFDB's symbol of a beat without a label."""

TRAINING_CLASSES: Final = {"N": "NLRBejn", "S": "AaJS", "V": "VrE", "F": "F", "Q": "/fQ?"}
"""Symbols of each AAMI class as the training's figures count them."""

SCORING_CLASSES: Final = {"N": "NLRB", "S": "aJASjen", "V": "VrE", "F": "F", "Q": "Q/f?", "O": "!"}
"""Symbols of each class as bxb counts them; O: no beat."""

RHYTHM_CLASSES: Final = {
    "normal": "NLRBejn",
    "supraventricular": "AaJS",
    "ventricular": "VrEF",
    "unclassifiable": "/fQ?!",
}
"""Symbols of each class as the device's rhythm rules count them (firmware/lib/ecg_rhythm/src/classes.c)."""


def class_by_symbol(classes: Mapping[str, str]) -> dict[str, str]:
    """Invert one of the divisions: the class of each symbol."""
    return {symbol: name for name, symbols in classes.items() for symbol in symbols}


SCORING_CLASS_OF: Final = class_by_symbol(SCORING_CLASSES)
_TRAINING_CLASS_OF: Final = class_by_symbol(TRAINING_CLASSES)

AAMI_OF_LABEL: Final = {label: _TRAINING_CLASS_OF[label] for label in LABELS}
"""AAMI class of each label of the network."""


def aami_of(symbol: str) -> str:
    """Return the AAMI class, one of N, S, V, F, Q, of a beat annotated `symbol`.

    Raises
    ------
    ValueError
        When `symbol` does not mark a beat.
    """
    try:
        return _TRAINING_CLASS_OF[symbol]
    except KeyError:
        raise ValueError(
            f"{symbol!r} does not mark a beat; beats are marked {' '.join(BEAT_SYMBOLS)}"
        ) from None
