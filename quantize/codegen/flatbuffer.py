"""Read a `.tflite` file: tensors, quantization, operators and their options.

Neither TensorFlow nor generated schema classes are needed: fields are found by their number in TFLite's
schema, which the format never changes. Every read is checked against the end of the file, and every number
that is later an index, a size or a scale against its range: the rest of the generator relies on it.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from ecg_edge.ecg.errors import BundleError
from ecg_edge.quantize.codegen.operator_names import BUILTIN_OPERATORS

Item = TypeVar("Item")

MAX_ELEMENTS = (1 << 31) - 1  # of a tensor: the generated C counts in int32
LEFT_OUT = -1  # index of an optional input that an operator does without
FILE_IDENTIFIER = b"TFL3"
TYPE_NAMES = {
    0: "float32",
    1: "float16",
    2: "int32",
    3: "uint8",
    4: "int64",
    6: "bool",
    7: "int16",
    9: "int8",
}
ACTIVATIONS = ("NONE", "RELU", "RELU_N1_TO_1", "RELU6", "TANH", "SIGN_BIT")
PADDINGS = ("SAME", "VALID")

# Options of the operators that have any: name, number in the schema's table, type as in `struct`, default.
_Option = tuple[str, int, str, Any]
_PADDING: list[_Option] = [("padding", 0, "<b", 0)]
_STRIDE: list[_Option] = [("stride_width", 1, "<i", 1), ("stride_height", 2, "<i", 1)]
_POOL: list[_Option] = [
    *_PADDING,
    *_STRIDE,
    ("filter_width", 3, "<i", 1),
    ("filter_height", 4, "<i", 1),
    ("activation", 5, "<b", 0),
]
OPTION_TABLES: dict[str, list[_Option]] = {
    "CONV_2D": [
        *_PADDING,
        *_STRIDE,
        ("activation", 3, "<b", 0),
        ("dilation_width", 4, "<i", 1),
        ("dilation_height", 5, "<i", 1),
    ],
    "DEPTHWISE_CONV_2D": [
        *_PADDING,
        *_STRIDE,
        ("depth_multiplier", 3, "<i", 0),
        ("activation", 4, "<b", 0),
        ("dilation_width", 5, "<i", 1),
        ("dilation_height", 6, "<i", 1),
    ],
    "MAX_POOL_2D": _POOL,
    "AVERAGE_POOL_2D": _POOL,
    "FULLY_CONNECTED": [("activation", 0, "<b", 0), ("weights_format", 1, "<b", 0)],
    "ADD": [("activation", 0, "<b", 0)],
    "CONCATENATION": [("axis", 0, "<i", 0), ("activation", 1, "<b", 0)],
    "SOFTMAX": [("beta", 0, "<f", 0.0)],
}


@dataclass(frozen=True)
class Quantization:
    """Affine quantization: real value = scale * (q - zero_point), per tensor or along `axis`.

    Attributes
    ----------
    scales : float32 array, (n,)
    zero_points : int64 array, (n,)
    axis : int
        Dimension the scales belong to, when there are several.
    """

    scales: npt.NDArray[np.float32]
    zero_points: npt.NDArray[np.int64]
    axis: int


@dataclass(frozen=True)
class Tensor:
    """A tensor of the graph; `data` is None unless it is constant."""

    index: int
    name: str
    shape: tuple[int, ...]
    dtype: str
    quantization: Quantization | None
    data: npt.NDArray[Any] | None

    @property
    def elements(self) -> int:
        """Number of elements."""
        return int(np.prod(self.shape, dtype=np.int64))


@dataclass(frozen=True)
class Operator:
    """One operator; an input of -1 is an optional one left out."""

    index: int
    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: dict[str, Any]


@dataclass(frozen=True)
class Network:
    """The main graph of a `.tflite` file.

    Attributes
    ----------
    inputs, outputs : dict of str to int
        Tensor indices by name, sorted by name. Names come from the file's signature, or else from the tensors
        ("serving_default_beat:0" is "beat").
    input_order, output_order : tuple of int
        The same tensors in the file's own order, by which interpreters number them.
    """

    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    input_order: tuple[int, ...]
    output_order: tuple[int, ...]
    inputs: dict[str, int] = field(default_factory=dict)
    outputs: dict[str, int] = field(default_factory=dict)

    @property
    def input_names(self) -> list[str]:
        """Names of the inputs in the file's own order."""
        by_index = {index: name for name, index in self.inputs.items()}
        return [by_index[index] for index in self.input_order]


def read_network(path: Path) -> Network:
    """Read a `.tflite` file.

    Raises
    ------
    BundleError
        When the file is missing, is no TFLite flatbuffer, or is damaged.
    """
    try:
        return parse_network(path.read_bytes(), str(path))
    except FileNotFoundError:
        raise BundleError(f"{path}: not found. Make a model with `ecg-edge quantize`.") from None


def parse_network(model: bytes | bytearray, where: str = "model") -> Network:
    """Read a network from the bytes of a `.tflite` file; `where` names it in error messages.

    The constant tensors are views of the bytes.
    """
    if model[4:8] != FILE_IDENTIFIER:
        raise BundleError(
            f"{where}: not a TFLite file (no {FILE_IDENTIFIER.decode()} at byte 4). Give a .tflite file."
        )
    try:
        return _read_model(_root(model))
    except ValueError as error:
        raise BundleError(f"{where}: damaged TFLite file ({error}). Make the model again.") from error


class _Table:
    """A flatbuffer table whose fields are read by number; a missing field gives its default."""

    def __init__(self, data: bytes | bytearray, position: int) -> None:
        self._data, self._position = data, position

    def _read(self, position: int, code: str) -> Any:
        self._require(position, struct.calcsize(code))
        return struct.unpack_from(code, self._data, position)[0]

    def _require(self, position: int, size: int) -> None:
        if not 0 <= position <= len(self._data) - size:
            raise ValueError(f"{size} bytes at {position} are beyond the file's {len(self._data)}")

    def _field(self, number: int) -> int | None:
        """Position of a field, or None where it is missing."""
        fields = self._position - self._read(self._position, "<i")
        entry = 4 + 2 * number
        offset = self._read(fields + entry, "<H") if entry + 2 <= self._read(fields, "<H") else 0
        return self._position + offset if offset else None

    def _target(self, position: int) -> int:
        """Position that the offset at `position` points to."""
        return position + int(self._read(position, "<I"))

    def _vector(self, number: int, item_bytes: int) -> tuple[int, int]:
        """Position of the first item, and number of items."""
        field = self._field(number)
        if field is None:
            return 0, 0
        start = self._target(field)
        length = int(self._read(start, "<I"))
        self._require(start + 4, length * item_bytes)
        return start + 4, length

    def scalar(self, number: int, code: str, default: Any = 0) -> Any:
        field = self._field(number)
        return default if field is None else self._read(field, code)

    def string(self, number: int) -> str:
        start, length = self._vector(number, 1)
        return bytes(self._data[start : start + length]).decode()

    def table(self, number: int) -> _Table | None:
        field = self._field(number)
        return None if field is None else _Table(self._data, self._target(field))

    def tables(self, number: int) -> list[_Table]:
        start, length = self._vector(number, 4)
        return [_Table(self._data, self._target(start + 4 * i)) for i in range(length)]

    def vector(self, number: int, dtype: str) -> npt.NDArray[Any]:
        start, length = self._vector(number, np.dtype(dtype).itemsize)
        return np.frombuffer(self._data, dtype, length, start) if length else np.zeros(0, dtype)


def _root(model: bytes | bytearray) -> _Table:
    return _Table(model, _Table(model, 0)._target(0))


def _read_model(model: _Table) -> Network:
    buffers = [table.vector(0, "<u1") for table in model.tables(4)]
    codes = [_operator_name(table) for table in model.tables(1)]
    graphs = model.tables(2)
    if not graphs:
        raise ValueError("no graph")
    graph = graphs[0]
    tensors = tuple(_read_tensor(i, table, buffers) for i, table in enumerate(graph.tables(0)))
    operators = tuple(_read_operator(i, table, codes) for i, table in enumerate(graph.tables(3)))
    inputs = tuple(int(i) for i in graph.vector(1, "<i4"))
    outputs = tuple(int(i) for i in graph.vector(2, "<i4"))
    signature = next(iter(model.tables(7)), None)
    _check_graph(tensors, operators, inputs, outputs)
    return Network(
        tensors,
        operators,
        inputs,
        outputs,
        inputs=_names(inputs, tensors, signature.tables(0) if signature else []),
        outputs=_names(outputs, tensors, signature.tables(1) if signature else []),
    )


def _check_graph(
    tensors: tuple[Tensor, ...],
    operators: tuple[Operator, ...],
    inputs: tuple[int, ...],
    outputs: tuple[int, ...],
) -> None:
    """Check that every operator reads what is constant, an input, or written by an operator before it."""
    if not (inputs and outputs and operators):
        raise ValueError("no inputs, outputs or operators")
    written = set(inputs) | {tensor.index for tensor in tensors if tensor.data is not None}
    for operator in operators:
        missing = {index for index in operator.inputs if index != LEFT_OUT} - written
        again = written.intersection(operator.outputs) or len(set(operator.outputs)) < len(operator.outputs)
        if missing or again or not operator.outputs:
            raise ValueError(f"operator {operator.index} reads or writes tensors out of turn")
        if not set(operator.outputs) <= set(range(len(tensors))):
            raise ValueError(f"operator {operator.index} writes a tensor that is not in the file")
        written.update(operator.outputs)
    if not set(inputs) <= set(range(len(tensors))) or not set(outputs) <= written:
        raise ValueError("an input or output is not a tensor of the graph")


def _operator_name(code: _Table) -> str:
    # Codes above 126 did not fit the first version's byte; the larger of the two fields is the code.
    number = max(code.scalar(0, "<b"), code.scalar(3, "<i"))
    custom = code.string(1)
    if custom:
        return f"CUSTOM {custom}"
    return BUILTIN_OPERATORS[number] if 0 <= number < len(BUILTIN_OPERATORS) else f"OPERATOR {number}"


def _read_tensor(index: int, table: _Table, buffers: list[npt.NDArray[Any]]) -> Tensor:
    shape = tuple(int(n) for n in table.vector(0, "<i4"))
    dtype = TYPE_NAMES.get(table.scalar(1, "<b"), "unsupported type")
    if min(shape, default=1) < 1 or math.prod(shape) > MAX_ELEMENTS:
        raise ValueError(f"tensor {index} has shape {shape}")
    raw = _item(buffers, table.scalar(2, "<I"), "buffer")
    data = None
    if raw.size and dtype != "unsupported type":
        data = raw.view(np.dtype(dtype).newbyteorder("<")).reshape(shape)
    return Tensor(index, table.string(3), shape, dtype, _read_quantization(table.table(4)), data)


def _read_quantization(table: _Table | None) -> Quantization | None:
    if table is None:
        return None
    scales = table.vector(2, "<f4")
    if not scales.size:
        return None
    zero_points = table.vector(3, "<i8")
    if not zero_points.size:
        zero_points = np.zeros(scales.size, np.int64)
    if zero_points.size != scales.size or not np.all(np.isfinite(scales) & (scales > 0)):
        raise ValueError("a quantization is not one of positive scales with a zero point each")
    return Quantization(scales, zero_points, table.scalar(6, "<i"))


def _read_operator(index: int, table: _Table, codes: list[str]) -> Operator:
    name = _item(codes, table.scalar(0, "<I"), "operator code")
    options = table.table(4)
    return Operator(
        index,
        name,
        tuple(int(i) for i in table.vector(1, "<i4")),
        tuple(int(i) for i in table.vector(2, "<i4")),
        _read_options(name, options),
    )


def _read_options(name: str, table: _Table | None) -> dict[str, Any]:
    options = {
        key: default if table is None else table.scalar(number, code, default)
        for key, number, code, default in OPTION_TABLES.get(name, [])
    }
    if "activation" in options:
        options["activation"] = _item(ACTIVATIONS, options["activation"], "activation")
    if "padding" in options:
        options["padding"] = _item(PADDINGS, options["padding"], "padding")
    sizes = [key for key in options if key.startswith(("stride", "dilation", "filter"))]
    if any(options[key] < 1 for key in sizes):
        raise ValueError(f"options of {name} are {options}")
    return options


def _item(items: Sequence[Item], place: int, what: str) -> Item:
    if not 0 <= place < len(items):
        raise ValueError(f"{what} {place} of {len(items)}")
    return items[place]


def _names(order: tuple[int, ...], tensors: tuple[Tensor, ...], signature: list[_Table]) -> dict[str, int]:
    by_index = {table.scalar(1, "<I"): table.string(0) for table in signature}
    named = {c_name(by_index.get(i) or tensors[i].name): i for i in order}
    # Macros of the generated header hold the names in upper case.
    if len({name.upper() for name in named}) != len(order):
        raise ValueError(f"two tensors of the interface have the same name: {sorted(named)}")
    return dict(sorted(named.items()))


def c_name(tensor_name: str) -> str:
    """A tensor's name as a C identifier: "serving_default_beat:0" becomes "beat"."""
    name = tensor_name.removeprefix("serving_default_").split(":")[0].rsplit("/", 1)[-1]
    name = "".join(letter if letter.isalnum() and letter.isascii() else "_" for letter in name)
    return name if name and not name[0].isdigit() else f"t_{name}"
