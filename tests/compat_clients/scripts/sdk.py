"""A customer's program on whatsapp-api-client-python: runs the plan, sync or async."""

import asyncio
import inspect
import logging
from typing import Any

import plan
import talk
from whatsapp_api_client_python.API import GreenAPI

LOOPS = ("webhooks.startReceivingNotifications", "webhooks.job")
logging.getLogger("whatsapp-api-client-python").propagate = False


def offered(api: GreenAPI, wanted: bool) -> list[str]:
    """Every public method of the client; of those that come in two, the one that is wanted."""
    found = []
    for group, part in vars(api).items():
        if not type(part).__module__.startswith("whatsapp_api_client_python.tools"):
            continue
        names = [name for name, _ in inspect.getmembers(type(part), callable) if not name.startswith("_")]
        for name in names:
            if name.endswith("Async") == wanted:
                found.append(f"{group}.{name.removesuffix('Async')}")
    return found


class Program:
    """Runs steps one after the other and says what came of each."""

    def __init__(self, given: dict[str, Any]) -> None:
        self.api = GreenAPI(given["id"], given["token"], host=given["host"], media=given["host"])
        self.plan = plan.whole(given["files"], given["shop"])
        self.kept: dict[str, Any] = {}
        self.sent = 0

    def part(self, method: str, suffix: str = "") -> Any:
        """The client's function of this name; None when it has none."""
        group, name = method.split(".")
        return getattr(getattr(self.api, group), name + suffix, None)

    def arranged(self, step: plan.Cue) -> None:
        """The test does its part."""
        needs = talk.resolved(step.needs, self.kept)
        if step.name == "new_token":
            self.api.apiTokenInstance = needs["token"]
        elif step.name == "echoed":
            talk.cue("arrived", waiting=self.sent)
        elif not str(needs.get("link", "")).startswith(talk.NOTHING):
            talk.cue(step.name, **needs)

    def told(self, step: plan.Step, answer: Any) -> None:
        """The client returned."""
        if hasattr(answer, "code"):
            talk.say(step=step.method, code=answer.code)
            answer = answer.data
        else:
            talk.say(step=step.method, returned=None if answer is None else str(answer))
        if step.method.startswith("sending.") and isinstance(answer, dict):
            self.sent += "idMessage" in answer or "messages" in answer
        if step.name:
            self.kept[step.name] = answer

    def heard(self, limit: int) -> Any:
        """A handler that says what it is given and ends the loop after so many."""
        count = 0

        def handle(kind: str, body: dict[str, Any]) -> None:
            nonlocal count
            count += 1
            talk.say(heard=kind, body=body)
            if count == limit:
                self.api.webhooks.stopReceivingNotifications()

        return handle

    def arguments(self, step: plan.Step) -> dict[str, Any]:
        """With what the step is called."""
        if step.method == "webhooks.job":
            self.api.webhooks.started = True
        if step.method in LOOPS:
            return {"onEvent": self.heard(step.arguments["limit"])}
        return talk.resolved(step.arguments, self.kept)

    def run(self) -> None:
        """Sync."""
        for step in self.plan:
            if isinstance(step, plan.Cue):
                self.arranged(step)
            elif function := self.part(step.method):
                try:
                    self.told(step, function(**self.arguments(step)))
                except Exception as error:
                    talk.say(step=step.method, raised=type(error).__name__)
        talk.say(offered=offered(self.api, False))

    async def run_async(self) -> None:
        """Async; what the client has only without waiting is left out."""
        for step in self.plan:
            if isinstance(step, plan.Cue):
                await asyncio.to_thread(self.arranged, step)
            elif function := self.part(step.method, "Async"):
                try:
                    self.told(step, await function(**self.arguments(step)))
                except Exception as error:
                    talk.say(step=step.method, raised=type(error).__name__)
        talk.say(offered=offered(self.api, True))


if __name__ == "__main__":
    wanted = talk.given()
    program = Program(wanted)
    if wanted["mode"] == "async":
        asyncio.run(program.run_async())
    else:
        program.run()
