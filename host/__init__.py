"""What runs beside the device: link, replay, evaluation, reports, pipeline, command line."""
