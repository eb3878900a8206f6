"""The generator of `network.c`: an int8 flatbuffer in, a static schedule of kernel calls out."""
