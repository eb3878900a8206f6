"""The bridge to an MQTT broker: a live session as messages, kept on disk until the broker has them.

outbox = Outbox(folder / "outbox.sqlite")
with Publisher(Broker.of("mqtt://localhost"), Topics("ward3"), outbox) as publisher:
    Bridge(source, outbox, publisher).run(stop)
"""
