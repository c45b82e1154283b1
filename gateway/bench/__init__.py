"""The shipped benchmark: real processes, alternating rounds, ratios first. `command.run` is the entry; the
server never imports this package, and this file stays empty so that a load process starts quickly."""
