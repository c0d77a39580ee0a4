"""`python -m dev up | demo | servers | reset`."""

import argparse
import ctypes
import os
import signal
import sys
from types import FrameType

from dev import database, demo, up
from dev.gateways import PROVIDERS
from dev.house import InUse, occupied, reset
from dev.places import Unsafe
from dev.postgres import PostgresFailed, PostgresMissing
from dev.processes import ChildFailed
from dev.redis import RedisFailed, RedisMissing
from dev.servers import Servers
from dev.stack import CommandFailed

_EXPECTED = (
    InUse,
    Unsafe,
    PostgresFailed,
    PostgresMissing,
    RedisFailed,
    RedisMissing,
    ChildFailed,
    CommandFailed,
    up.PortTaken,
)


def main() -> int:
    """Do what the first word says; answer the exit code."""
    parser = argparse.ArgumentParser(prog="python -m dev", description="Sublet on one machine.")
    words = parser.add_subparsers(dest="word", required=True)
    up_word = words.add_parser("up", help="start everything and keep its data in .dev/")
    demo_word = words.add_parser("demo", help="watch a whole lease on throw-away servers")
    for each in (up_word, demo_word):
        each.add_argument("provider", nargs="?", choices=PROVIDERS, default=PROVIDERS[0], help="where instances go")
    words.add_parser("servers", help="start PostgreSQL and Valkey only, on the data in .dev/")
    words.add_parser("reset", help="remove .dev/")
    asked = parser.parse_args()
    _end_with_make()
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGHUP, _interrupt)
    signal.signal(signal.SIGINT, _interrupt)  # a shell ignores it for what it runs in the background
    try:
        if asked.word == "up":
            return up.main(asked.provider)
        if asked.word == "demo":
            return demo.main(asked.provider)
        return {"servers": _servers, "reset": _reset}[asked.word]()
    except _EXPECTED as error:
        print(f"{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _servers() -> int:
    with occupied() as home:
        servers = Servers(home, durable=True).start()
        try:
            dsns = servers.dsns
            print(f"SUBLET_OWNER_DATABASE_URL={dsns.owner}")
            print(f"SUBLET_DATABASE_URL={dsns.app}")
            print(f"SUBLET_SYSTEM_DATABASE_URL={dsns.system}")
            print(f"SUBLET_REDIS_URL={servers.redis_url}", flush=True)
            print(f"# for psql as administrator: {database.plain(dsns.admin)}; Ctrl-C stops", file=sys.stderr)
            while True:
                signal.pause()
        except KeyboardInterrupt:
            return 0
        finally:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            servers.stop()


def _reset() -> int:
    print("Removed .dev/" if reset() else "There was nothing to remove")
    return 0


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _end_with_make() -> None:
    """Stop in order when the `make` that started us is killed: nobody else would tell us."""
    if "MAKELEVEL" in os.environ and sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, int(signal.SIGTERM), 0, 0, 0)


if __name__ == "__main__":
    sys.exit(main())
