"""Draws the wiring of each board from the pins in its C sources, and where the electrodes go.

python docs/images/draw_wiring.py
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple
from xml.sax.saxutils import escape

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs/images"
BOARDS = ROOT / "firmware/src/boards"

_WIDTH, _HEIGHT = 560, 528
_MODULE_X, _BOARD_X, _TOP, _ROW = 150, 350, 70, 38
_BOX = 328  # height of module and board

# What is printed beside a pin; a pin without an entry stops the drawing.
_FEATHER = {"PA4": "A0", "PC2": "D12", "PC3": "D11", "PB6": "SCL", "PB7": "SDA", "PB8": "D9"}
_PICO = {0: 1, 1: 2, 20: 26, 21: 27, 22: 29, 26: 31}  # number of GPx's pin on the edge of the board


class Wiring(NamedTuple):
    """Pins of a board, as its drawing names them.

    Attributes
    ----------
    name : str
        Board.
    ground, supply, output, lo_plus, lo_minus : str
        Pins that the AD8232 module is wired to.
    led, buzzer : str
        Pins of the LED and of a piezo buzzer, whose other wire is at GND.
    tx, rx : str or None
        Pins for a USB-serial adapter; None: the board's own USB connector has the serial line.
    battery : str
        What supplies the board, and where.
    """

    name: str
    ground: str
    supply: str
    output: str
    lo_plus: str
    lo_minus: str
    led: str
    buzzer: str
    tx: str | None
    rx: str | None
    battery: str


def macros(path: str) -> dict[str, str]:
    """Return the macros of a file below `firmware/src/boards`; of several definitions the first."""
    text = (BOARDS / path).read_text(encoding="utf-8")
    return dict(reversed(re.findall(r"(?m)^#define (\w+) +(\w+)", text)))


def stm32f405() -> Wiring:
    """Pins of the Feather STM32F405."""
    found = macros("stm32f405/pins.h")
    number = {name: int(value.rstrip("u")) for name, value in found.items() if re.fullmatch(r"\d+u?", value)}
    port = found["BOARD_LO_PORT"][-1]
    serial = ("PB6", "PB7") if number["BOARD_USART1_ON_PORT_B"] else ("PA9", "PA10")

    def pin(name: str) -> str:
        return f"{_FEATHER[name]} ({name})"

    return Wiring(
        "Feather STM32F405",
        "GND",
        "3V",
        pin(f"PA{number['BOARD_ECG_PIN']}"),
        pin(f"P{port}{number['BOARD_LO_PLUS_PIN']}"),
        pin(f"P{port}{number['BOARD_LO_MINUS_PIN']}"),
        f"P{found['BOARD_LED_PORT'][-1]}{number['BOARD_LED_PIN']} (on it)",
        pin(f"PB{macros('stm32f405/tone.c')['PIN'].rstrip('u')}"),
        pin(serial[0]),
        pin(serial[1]),
        "lithium cell at the battery connector",
    )


def pico() -> Wiring:
    """Pins of the Raspberry Pi Pico."""
    number = {
        name: int(value.rstrip("u")) for name, value in macros("rp2040/pins.h").items() if "PIN" in name
    }

    def pin(name: str) -> str:
        return f"GP{number[name]} (pin {_PICO[number[name]]})"

    return Wiring(
        "Raspberry Pi Pico",
        "AGND (pin 33)",
        "3V3 OUT (pin 36)",
        pin("BOARD_ECG_PIN"),
        pin("BOARD_LO_PLUS_PIN"),
        pin("BOARD_LO_MINUS_PIN"),
        f"GP{number['BOARD_LED_PIN']} (on it)",
        pin("BOARD_BUZZER_PIN"),
        None,
        None,
        "USB: power bank, or laptop on battery",
    )


def esp32(chip: str, name: str) -> Wiring:
    """Pins of a DevKit, from the part of pins.h for its chip."""
    text = (BOARDS / "esp32/pins.h").read_text(encoding="utf-8")
    part = re.split(r"(?m)^#(?:if|elif|else|endif)\b", text.split(f"CONFIG_IDF_TARGET_{chip}\n")[1])[0]
    gpio = dict(re.findall(r"(?m)^#define PINS_(\w+) GPIO_NUM_(\d+)", part))
    output = re.findall(r"PINS_ECG_CHANNEL ADC_CHANNEL_\d+ /\* GPIO(\d+) \*/", part)[0]
    return Wiring(
        name,
        "GND",
        "3V3",
        f"GPIO{output}",
        f"GPIO{gpio['LO_PLUS']}",
        f"GPIO{gpio['LO_MINUS']}",
        f"GPIO{gpio['LED']}",
        f"GPIO{gpio['BUZZER']}",
        None,
        None,
        "USB: power bank, or laptop on battery",
    )


WIRINGS = {
    "stm32f405": stm32f405,
    "pico": pico,
    "esp32dev": partial(esp32, "ESP32", "ESP32 DevKit"),
    "esp32s3": partial(esp32, "ESP32S3", "ESP32-S3 DevKit"),
    "esp32c3": partial(esp32, "ESP32C3", "ESP32-C3 DevKit"),
}


# ---- drawings: dark ink on paper of their own, which both colour schemes of the site show ---------------


def _start(width: int, height: int, label: str) -> list[str]:
    return [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{escape(label)}">',
        "<style>text{font:18px sans-serif;fill:#1b2430}.name{font-weight:bold;text-anchor:middle}"
        ".end{text-anchor:end}.mid{text-anchor:middle}.small{font-size:16px}.wire{fill:none;stroke-width:3}"
        ".box{fill:#eef3fb;stroke:#335;stroke-width:2}.warn{fill:#a3161f;font-weight:bold;text-anchor:middle}</style>",
        f'<rect width="{width}" height="{height}" rx="8" fill="#fff"/>',
    ]


def _text(x: float, y: float, text: str, kind: str = "") -> str:
    return f'<text x="{x:g}" y="{y:g}" class="{kind}">{escape(text)}</text>'


def _wires(wiring: Wiring) -> Iterator[str]:
    """Draw a line for each wire between module and board, with the name of the pin at each end."""
    rows = [
        ("3.3V", wiring.supply, "#c0392b", "none"),
        ("GND", wiring.ground, "#222", "none"),
        ("OUTPUT", wiring.output, "#1b5fa8", "none"),
        ("LO+", wiring.lo_plus, "#b8860b", "9 4"),
        ("LO-", wiring.lo_minus, "#6b4c9a", "3 4"),
    ]
    for row, (at_module, at_board, colour, dashes) in enumerate(rows):
        y = _TOP + 50 + _ROW * row
        path = f"M{_MODULE_X},{y} H{_BOARD_X}"
        yield f'<path class="wire" d="{path}" stroke="{colour}" stroke-dasharray="{dashes}"/>'
        yield _text(_MODULE_X - 8, y + 6, at_module, "end")
        yield _text(_BOARD_X + 8, y + 6, at_board)
    yield _text(_MODULE_X - 8, _TOP + 56 + _ROW * 5, "SDN", "end")
    yield _text(_MODULE_X + 8, _TOP + 56 + _ROW * 5, "not connected", "small")


def wiring_image(wiring: Wiring) -> str:
    """Return the drawing of a board's wiring."""
    parts = _start(
        _WIDTH, _HEIGHT, f"Wiring of the AD8232 module to the {wiring.name}; the page lists the pins"
    )
    parts += [
        f'<rect class="box" x="15" y="{_TOP - 40}" width="{_MODULE_X - 15}" height="{_BOX}" rx="8"/>',
        f'<rect class="box" x="{_BOARD_X}" y="{_TOP - 40}" width="195" height="{_BOX}" rx="8"/>',
        _text((15 + _MODULE_X) / 2, _TOP - 12, "AD8232 module", "name small"),
        _text(_BOARD_X + 98, _TOP - 12, wiring.name, "name"),
        *_wires(wiring),
        _text(_BOARD_X + 8, _TOP + 246, f"LED: {wiring.led}", "small"),
        _text(_BOARD_X + 8, _TOP + 270, f"buzzer: {wiring.buzzer}", "small"),
        _text((15 + _MODULE_X) / 2, _TOP + 16, "plug: RA, LA, RL", "mid small"),
        f'<rect class="box" x="15" y="{_TOP + _BOX}" width="530" height="58" rx="8"/>',
        f'<path class="wire" d="M447,{_TOP + _BOX} V{_TOP + _BOX - 40}" stroke="#c0392b"/>',
        _text(280, _TOP + _BOX + 35, f"Supply: {wiring.battery}", "mid"),
    ]
    if wiring.tx:
        line = f"USB-serial adapter 3.3 V: RX to {wiring.tx}, TX to {wiring.rx}, GND"
    else:
        line = "Serial line: the board's own USB connector"
    parts.append(_text(280, _TOP + _BOX + 88, line, "mid small"))
    parts.append(
        _text(280, _TOP + _BOX + 125, "Never from the mains while electrodes are on a person", "warn")
    )
    return "\n".join([*parts, "</svg>", ""])


def electrodes_image() -> str:
    """Return the drawing of a torso from the front with RA, LA and RL for the leads I and II."""
    parts = _start(
        _WIDTH,
        410,
        "Electrodes on the chest, seen from the front: RA below the right collar bone; LA for "
        "lead I below the left one, for lead II low on the left; RL low on the right",
    )
    for middle, lead, la in ((145, "lead I", (195, 130)), (415, "lead II", (465, 290))):
        left = middle - 145
        parts += [
            f'<path d="M{left + 122},25 v30 q-5,12 -45,18 q-45,8 -50,60 v70 M{left + 168},25 v30 q5,12 45,18 '
            f'q45,8 50,60 v70 M{left + 62},130 q8,90 2,205 M{left + 228},130 q-8,90 -2,205" '
            'fill="none" stroke="#667" stroke-width="3"/>',
            f'<path d="M{left + 132},78 q-35,-4 -58,14 M{left + 158},78 q35,-4 58,14" fill="none" '
            'stroke="#99a" stroke-width="3"/>',
            *_electrode(left + 95, 130, "RA"),
            *_electrode(la[0], la[1], "LA"),
            *_electrode(left + 95, 290, "RL"),
            _text(middle, 372, lead, "name"),
        ]
    parts.append(_text(280, 394, "seen from the front: the person's right side is on the left", "mid small"))
    return "\n".join([*parts, "</svg>", ""])


def _electrode(x: float, y: float, name: str) -> list[str]:
    return [
        f'<circle cx="{x:g}" cy="{y:g}" r="20" fill="#eef3fb" stroke="#1b2430" stroke-width="2"/>',
        _text(x, y + 6, name, "name"),
    ]


def images() -> dict[str, str]:
    """Return every drawing by its file's name."""
    drawn = {f"wiring-{env}.svg": wiring_image(read()) for env, read in WIRINGS.items()}
    return {**drawn, "electrodes.svg": electrodes_image()}


if __name__ == "__main__":
    for name, text in images().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
