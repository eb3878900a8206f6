"""Write the model bundle: flatbuffer, manifest, golden vectors, C and model card."""
