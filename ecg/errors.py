"""Errors that a user can cause or correct.

Each message states the fault, its place, and what to do. The command line prints it without a traceback
and exits with the class's `exit_code`.

    EcgEdgeError                2
    |- RecordError              2   a record, lead or annotation file that is missing or damaged
    |- SynthesisError           2   a synthetic ECG of an unknown class or with a value outside its range
    |- RecipeError              2   a recipe with an unknown key or a value outside its range
    |- BundleError              2   a model bundle that is incomplete or contradicts itself
    |- OutputError              2   a file or folder that cannot be written, or that another process uses
    |- ToolError                2   a program outside Python that is missing or failed
    |- ComparisonError          1   two engines, or device and reference, that should agree and do not
    `- LinkError                3   the serial line or the device at its end
"""

from __future__ import annotations


class EcgEdgeError(Exception):
    """Base of all errors that are reported without a traceback."""

    exit_code = 2


class RecordError(EcgEdgeError):
    """A record, lead or annotation file is missing or damaged."""


class SynthesisError(EcgEdgeError):
    """A synthetic ECG of an unknown class was requested, or with a value outside its range."""


class RecipeError(EcgEdgeError):
    """A recipe has an unknown key or a value outside its range."""


class BundleError(EcgEdgeError):
    """A model bundle is incomplete, contradicts itself, or does not fit this signal path."""


class OutputError(EcgEdgeError):
    """A file or folder cannot be written, or another process writes there."""


class ToolError(EcgEdgeError):
    """A program outside Python (compiler, QEMU, PlatformIO) is missing or failed."""


class ComparisonError(EcgEdgeError):
    """Engines that must agree on every byte do not, or a figure is below its threshold."""

    exit_code = 1


class LinkError(EcgEdgeError):
    """The serial line, or the device at its end, does not answer as it should."""

    exit_code = 3
