"""Read a `.tflite` file: tensors, quantization, operators and their options.

Only the `flatbuffers` package is needed, neither TensorFlow nor generated schema classes: fields are found by
their number in TFLite's schema, which the format never changes.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import flatbuffers.encode
import flatbuffers.number_types as nt
import flatbuffers.table
import numpy as np
import numpy.typing as npt

from ecg_edge.ecg.errors import BundleError
from ecg_edge.quantize.codegen.operator_names import BUILTIN_OPERATORS

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

# Options of the operators that have any: name, number in the schema's table, type, default.
_Option = tuple[str, int, Any, Any]
_PADDING: list[_Option] = [("padding", 0, nt.Int8Flags, 0)]
_STRIDE: list[_Option] = [("stride_width", 1, nt.Int32Flags, 1), ("stride_height", 2, nt.Int32Flags, 1)]
_POOL: list[_Option] = [
    *_PADDING,
    *_STRIDE,
    ("filter_width", 3, nt.Int32Flags, 1),
    ("filter_height", 4, nt.Int32Flags, 1),
    ("activation", 5, nt.Int8Flags, 0),
]
OPTION_TABLES: dict[str, list[_Option]] = {
    "CONV_2D": [
        *_PADDING,
        *_STRIDE,
        ("activation", 3, nt.Int8Flags, 0),
        ("dilation_width", 4, nt.Int32Flags, 1),
        ("dilation_height", 5, nt.Int32Flags, 1),
    ],
    "DEPTHWISE_CONV_2D": [
        *_PADDING,
        *_STRIDE,
        ("depth_multiplier", 3, nt.Int32Flags, 0),
        ("activation", 4, nt.Int8Flags, 0),
        ("dilation_width", 5, nt.Int32Flags, 1),
        ("dilation_height", 6, nt.Int32Flags, 1),
    ],
    "MAX_POOL_2D": _POOL,
    "AVERAGE_POOL_2D": _POOL,
    "FULLY_CONNECTED": [("activation", 0, nt.Int8Flags, 0), ("weights_format", 1, nt.Int8Flags, 0)],
    "ADD": [("activation", 0, nt.Int8Flags, 0)],
    "CONCATENATION": [("axis", 0, nt.Int32Flags, 0), ("activation", 1, nt.Int8Flags, 0)],
    "SOFTMAX": [("beta", 0, nt.Float32Flags, 0.0)],
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
    except (struct.error, IndexError, ValueError, TypeError, UnicodeDecodeError) as error:
        raise BundleError(f"{where}: damaged TFLite file ({error}). Make the model again.") from error


class _Table:
    """A flatbuffer table whose fields are read by number; a missing field gives its default."""

    def __init__(self, table: Any) -> None:
        self._table = table

    def _offset(self, number: int) -> int:
        return int(self._table.Offset(4 + 2 * number))

    def scalar(self, number: int, flags: Any, default: Any = 0) -> Any:
        offset = self._offset(number)
        return self._table.Get(flags, self._table.Pos + offset) if offset else default

    def string(self, number: int) -> str:
        offset = self._offset(number)
        return self._table.String(self._table.Pos + offset).decode() if offset else ""

    def table(self, number: int) -> _Table | None:
        offset = self._offset(number)
        return self._at(self._table.Indirect(self._table.Pos + offset)) if offset else None

    def tables(self, number: int) -> list[_Table]:
        offset = self._offset(number)
        if not offset:
            return []
        start = self._table.Vector(offset)
        return [self._at(self._table.Indirect(start + 4 * i)) for i in range(self._table.VectorLen(offset))]

    def union(self, number: int) -> _Table | None:
        offset = self._offset(number)
        if not offset:
            return None
        table = flatbuffers.table.Table(bytearray(), 0)
        self._table.Union(table, offset)
        return _Table(table)

    def vector(self, number: int, dtype: str) -> npt.NDArray[Any]:
        offset = self._offset(number)
        if not offset:
            return np.zeros(0, dtype)
        length = self._table.VectorLen(offset)
        return np.frombuffer(self._table.Bytes, dtype, length, self._table.Vector(offset))

    def _at(self, position: int) -> _Table:
        return _Table(flatbuffers.table.Table(self._table.Bytes, position))


def _root(model: bytes | bytearray) -> _Table:
    position = flatbuffers.encode.Get(nt.UOffsetTFlags.packer_type, model, 0)
    return _Table(flatbuffers.table.Table(model, position))


def _read_model(model: _Table) -> Network:
    buffers = [table.vector(0, "<u1") for table in model.tables(4)]
    codes = [_operator_name(table) for table in model.tables(1)]
    graph = model.tables(2)[0]
    tensors = tuple(_read_tensor(i, table, buffers) for i, table in enumerate(graph.tables(0)))
    operators = tuple(_read_operator(i, table, codes) for i, table in enumerate(graph.tables(3)))
    inputs = tuple(int(i) for i in graph.vector(1, "<i4"))
    outputs = tuple(int(i) for i in graph.vector(2, "<i4"))
    signature = next(iter(model.tables(7)), None)
    return Network(
        tensors,
        operators,
        inputs,
        outputs,
        inputs=_names(inputs, tensors, signature.tables(0) if signature else []),
        outputs=_names(outputs, tensors, signature.tables(1) if signature else []),
    )


def _operator_name(code: _Table) -> str:
    # Codes above 126 did not fit the first version's byte; the larger of the two fields is the code.
    number = max(code.scalar(0, nt.Int8Flags), code.scalar(3, nt.Int32Flags))
    custom = code.string(1)
    if custom:
        return f"CUSTOM {custom}"
    return BUILTIN_OPERATORS[number] if number < len(BUILTIN_OPERATORS) else f"OPERATOR {number}"


def _read_tensor(index: int, table: _Table, buffers: list[npt.NDArray[Any]]) -> Tensor:
    shape = tuple(int(n) for n in table.vector(0, "<i4"))
    dtype = TYPE_NAMES.get(table.scalar(1, nt.Int8Flags), "unsupported type")
    raw = buffers[table.scalar(2, nt.Uint32Flags)]
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
    return Quantization(scales, zero_points, table.scalar(6, nt.Int32Flags))


def _read_operator(index: int, table: _Table, codes: list[str]) -> Operator:
    name = codes[table.scalar(0, nt.Uint32Flags)]
    options = table.union(4)
    return Operator(
        index,
        name,
        tuple(int(i) for i in table.vector(1, "<i4")),
        tuple(int(i) for i in table.vector(2, "<i4")),
        {} if options is None else _read_options(name, options),
    )


def _read_options(name: str, table: _Table) -> dict[str, Any]:
    options = {
        key: table.scalar(number, flags, default)
        for key, number, flags, default in OPTION_TABLES.get(name, [])
    }
    if "activation" in options:
        options["activation"] = ACTIVATIONS[options["activation"]]
    if "padding" in options:
        options["padding"] = PADDINGS[options["padding"]]
    return options


def _names(order: tuple[int, ...], tensors: tuple[Tensor, ...], signature: list[_Table]) -> dict[str, int]:
    by_index = {table.scalar(1, nt.Uint32Flags): table.string(0) for table in signature}
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
