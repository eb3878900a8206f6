"""The serial link: messages, frames, client and transports."""
