"""The main job and its cached stages."""
