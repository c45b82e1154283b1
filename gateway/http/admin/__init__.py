"""The admin listener: operators' JSON API under `/admin/v1/`, health and metrics. The command line is a client of this API, so
both can do the same."""

from gateway.http.admin.application import build

__all__ = ["build"]
