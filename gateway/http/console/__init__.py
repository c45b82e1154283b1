"""The console: pages for operators, drawn by the server under `/console/` of the admin listener. Each page calls the handlers of
the admin API, so both give the same answer."""

from gateway.http.console.routes import add_console

__all__ = ["add_console"]
