"""What the gateway does by itself, behind the calls: one module each, without the listeners."""
