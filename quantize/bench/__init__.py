"""Measure the generated engine on emulated cores: instructions, bytes of code and memory, the bits."""
