"""The command line. While it is imported, Ctrl-C ends the program without a traceback, as it does later."""

import os
import signal
import sys
from pathlib import Path

EXIT_INTERRUPTED = 130


def end_import(*_: object) -> None:
    """Handler of SIGINT during the imports, which have nothing to undo."""
    os._exit(EXIT_INTERRUPTED)


def interrupt_normally() -> None:
    """End the time of the imports: from here on, Ctrl-C raises KeyboardInterrupt."""
    if signal.getsignal(signal.SIGINT) is end_import:
        signal.signal(signal.SIGINT, signal.default_int_handler)


_words = sys.orig_argv[1:3]  # not sys.argv, which worker processes inherit
_is_program = _words == ["-m", f"{__name__}.main"] or [Path(word).stem for word in _words[:1]] == ["ecg-edge"]
if _is_program and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, end_import)
