"""Intermediate representation of a network: tables, layers and a schedule of kernel calls."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from ecg_edge.ecg.errors import BundleError
from ecg_edge.quantize.codegen.flatbuffer import LEFT_OUT, Network, Operator, Tensor


class KernelVariant(Enum):
    """A form of the kernels: each gets tables and a schedule of its own in the generated file.

    In the order in which the generated file asks for them; the value is the macro of `ecg_nn/form.h` that is
    defined where the form is compiled. The last form is for every other target.
    """

    HELIUM = "ECG_NN_HELIUM"
    ARM_DSP = "ECG_NN_ARM_DSP"
    UNSIGNED = "ECG_NN_UNSIGNED"
    PORTABLE = ""


@dataclass(frozen=True)
class Channels:
    """Requantization of each output channel: int32 arrays of the same length."""

    bias: npt.NDArray[np.int32]
    multiplier: npt.NDArray[np.int32]
    shift: npt.NDArray[np.int32]

    def records(self) -> Records:
        """As a table of `ecg_nn_channel_t`."""
        return Records("ecg_nn_channel_t", np.stack([self.bias, self.multiplier, self.shift], axis=1))


@dataclass(frozen=True)
class Records:
    """Structs of int32 members: their C type, and the values as (structs, members)."""

    c_type: str
    values: npt.NDArray[np.int32]


@dataclass(frozen=True)
class Table:
    """A constant table: int8, int32 or `Records`, in the order of the elements in memory."""

    name: str
    values: npt.NDArray[np.int8] | npt.NDArray[np.int32] | Records


@dataclass(frozen=True)
class TableRef:
    """A pointer to a table, as the value of a layer's field."""

    name: str


# The fields of a layer's struct: numbers, lists, nested structs, pointers to tables.
FieldValue: TypeAlias = int | TableRef | list[int] | dict[str, int]
Fields: TypeAlias = dict[str, FieldValue]


def number(fields: Fields, name: str) -> int:
    """A field that is a number."""
    value = fields[name]
    assert isinstance(value, int)
    return value


@dataclass(frozen=True)
class Layer:
    """A const struct in the generated file."""

    struct: str
    name: str
    fields: Fields


@dataclass(frozen=True)
class Kernel:
    """One way to run a layer with weights.

    Attributes
    ----------
    function, struct : str
        The kernel, and the C type of its layer.
    fields : Fields
        Of the struct, without the two tables.
    weights : ndarray of int8
        In the order in which the kernel reads them.
    channels : Records
        Requantization.
    scratch_bytes : int
        Memory that the kernel works in.
    places : ndarray of int8, optional
        Of a sparse layer's blocks; `fields` then belong to the struct's member `dense`.
    """

    function: str
    struct: str
    fields: Fields
    weights: npt.NDArray[np.int8]
    channels: Records
    scratch_bytes: int = 0
    places: npt.NDArray[np.int8] | None = None


@dataclass(frozen=True)
class Pointer:
    """Memory that a kernel reads or writes: a tensor of the network, and an offset in bytes."""

    tensor: int
    offset: int = 0


@dataclass(frozen=True)
class Call:
    """One kernel call: `kernel(&layer, pointers...)`, inputs first, output last.

    A kernel that works in `scratch_bytes` of memory gets a pointer to them after the output.
    """

    kernel: str
    layer: Layer
    pointers: tuple[Pointer, ...]
    scratch_bytes: int = 0


@dataclass(frozen=True)
class Step:
    """One operator of the network; no calls when its output is its input under another shape."""

    operator: Operator
    calls: tuple[Call, ...]
    macs: int = 0


@dataclass
class Program:
    """A network lowered for one form of the kernels.

    Attributes
    ----------
    sparse : frozenset of int
        Indices of the operators that take the sparse form where there is one for them.
    alias : dict of int to int
        Tensors that share the memory of another one (reshapes).
    """

    network: Network
    form: KernelVariant = KernelVariant.PORTABLE
    sparse: frozenset[int] = frozenset()
    steps: list[Step] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    alias: dict[int, int] = field(default_factory=dict)

    def root(self, tensor: int) -> int:
        """The tensor whose memory holds this one."""
        while tensor in self.alias:
            tensor = self.alias[tensor]
        return tensor

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one run."""
        return sum(step.macs for step in self.steps)

    @property
    def scratch_bytes(self) -> int:
        """Memory that the kernels work in, on the stack of `<name>_run`."""
        return max((call.scratch_bytes for step in self.steps for call in step.calls), default=0)


class UnsupportedError(BundleError):
    """A network has an operator, type, shape or quantization that the generated engine cannot run."""


def refuse(operator: Operator, reason: str) -> UnsupportedError:
    """The error for an operator that cannot be lowered."""
    return UnsupportedError(f"operator {operator.index} ({operator.name}): {reason}. Change the model.")


def require(condition: bool, operator: Operator, reason: str) -> None:
    """Raise the error for an operator unless the condition holds."""
    if not condition:
        raise refuse(operator, reason)


def activation_tensor(network: Network, operator: Operator, index: int) -> Tensor:
    """An int8 tensor with one scale, computed at run time."""
    require(index != LEFT_OUT, operator, "an input is left out that it needs")
    tensor = network.tensors[index]
    require(tensor.data is None, operator, f"its input {tensor.name!r} is constant")
    require(tensor.dtype == "int8", operator, f"tensor {tensor.name!r} is {tensor.dtype}, not int8")
    quantization = tensor.quantization
    require(
        quantization is not None and quantization.scales.size == 1 and float(quantization.scales[0]) > 0,
        operator,
        f"tensor {tensor.name!r} has not one positive scale",
    )
    zero_point = zero_point_of(tensor)
    require(-128 <= zero_point <= 127, operator, f"tensor {tensor.name!r} has the zero point {zero_point}")
    return tensor


def scale_of(tensor: Tensor) -> np.float32:
    """The one scale of an activation tensor."""
    assert tensor.quantization is not None
    scale: np.float32 = tensor.quantization.scales[0]
    return scale


def zero_point_of(tensor: Tensor) -> int:
    """The one zero point of an activation tensor."""
    assert tensor.quantization is not None
    return int(tensor.quantization.zero_points[0])


def same_quantization(a: Tensor, b: Tensor) -> bool:
    """Return True if two activation tensors have the same scale and zero point."""
    return bool(scale_of(a) == scale_of(b)) and zero_point_of(a) == zero_point_of(b)


def constant(network: Network, operator: Operator, index: int, what: str) -> npt.NDArray[np.int32]:
    """The values of a constant int32 tensor, flat."""
    require(index != LEFT_OUT, operator, f"its {what} are left out")
    tensor = network.tensors[index]
    require(
        tensor.data is not None and tensor.dtype == "int32",
        operator,
        f"its {what} are no constant int32 tensor",
    )
    assert tensor.data is not None
    return np.asarray(tensor.data, np.int32).reshape(-1)
