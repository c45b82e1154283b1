"""The gateway: what touches the world. `README.md` beside this file is the map."""
