"""The control face under /_sim: the truth, the clock, the faults and the knobs."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from aiohttp import web

from simulator import notices, outgoing
from simulator.clock import rfc3339
from simulator.faults import Rules
from simulator.instance import Instance
from simulator.journal import Filter
from simulator.world import World

Handler = Callable[[web.Request], Awaitable[web.Response]]
MOST_ENTRIES = 100_000


def told(value: Any, status: int = 200) -> web.Response:
    """JSON of the control face."""
    return web.Response(body=msgspec.json.encode(value), status=status, content_type="application/json")


def refused(status: int, text: str) -> web.Response:
    """A refusal of the control face."""
    return told({"error": text}, status)


async def json_body(request: web.Request) -> dict[str, Any]:
    """The JSON object of a request; an empty body is an empty object.

    Raises:
        web.HTTPBadRequest: it is something else.
    """
    raw = await request.read()
    try:
        value = msgspec.json.decode(raw) if raw else {}
    except msgspec.DecodeError as error:
        raise web.HTTPBadRequest(text=str(error)) from None
    if not isinstance(value, dict):
        raise web.HTTPBadRequest(text="a JSON object is expected")
    return value


def routes(world: World) -> list[web.RouteDef]:
    """Every address of the control face but the phone's."""
    face = Control(world)
    return [
        web.get("/_sim/health", face.health),
        web.get("/_sim/clock", face.clock),
        web.post("/_sim/clock", face.set_clock),
        web.get("/_sim/instances", face.instances),
        web.get("/_sim/journal", face.journal),
        web.get("/_sim/bills", face.bills),
        web.get("/_sim/messages", face.messages),
        web.get("/_sim/faults", face.faults),
        web.post("/_sim/faults", face.set_faults),
        web.delete("/_sim/faults", face.clear_faults),
        web.get("/_sim/config", face.config),
        web.post("/_sim/config", face.set_config),
        web.post("/_sim/reset", face.reset),
    ]


class Control:
    """Reads and turns the one world."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def health(self, request: web.Request) -> web.Response:
        """Alive."""
        return told({"ok": True})

    async def clock(self, request: web.Request) -> web.Response:
        """Virtual now and its speed."""
        clock = self._world.clock
        return told({"now": rfc3339(clock.now()), "speed": clock.speed})

    async def set_clock(self, request: web.Request) -> web.Response:
        """Change the speed, then jump; answers when everything on the way has happened."""
        body = await json_body(request)
        speed, seconds = body.get("speed"), body.get("advance_seconds", 0)
        for value in (0 if speed is None else speed, seconds):
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e10:
                return refused(400, "speed and advance_seconds are numbers from 0 up")
        if speed is not None:
            self._world.clock.set_speed(float(speed))
        if seconds:
            await self._world.advance(float(seconds))
        return await self.clock(request)

    async def instances(self, request: web.Request) -> web.Response:
        """The truth about all instances, or those of one name or id."""
        world = self._world
        found: list[Instance]
        if name := request.query.get("name"):
            found = world.by_name.get(name, [])
        elif (wanted := _number(request, "id_instance")) is not None:
            found = [world.instances[wanted]] if wanted in world.instances else []
        else:
            found = list(world.instances.values())
        for instance in found:
            notices.expire(world, instance)
            outgoing.expire(world, instance)
        return told({"instances": [instance.shown() for instance in found]})

    async def journal(self, request: web.Request) -> web.Response:
        """Lines of the journal past `after`, oldest first."""
        query = request.query
        entries, reached = self._world.journal.read(
            _number(request, "after") or 0,
            min(_number(request, "limit") or 1000, MOST_ENTRIES),
            Filter(
                query.get("method", ""),
                _number(request, "id_instance"),
                query.get("name", ""),
                query.get("kind", ""),
                query.get("channel_id", ""),
                query.get("provider", ""),
            ),
        )
        return told({"entries": entries, "next": reached})

    async def bills(self, request: web.Request) -> web.Response:
        """Every charge, or those of one instance."""
        wanted = _number(request, "id_instance")
        bills = self._world.bills
        return told({"bills": [bill.shown() for bill in bills if wanted in (None, bill.id_instance)]})

    async def messages(self, request: web.Request) -> web.Response:
        """Every message truly accepted or received, or those of one instance."""
        wanted = _number(request, "id_instance")
        if wanted is None:
            return told({"messages": [message.shown() for message in self._world.messages]})
        instance = self._world.instances.get(wanted)
        found = [] if instance is None else instance.messages.values()
        return told({"messages": [message.shown() for message in found]})

    async def faults(self, request: web.Request) -> web.Response:
        """The rules in force."""
        return told(self._world.faults.shown())

    async def set_faults(self, request: web.Request) -> web.Response:
        """Put these rules in force in place of all others."""
        try:
            rules = msgspec.convert(await json_body(request), Rules)
        except msgspec.ValidationError as error:
            return refused(400, str(error))
        self._world.faults.replace(rules)
        return await self.faults(request)

    async def clear_faults(self, request: web.Request) -> web.Response:
        """No more faults; the seed stays."""
        self._world.faults.replace(Rules())
        return await self.faults(request)

    async def config(self, request: web.Request) -> web.Response:
        """Every knob."""
        return told(self._world.config)

    async def set_config(self, request: web.Request) -> web.Response:
        """Turn some knobs."""
        try:
            return told(self._world.configure(await json_body(request)))
        except msgspec.ValidationError as error:
            return refused(400, str(error))

    async def reset(self, request: web.Request) -> web.Response:
        """As freshly started."""
        self._world.reset()
        return told({"ok": True})


def _number(request: web.Request, name: str) -> int | None:
    text = request.query.get(name)
    if text is None or text == "":
        return None
    try:
        return int(text)
    except ValueError:
        raise web.HTTPBadRequest(text=f"{name} is a number") from None
