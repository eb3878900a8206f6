"""What a beat is called: WFDB annotation symbols, the network's five classes, AAMI's five classes."""

from __future__ import annotations

from typing import Final

# The network's outputs: normal, left and right bundle branch block, atrial and ventricular premature beat.
LABELS: Final = ("N", "L", "R", "A", "V")

# Symbols of WFDB annotations that mark a QRS complex (WFDB's own `isqrs`).
BEAT_SYMBOLS: Final = tuple("NLRBAaJSVrFejnE/fQ?")

# ANSI/AAMI EC57: supraventricular escape beats count as N, R-on-T and ventricular escape beats as V.
_AAMI_SYMBOLS: Final = {"N": "NLRBejn", "S": "AaJS", "V": "VrE", "F": "F", "Q": "/fQ?"}
_AAMI_OF: Final = {symbol: aami for aami, symbols in _AAMI_SYMBOLS.items() for symbol in symbols}

# The same classes seen from the network's outputs.
AAMI_OF_LABEL: Final = {"N": "N", "L": "N", "R": "N", "A": "S", "V": "V"}


def label_of(symbol: str) -> int | None:
    """Index in `LABELS` of a beat annotated `symbol`, or None for a beat outside the five classes."""
    return LABELS.index(symbol) if symbol in LABELS else None


def aami_of(symbol: str) -> str:
    """AAMI class, one of N, S, V, F, Q, of a beat annotated `symbol`.

    Raises
    ------
    ValueError
        When `symbol` does not mark a beat.
    """
    try:
        return _AAMI_OF[symbol]
    except KeyError:
        raise ValueError(
            f"{symbol!r} does not mark a beat; beats are marked {' '.join(BEAT_SYMBOLS)}"
        ) from None
