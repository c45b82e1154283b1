"""What both listeners work with: built once by `gateway.app`, handed in, never imported as a global."""

from dataclasses import dataclass

from aiohttp import web

from gateway.clock import Clock
from gateway.config import Config
from gateway.http.keyring import KeyRing
from gateway.pipeline import Pipeline
from gateway.store import Store
from gateway.telemetry import Telemetry
from gateway.usecases.env import Env


@dataclass(slots=True)
class Services:
    config: Config
    store: Store
    pipeline: Pipeline
    keyring: KeyRing
    env: Env
    clock: Clock
    telemetry: Telemetry
    admin_token: str
    checkpoint_key: bytes


SERVICES = web.AppKey("services", Services)
