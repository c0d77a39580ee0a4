"""The limit: what a gateway's core in C can do, nginx with its Lua module, where the machine has both.

It looks the key up in memory, counts in memory, and passes the body on: the most that any program between a caller
and the upstream could reach. Where nginx is not installed nothing stands in for it.
"""

import shutil
from pathlib import Path

MODULES = (Path("/usr/lib/nginx/modules"), Path("/usr/lib64/nginx/modules"), Path("/usr/share/nginx/modules"))
KEY = "limit-key"
CONFIGURATION = """
load_module {modules}/ndk_http_module.so;
load_module {modules}/ngx_http_lua_module.so;
worker_processes 1;
daemon off;
pid {home}/nginx.pid;
error_log stderr crit;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_buffer_size 64k;
  client_body_temp_path {home}/bodies;
  proxy_temp_path {home}/proxied;
  lua_package_path "/usr/share/lua/5.1/?.lua;;";
  lua_shared_dict leases 1m;
  init_worker_by_lua_block {{ ngx.shared.leases:set("{key}", "/waInstance1101000001/sendMessage/token") }}
  upstream gateway {{ server 127.0.0.1:{upstream}; keepalive 256; keepalive_requests 10000000; }}
  server {{
    listen 127.0.0.1:{port} backlog=2048;
    keepalive_requests 10000000;
    location / {{
      rewrite_by_lua_block {{
        local bearer = ngx.req.get_headers()["authorization"] or ""
        local path = ngx.shared.leases:get(string.sub(bearer, 8))
        if not path then return ngx.exit(401) end
        ngx.shared.leases:incr("count", 1, 0)
        ngx.req.set_uri(path, false)
      }}
      proxy_pass http://gateway;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
    }}
  }}
}}
"""


def missing() -> str:
    """Why it cannot be measured here; empty when it can."""
    if shutil.which("nginx") is None:
        return "no nginx on this machine"
    return "" if _modules() else "nginx has no Lua module on this machine"


def command(home: Path, port: int, upstream: int) -> list[str]:
    """What starts it, in a folder that may be written to."""
    home.mkdir(parents=True, exist_ok=True)
    text = CONFIGURATION.format(home=home, port=port, upstream=upstream, key=KEY, modules=_modules())
    (home / "nginx.conf").write_text(text)
    return [str(shutil.which("nginx")), "-p", str(home), "-c", str(home / "nginx.conf")]


def _modules() -> Path | None:
    return next((folder for folder in MODULES if (folder / "ngx_http_lua_module.so").exists()), None)
