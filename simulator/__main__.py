"""`python -m simulator`: one JSON line with the address when ready, then silence until a signal ends it."""

import argparse
import asyncio
import json
import signal
import sys

from simulator.main import DEFAULT_PARTNER_TOKEN, start


async def serve(options: argparse.Namespace) -> None:
    """Run until SIGTERM or SIGINT."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    tokens = options.partner_token or [DEFAULT_PARTNER_TOKEN]
    running = await start(
        tokens,
        json.loads(options.config),
        host=options.host,
        port=options.port,
        whapi_tokens=options.whapi_token,
        whapi_manager_port=options.whapi_manager_port,
        whapi_gate_port=options.whapi_gate_port,
    )
    told = {"url": running.url}
    if options.whapi_token:
        told |= {"whapi_manager_url": running.whapi_manager_url, "whapi_gate_url": running.whapi_gate_url}
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()
    await ended.wait()
    await running.close()


def main() -> None:
    """Read the options and serve."""
    parser = argparse.ArgumentParser(prog="simulator", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="where to listen")
    parser.add_argument("--port", type=int, default=0, help="of GREEN-API and of the control face; 0: any free one")
    parser.add_argument("--partner-token", action="append", default=[], help="an account of GREEN-API; repeatable")
    parser.add_argument("--whapi-token", action="append", default=[], help="an account of Whapi; repeatable")
    parser.add_argument("--whapi-manager-port", type=int, default=0, help="of Whapi's manager; 0: any free one")
    parser.add_argument("--whapi-gate-port", type=int, default=0, help="of Whapi's gate; 0: any free one")
    parser.add_argument("--config", default="{}", help="JSON of the knobs to turn")
    asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
