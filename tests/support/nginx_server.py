"""nginx from Debian: a second upstream, and a second reading of what a valid request is."""

import contextlib
import grp
import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

CONFIG = """
daemon off;
user {user} {group};
pid {directory}/nginx.pid;
error_log stderr error;
events {{ }}
http {{
  access_log off;
  client_body_temp_path {directory}/body;
  proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi;
  scgi_temp_path {directory}/scgi;
  merge_slashes off;
  server {{
    listen 127.0.0.1:{port};
    keepalive_requests 3;
    location /platform/ {{ proxy_pass {platform}/; client_max_body_size 2m; }}
    location /asked {{ return 200 "$request_uri $http_transfer_encoding $content_length"; }}
    location /small {{ client_max_body_size 1k; proxy_pass {platform}; }}
    location /gone {{ return 444; }}
    location /nothing {{ return 204; }}
    location /files/ {{ alias {directory}/files/; gzip_static off; etag on; }}
    location /zipped/ {{ alias {directory}/files/; gzip on; gzip_min_length 1; gzip_types *; }}
  }}
}}
"""


@contextlib.contextmanager
def serving_nginx(directory: Path, platform_url: str) -> Iterator[str]:
    """Its URL; below `/platform` it stands in front of the platform. It is given its socket, so it listens before it has
    started."""
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    assert program, "nginx is missing; `make test` installs it, or: sudo apt-get install nginx"
    (directory / "files").mkdir()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port, handle = listener.getsockname()[1], listener.fileno()
        config = directory / "nginx.conf"
        config.write_text(
            CONFIG.format(
                directory=directory,
                port=port,
                platform=platform_url,
                user=pwd.getpwuid(os.geteuid()).pw_name,
                group=grp.getgrgid(os.getegid()).gr_name,
            )
        )
        process = subprocess.Popen(
            [program, "-p", str(directory), "-c", str(config), "-e", "stderr"],
            pass_fds=[handle],
            env={"NGINX": f"{handle};"},
        )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)
