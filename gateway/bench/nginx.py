"""The configurations of nginx: as the platform behind a forwarding gateway, and as a reverse proxy in the gateway's place."""

from pathlib import Path

LARGE = "/api/v4.0/integrations/configurations/widget"
LARGE_BYTES = 100 << 20
ANSWER = '{"success":true,"message":"Events processed","requestId":"00000000000000000000000000"}'
ACCESS_LOG = "arrivals.log"


def platform_nginx(directory: Path, port: int) -> str:
    """A short JSON to every call, and a large file at `LARGE`."""
    return _configuration(
        directory,
        port,
        f"""
  log_format arrival '$msec $request_uri';
  access_log {directory}/{ACCESS_LOG} arrival;
  server {{
    listen 127.0.0.1:{port};
    default_type application/json;
    location / {{ access_log off; return 200 '{ANSWER}'; }}
    location ~ /social-challenges$ {{ return 202 '{{}}'; }}
    location = {LARGE} {{ alias {directory}/large; }}
  }}""",
    )


def proxy_nginx(directory: Path, port: int, upstream: int) -> str:
    """Keeps its connections to the upstream, as the gateway does."""
    return _configuration(
        directory,
        port,
        f"""
  access_log off;
  upstream platform {{
    server 127.0.0.1:{upstream};
    keepalive 128;
    keepalive_requests 1000000000;
    keepalive_timeout 1h;
  }}
  server {{
    listen 127.0.0.1:{port};
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    location = /healthz {{ return 200 "ok"; }}
    location / {{ proxy_pass http://platform; }}
  }}""",
    )


def _configuration(directory: Path, port: int, http: str) -> str:
    return f"""
daemon off;
master_process off;
pid {directory}/{port}.pid;
events {{ worker_connections 1024; }}
http {{
  client_body_temp_path {directory}/body;
  proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi;
  scgi_temp_path {directory}/scgi;
  keepalive_requests 1000000000;
  keepalive_timeout 1h;{http}
}}
"""
