"""What the STM32's sampling writes into registers, on registers in memory: no emulator here has that ADC."""

from __future__ import annotations

import ctypes
import subprocess
from pathlib import Path

import pytest

from tests.support.device_c import WARNINGS, include_options

HARNESS = """
#include "boards/stm32f405/registers.h"
static rcc_t rcc;
static adc_t adc;
static adc_common_t adc_common;
static gpio_t port;
static systick_t systick;
#undef RCC
#define RCC (&rcc)
#undef ADC1
#define ADC1 (&adc)
#undef ADC_COMMON
#define ADC_COMMON (&adc_common)
#undef GPIOC
#define GPIOC (&port)
#undef SYSTICK
#define SYSTICK (&systick)
#include "boards/stm32f405/ecg_adc.c"

void begin(uint32_t *adcpre, uint32_t *sampling_time);
void begin(uint32_t *adcpre, uint32_t *sampling_time) {
    ecg_adc_start();
    *adcpre = adc_common.CCR >> 16 & 3u;
    *sampling_time = adc.SMPR2 >> (3u * BOARD_ECG_ADC_CHANNEL) & 7u;
}
"""
SAMPLING_CYCLES = (3, 15, 28, 56, 84, 112, 144, 480)  # RM0090, ADC_SMPR2
CONVERSION_CYCLES = 12
MOST_HZ = 36_000_000  # data sheet of the STM32F405, ADC characteristics, supply of 2.4 V and more


@pytest.mark.parametrize("bus_hz", [84_000_000, 16_000_000])
def test_the_adc_is_not_clocked_beyond_its_limit(project_root: Path, tmp_path: Path, bus_hz: int) -> None:
    (tmp_path / "harness.c").write_text(HARNESS)
    source, library = project_root / "firmware/src", tmp_path / "adc.so"
    options = [*WARNINGS, "-shared", "-fPIC", f"-I{source}", f"-I{source}/boards/stm32f405"]
    options += include_options("ecg_core", "ecg_store")
    files = [tmp_path / "harness.c", source / "sample_gaps.c"]
    subprocess.run(["gcc", *options, "-o", str(library), *map(str, files)], check=True)
    adcpre, sampling_time = ctypes.c_uint32(), ctypes.c_uint32()
    ctypes.CDLL(str(library)).begin(ctypes.byref(adcpre), ctypes.byref(sampling_time))
    adc_hz = bus_hz / (2 * (adcpre.value + 1))
    cycles = SAMPLING_CYCLES[sampling_time.value] + CONVERSION_CYCLES
    assert adc_hz <= MOST_HZ
    assert 20e-6 < cycles / adc_hz < 200e-6
