"""The model bundle and its engines, without TensorFlow."""
