"""Background work of the gateway: one module each, without the listeners."""
