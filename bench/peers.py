"""The compared servers: nginx, Envoy and doorward, each on one core, access logs off, keep-alive without end.

Every server is described by a function that starts it and says on which port it does what. Where a program is absent
the function raises Absent with the reason, and the run goes on without it.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import envoy_config
from process import Server, free_ports, new_folder, spawn, wait_ready
from tokens import AUDIENCE, ISSUER, ROLE

KIB = 1024
FILES = {"1k.bin": KIB, "1m.bin": KIB * KIB}
"""What the upstream serves, in bytes."""


class Absent(Exception):  # noqa: N818 - a fact about the machine, not a fault
    """A program that is not installed here."""


def program(name: str) -> str:
    """Path of a program, from the interpreter's folder or the system. Raises Absent."""
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.is_file() else shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if not found:
        raise Absent(f"{name} is not installed")
    return found


_NGINX = """
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000; keepalive_timeout 1h;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  {servers}
}}
"""


def _nginx(name: str, ports: dict[str, int], servers: str) -> Server:
    path, folder = program("nginx"), new_folder()
    config = folder / "nginx.conf"
    config.write_text(_NGINX.format(folder=folder, servers=servers.replace("{folder}", str(folder))))
    for file, size in FILES.items():
        (folder / file).write_bytes(content(file)[:size])
    folder.chmod(0o755)  # the worker runs as another user when the master is root
    server = spawn(name, [path, "-p", str(folder), "-c", str(config), "-e", str(folder / "error.log")], folder, ports)
    wait_ready(server, next(iter(ports.values())))
    return server


def content(file: str) -> bytes:
    """The bytes of an upstream file: not compressible to nothing, the same in every run."""
    line = bytes(range(32, 126)) + b"\n"
    return (line * (FILES[file] // len(line) + 1))[: FILES[file]]


def start_upstream() -> Server:
    """nginx with the two static files; not counted in any figure."""
    (port,) = free_ports(1)
    site = f"server {{ listen 127.0.0.1:{port}; root {{folder}}; default_type application/octet-stream; }}"
    return _nginx("upstream", {"files": port}, site)


def start_nginx(upstream: int) -> Server:
    """nginx: `return 200` on one port, proxy_pass with kept connections on the other; it checks no token."""
    decide, proxy = free_ports(2)
    servers = f"""
  upstream files {{ server 127.0.0.1:{upstream}; keepalive 64; keepalive_requests 1000000000; }}
  server {{ listen 127.0.0.1:{decide}; location / {{ return 200 ""; }} }}
  server {{ listen 127.0.0.1:{proxy}; location / {{
    proxy_pass http://files; proxy_http_version 1.1;
    proxy_set_header Connection ""; proxy_set_header Host $host; }} }}"""
    return _nginx("nginx", {"decide": decide, "proxy": proxy}, servers)


def start_envoy(upstream: int, jwks: str, cache: int) -> Server:
    """Envoy with jwt_authn and rbac on both ports. cache: tokens its jwt_cache_config holds, 0 = none."""
    path, folder = program("envoy"), new_folder()
    decide, proxy = free_ports(2)
    config = folder / "envoy.json"
    config.write_text(json.dumps(envoy_config.build(decide, proxy, upstream, jwks, cache)))
    options = ["--concurrency", "1", "--disable-hot-restart", "--log-level", "error"]
    name = "envoy" if cache else "envoy, no cache"
    server = spawn(name, [path, "-c", str(config), *options], folder, {"decide": decide, "proxy": proxy})
    wait_ready(server, decide)
    return server


_POLICY = """version = 1
realm   = "bench"
default = "deny"

[tls]
require = false

[credentials]
bearer = {{ issuers = ["bench"], audience = "{audience}" }}

[issuers.bench]
issuer     = "{issuer}"
jwks_file  = "{jwks}"
algorithms = ["RS256"]
roles      = "roles"

[[rule]]
name  = "files"
path  = "/**"
roles = ["{role}"]
"""


def doorward_command(folder: Path, upstream: int, jwks: str, listen: int, control: int) -> list[str]:
    """Write the policy and say how `doorward serve` is called for it."""
    keys, policy = folder / "jwks.json", folder / "doorward.toml"
    keys.write_text(jwks)
    policy.write_text(_POLICY.format(audience=AUDIENCE, issuer=ISSUER, jwks=keys, role=ROLE))
    places = ["--listen", f"127.0.0.1:{listen}", "--control", f"127.0.0.1:{control}", "--data", str(folder / "data")]
    return [program("doorward"), "serve", "--policy", str(policy), "--to", f"http://127.0.0.1:{upstream}", *places]


def start_doorward(upstream: int, jwks: str) -> tuple[Server, float]:
    """doorward, and the seconds from its start to the first 200 of /ready."""
    folder = new_folder()
    listen, control = free_ports(2)
    command = doorward_command(folder, upstream, jwks, listen, control)
    server = spawn("doorward", command, folder, {"decide": control, "proxy": listen})
    return server, wait_ready(server, control, "/ready", 200, 0.002)
