"""The gateway: everything with I/O. `README.md` beside this file is the map."""
