"""`ecg-edge update`: new firmware for an ESP32 by Bluetooth, and the key that signs it."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path
from typing import Annotated, Final

import typer

from ecg_edge.ecg.errors import ToolError
from ecg_edge.ecg.files import write_json
from ecg_edge.host.cli import console, lazy, options
from ecg_edge.host.devices.images import describe_file
from ecg_edge.host.link.update import send_image

app = typer.Typer(
    help="Send new firmware to an ESP32 by Bluetooth, and make the key that signs it.",
    no_args_is_help=True,
    add_completion=False,
    context_settings=lazy.CONTEXT,
    epilog=console.examples("ecg-edge update send firmware-esp32c3/firmware.bin"),
)

_IMAGE_MAGIC: Final = b"\xe9"
KeyOption = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Private key. Else the one in ~/.config/ecg-edge.")
]


@app.command("key", epilog=console.examples("ecg-edge update key"))
def key(
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="Where to write. Else in ~/.config/ecg-edge.")
    ] = None,
    json: options.JsonOption = None,
) -> None:
    """Make a key that signs updates; `build` and `flash` put its public part into the firmware.

    Keep the file: a device takes updates of the key that it was built with, and of no other.
    """
    from ecg_edge.host.devices.update_key import create_key, public_bytes  # late: needs the extra `update`

    path = file or options.own_update_key()
    made = create_key(path)
    console.out.print(f"{path}", markup=False)
    console.note(
        f"Public key {public_bytes(made).hex()[:16]}...: `ecg-edge flash` writes it to a device, once by USB."
    )
    if json:
        write_json(json, {"file": path, "public_key": public_bytes(made).hex()})


@app.command("send", epilog=console.examples("ecg-edge update send firmware.bin --address 24:0A:C4:00:11:22"))
def send(
    image: Annotated[
        Path, typer.Argument(metavar="IMAGE", help="The image, firmware.bin of the board's environment.")
    ],
    key: KeyOption = None,
    address: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Bluetooth address. Else the first device found.")
    ] = None,
    json: options.JsonOption = None,
) -> None:
    """Send new firmware to an ESP32 by Bluetooth; take the electrodes off first.

    The device keeps it after a minute without a reset and with a self-test that passed. A connection that
    breaks is made again, and the update goes on where it was.
    """
    from ecg_edge.host.devices.update_key import load_key, sign  # late: needs the extra `update`
    from ecg_edge.host.link.bluetooth import connect

    content = _image(image)
    digest = hashlib.sha256(content)
    signature = sign(load_key(key or options.own_update_key()), digest.digest())
    with console.progress_bar("bytes") as bar:
        task = bar.add_task("Sending", total=len(content), note="")
        asyncio.run(
            send_image(
                lambda: connect(address), content, signature, lambda done: bar.update(task, completed=done)
            )
        )
    console.out.print(
        f"{image}: sent, {len(content):,} bytes. The device starts it now, and keeps it after a minute.",
        markup=False,
    )
    if json:
        write_json(json, {"image": image, "bytes": len(content), "sha256": digest.hexdigest()})


def _image(path: Path) -> bytes:
    """Read an image; a file that esptool did not write is refused."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ToolError(f"{path}: cannot be read ({error.strerror}).") from None
    if not content.startswith(_IMAGE_MAGIC):
        raise ToolError(
            f"{path}: {describe_file(path)}; an update is firmware.bin of `ecg-edge build` for an ESP32."
        )
    return content
