"""Plays a customer's program against a gateway: the simulator itself, or our API with the simulator behind it."""

import asyncio
import base64
import json
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import ClientSession

from tests.compat_clients.recorder import Exchange, Recorder, recording
from tests.compat_clients.toolbox import Toolbox
from tests.compat_clients.transcript import Normaliser
from tests.conftest import Upstream

SCRIPTS = Path(__file__).parent / "scripts"
PATIENCE_SECONDS = 120.0
WHO = {"chat_id": "79990000001@c.us", "sender": "79990000001@c.us", "sender_name": "Ann"}


@dataclass
class Target:
    """One account: where it is reached, with what, and which instance of the simulator it is."""

    base: str
    id_instance: int
    token: str
    upstream_id: int
    wid: str
    more: dict[str, Any] = field(default_factory=dict)
    """What the script needs beyond this, such as a partner's token."""
    names: dict[str, str] = field(default_factory=dict)
    """What else differs between runs, and what to call it."""
    waiting: Callable[[], Awaitable[int]] | None = None
    """How many notifications the account's own queue holds; None: the simulator knows."""


@dataclass
class Scene:
    """What a cue may use."""

    target: Target
    upstream: Upstream
    http: ClientSession
    line: dict[str, Any]
    files: dict[str, Path]
    later: list[asyncio.Task[None]]
    """What a cue left to happen by itself."""

    async def truth(self) -> dict[str, Any]:
        """The instance as the upstream itself knows it."""
        listed = await self.upstream.control("GET", f"instances?id_instance={self.target.upstream_id}")
        row: dict[str, Any] = listed["instances"][0]
        return row

    async def phone(self, act: str, **body: Any) -> Any:
        """The phone does something."""
        return await self.upstream.control("POST", f"instances/{self.target.upstream_id}/{act}", body)

    async def until(self, holds: Callable[[], Awaitable[bool]], what: str) -> None:
        """Wait for something to become true."""
        deadline = asyncio.get_running_loop().time() + 60
        while not await holds():
            assert asyncio.get_running_loop().time() < deadline, f"never came: {what}"
            await asyncio.sleep(0.03)

    async def waiting(self) -> int:
        """How many notifications the account's own queue holds; the API is not asked, it has a pace."""
        if self.target.waiting is not None:
            return await self.target.waiting()
        return len((await self.truth())["notification_queue"])


Act = Callable[[Scene], Awaitable[Any]]


WITHOUT_SOMEBODY = ("status", "device_info", "socket_status")
KINDS: dict[str, dict[str, Any]] = {
    "text": {"text": "Anyone there?"},
    "picture": {"kind": "imageMessage", "file_name": "look.jpg", "caption": "Look"},
    "video": {"kind": "videoMessage", "file_name": "look.mp4"},
    "document": {"kind": "documentMessage", "file_name": "look.pdf"},
    "audio": {"kind": "audioMessage", "file_name": "look.oga"},
    "link": {"kind": "extendedTextMessage", "text": "https://example.com", "title": "Example"},
    "contact": {"kind": "contactMessage", "display_name": "Cleo", "phone": "79990000003"},
    "location": {"kind": "locationMessage", "latitude": 52.5, "longitude": 13.4, "name": "Here"},
}


async def settled(scene: Scene) -> None:
    """The instance is over a restart."""

    async def holds() -> bool:
        return (await scene.truth())["state"] == "authorized"

    await scene.until(holds, "authorized")


async def unlinked(scene: Scene) -> None:
    """The phone is gone."""

    async def holds() -> bool:
        return (await scene.truth())["state"] == "notAuthorized"

    await scene.until(holds, "notAuthorized")


async def scanned(scene: Scene) -> None:
    """The phone is linked again."""
    await scene.phone("scan", wid=scene.target.wid)
    await settled(scene)


async def flowed(scene: Scene) -> None:
    """All that was to be sent has left."""

    async def holds() -> bool:
        return not (await scene.truth())["outgoing_queue"]

    await scene.until(holds, "an empty outgoing queue")


async def held(scene: Scene) -> None:
    """From now on the settings' pause between two sends holds."""
    await settled(scene)
    await scene.upstream.control("POST", "config", {"min_delay_ms_override": None})


async def phone(scene: Scene) -> None:
    """The phone, or somebody who writes to it, does something."""
    who = {"chat_id": WHO["chat_id"]} if scene.line["act"] not in WITHOUT_SOMEBODY else {}
    more = WHO if scene.line["act"] == "receive" else who
    await scene.phone(scene.line["act"], **more, **scene.line["body"])


async def incoming(scene: Scene) -> None:
    """Somebody writes; the notification has arrived where the client asks."""
    await scene.phone("receive", text=scene.line["text"], **WHO)
    await arrived(scene)


async def incoming_soon(scene: Scene) -> None:
    """Somebody writes when the client already waits for it."""

    async def write() -> None:
        await asyncio.sleep(0.3)
        await scene.phone("receive", text=scene.line["text"], **WHO)

    scene.later.append(asyncio.create_task(write()))


async def incoming_file(scene: Scene) -> None:
    """Somebody sends a picture that can be downloaded."""
    content = base64.b64encode(scene.files["picture"].read_bytes()).decode()
    await scene.phone("receive", **WHO, **KINDS["picture"], base64=content)
    await arrived(scene)


async def fetched(scene: Scene) -> None:
    """Whoever has the link gets the file."""
    async with scene.http.get(scene.line["link"]) as answer:
        assert answer.status == 200, (scene.line, answer.status)
        assert await answer.read() == scene.files[scene.line["file"]].read_bytes(), scene.line


async def incoming_kinds(scene: Scene) -> None:
    """Somebody sends one message of each kind."""
    for kind in scene.line["kinds"]:
        await scene.phone("receive", **WHO, **KINDS[kind])
    if "waiting" in scene.line:
        await arrived(scene)


async def arrived(scene: Scene) -> None:
    """As many notifications wait as the script expects."""
    wanted = scene.line["waiting"]

    async def holds() -> bool:
        return await scene.waiting() >= wanted

    try:
        await scene.until(holds, f"{wanted} notifications in the queue")
    except AssertionError as reason:
        told = [notice["body"] for notice in (await scene.truth())["notification_queue"]]
        raise AssertionError(f"{reason}, but {await scene.waiting()}; upstream: {json.dumps(told)[-3000:]}") from None


CUES: dict[str, Act] = {
    "settled": settled,
    "unlinked": unlinked,
    "scanned": scanned,
    "flowed": flowed,
    "held": held,
    "phone": phone,
    "incoming": incoming,
    "incoming_file": incoming_file,
    "fetched": fetched,
    "arrived": arrived,
    "incoming_kinds": incoming_kinds,
    "incoming_soon": incoming_soon,
}


@dataclass
class Played:
    """What a run left behind."""

    transcript: list[dict[str, Any]]
    offered: list[str]
    exchanges: list[Exchange]
    said: list[str]
    """The program's own lines as they came, ids and all."""

    @property
    def called(self) -> set[str]:
        """The client's methods that were called."""
        return {step["step"] for step in self.transcript if "step" in step}


async def play(
    toolbox: Toolbox,
    script: str,
    target: Target,
    upstream: Upstream,
    files: dict[str, Path],
    *,
    mode: str = "",
    cues: dict[str, Act] | None = None,
) -> Played:
    """Run a script to its end and give its transcript, without this run's ids.

    Raises:
        AssertionError: the program died or never ended; what it wrote is in the message.
    """
    async with (
        recording(target.base, {path.name: path for path in files.values()}) as recorder,
        ClientSession() as http,
    ):
        given = {
            "host": recorder.url,
            "id": str(target.id_instance),
            "token": target.token,
            "files": {name: str(path) for name, path in files.items()},
            "shop": f"{recorder.url}/shop",
            "mode": mode,
            **target.more,
        }
        process = await asyncio.create_subprocess_exec(
            *_command(toolbox, script),
            json.dumps(given),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=_environment(toolbox),
            limit=16 * 1024 * 1024,
        )
        run = _Run(process, recorder, target, upstream, http, files, {**CUES, **(cues or {})})
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                played, errors, _ = await asyncio.gather(run.listen(), _all(process.stderr), process.wait())
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        assert process.returncode == 0, f"{script} {mode} ended with {process.returncode}:\n{errors[-4000:]}"
        return played


class _Run:
    """One program under way."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        recorder: Recorder,
        target: Target,
        upstream: Upstream,
        http: ClientSession,
        files: dict[str, Path],
        cues: dict[str, Act],
    ) -> None:
        self._process, self._recorder, self._target = process, recorder, target
        self._upstream, self._http, self._files, self._cues = upstream, http, files, cues
        names = {str(target.id_instance): "instance", target.token: "token", target.wid.split("@")[0]: "phone"}
        names = {secret: name for secret, name in (names | target.names).items() if len(secret) > 1}
        self._normaliser = Normaliser(names, host=recorder.url)
        self._seen = 0
        self._later: list[asyncio.Task[None]] = []

    async def listen(self) -> Played:
        """Read what the program says until it ends."""
        played = Played([], [], self._recorder.exchanges, [])
        assert self._process.stdout is not None
        async for raw in self._process.stdout:
            played.said.append(raw.decode())
            line = json.loads(raw)
            answer = None
            if "cue" in line:
                act = self._cues[line["cue"]]
                answer = await act(Scene(self._target, self._upstream, self._http, line, self._files, self._later))
            elif "offered" in line:
                played.offered = line["offered"]
            else:
                played.transcript.append({**self._normaliser.value(line), **self._exchanges()})
            await self._answer(answer or {})
        await asyncio.gather(*self._later)
        if rest := self._exchanges():
            played.transcript.append({"step": "at the end", **rest})
        return played

    def _exchanges(self) -> dict[str, Any]:
        new = self._recorder.exchanges[self._seen :]
        self._seen += len(new)
        return {"exchanges": [self._normaliser.exchange(kept) for kept in new]} if new else {}

    async def _answer(self, answer: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(answer).encode() + b"\n")
        await self._process.stdin.drain()


def _command(toolbox: Toolbox, script: str) -> tuple[str, str]:
    return str(toolbox.python if script.endswith(".py") else toolbox.node), str(SCRIPTS / script)


def _environment(toolbox: Toolbox) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    for name in ("PYTHONPATH", "VIRTUAL_ENV", "NODE_OPTIONS"):
        kept.pop(name, None)
    return {**kept, "NODE_PATH": str(toolbox.node_modules), "PYTHONDONTWRITEBYTECODE": "1", "NO_COLOR": "1"}


async def _all(stream: asyncio.StreamReader | None) -> str:
    assert stream is not None
    return (await stream.read()).decode("utf-8", "replace")
