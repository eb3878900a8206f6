"""Open a port: a serial device, a socket, or a device that this computer starts.

    with open_transport("/dev/ttyUSB0") as transport: ...

The table in `ecg_edge.host.link.transports` lists the ports.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ecg_edge.ecg.errors import LinkError
from ecg_edge.firmware import fingerprint
from ecg_edge.host.devices.emulator import emulator, native_device
from ecg_edge.host.devices.pico import pico_emulator
from ecg_edge.host.devices.simulator import simulator, simulator_info, with_morphology
from ecg_edge.host.link.transports import DEFAULT_BAUD, Transport, connect, port_kind
from ecg_edge.host.reference.morphology import reference_morphology
from ecg_edge.quantize.bundle.engines import reference_engine
from ecg_edge.quantize.bundle.manifest import Bundle


@contextmanager
def open_transport(
    port: str, baud: int = DEFAULT_BAUD, bundle: Bundle | None = None, morphology: Bundle | None = None
) -> Iterator[Transport]:
    """Open `port` (see the table above) and close it at the end.

    Parameters
    ----------
    port : str
        As in the table above.
    baud : int
        Speed of a serial device, in bits per second.
    bundle, morphology : Bundle, optional
        Models of a simulated device.

    Raises
    ------
    LinkError
        When the port cannot be opened.
    ToolError
        When the emulator, or the firmware image it needs, is missing.
    """
    with ExitStack() as stack:
        if port == "simulator":
            yield stack.enter_context(_simulated(bundle, morphology))
        else:
            transport = connect(stack.enter_context(_device(port)), baud)
            stack.callback(transport.close)
            yield transport


@contextmanager
def _device(port: str) -> Iterator[str]:
    """Start the device that `port` names, where it is one of this computer's own; give its address."""
    kind, image = port_kind(port), port.partition(":")[2]
    if kind == "emulator":
        with emulator(Path(image) if image else None) as address:
            yield address
    elif kind == "pico":
        with pico_emulator(Path(image) if image else None) as address:
            yield address
    elif kind == "native":
        with native_device(Path(image) if image else None) as address:
            yield address
    else:
        yield port


@contextmanager
def _simulated(bundle: Bundle | None, morphology: Bundle | None) -> Iterator[Transport]:
    """A device in Python that holds one or two models."""
    if bundle is None:
        raise LinkError("The simulator needs a model: name a bundle with --model.")
    engine = reference_engine(bundle)
    manifest = bundle.manifest
    info = simulator_info(manifest.model_sha256, fingerprint(), manifest.labels, engine.name)
    second = reference_morphology(morphology) if morphology else None
    if morphology:
        info = with_morphology(info, morphology.manifest)
    with simulator(info, engine, morphology=second) as transport:
        yield transport
