"""The shipped benchmark: real processes, alternating rounds, ratios first. `command.run` is the entry. The server never imports
this package. This file stays empty, so that a load process starts quickly."""
