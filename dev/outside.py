"""An outside client of a running stack: what a customer, a phone and the operator do, over HTTP only."""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Self

import httpx2

from dev.stack import Stack

PATIENCE_SECONDS = 60.0


class Unexpected(RuntimeError):
    """The stack answered otherwise than it promises; the answer is in the message."""


@dataclass
class Customer:
    """A tenant's developer: a key, and the instance it got at sign-up."""

    api: httpx2.Client = field(repr=False)
    org_id: str
    api_key: str = field(repr=False)
    instance_id: str
    operation_id: str

    def call(self, method: str, path: str, body: Any = None, *, expect: int = 200, **headers: str) -> Any:
        """One request with the key; the status must be the expected one."""
        sent = {
            "Authorization": f"Bearer {self.api_key}",
            **{name.replace("_", "-"): headers[name] for name in headers},
        }
        return answer(self.api.request(method, path, json=body, headers=sent), expect)

    def finished(self, operation_id: str, seconds: float = PATIENCE_SECONDS) -> dict[str, Any]:
        """The operation once it is final; it must have succeeded."""
        for operation in self.watch(operation_id, seconds):
            if operation["status"] == "succeeded":
                return operation
            if operation["status"] in ("failed", "cancelled"):
                raise Unexpected(f"operation {operation['type']}: {operation['error']}")
        raise Unexpected("the operation did not end in time")

    def watch(self, operation_id: str, seconds: float = PATIENCE_SECONDS) -> Iterator[dict[str, Any]]:
        """The operation, each time it has changed or five seconds went by."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            yield self.call("GET", f"/v1/operations/{operation_id}", Prefer="wait=5")

    def instance(self) -> dict[str, Any]:
        """The instance as its owner sees it."""
        seen: dict[str, Any] = self.call("GET", f"/v1/instances/{self.instance_id}")
        return seen

    def until(self, name: str, value: Any, seconds: float = PATIENCE_SECONDS) -> dict[str, Any]:
        """Wait until a field of the instance has a value."""
        deadline = time.monotonic() + seconds
        while True:
            seen = self.instance()
            if seen[name] == value:
                return seen
            if time.monotonic() > deadline:
                raise Unexpected(f"{name} is {seen[name]!r}, not {value!r}")
            time.sleep(0.2)


class Outside:
    """The stack as the world sees it."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.api = httpx2.Client(base_url=stack.api_url, timeout=40)
        self.http = httpx2.Client(timeout=40)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.api.close()
        self.http.close()

    def sign_up(self, email: str, name: str) -> Customer:
        """Sign up with the code from the mailbox."""
        asked = {"email": email, "organization_name": name, "accept_terms": True}
        answer(self.api.post("/v1/auth/sign_ups", json=asked), 202)
        made = answer(self.api.post("/v1/auth/sessions", json={"email": email, "code": self.code_for(email)}), 201)
        return Customer(
            api=self.api,
            org_id=made["organization"]["id"],
            api_key=made["api_key"]["secret"],
            instance_id=made["instance_id"],
            operation_id=made["operation_id"],
        )

    def code_for(self, email: str, seconds: float = 20) -> str:
        """The six digits of the newest mail to an address."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            mails = answer(self.http.get(f"{self.stack.mailbox_url}/messages", params={"to": email}))["messages"]
            found = re.search(r"\b(\d{6})\b", mails[0]["text"]) if mails else None
            if found:
                return found.group(1)
            time.sleep(0.1)
        raise Unexpected(f"no mail came for {email}")

    def operator(self, method: str, path: str, body: Any = None, expect: int = 200) -> Any:
        """One request with the operator's key."""
        headers = {"Authorization": f"Bearer {self.stack.operator_key['secret']}"}
        return answer(self.api.request(method, f"/operator/v1{path}", json=body, headers=headers), expect)

    def upstream(self, method: str, path: str, body: Any = None) -> Any:
        """The simulator's control face: the phone, the clock, the faults, the truth."""
        return answer(self.http.request(method, f"{self.stack.simulator_url}/_sim/{path}", json=body))

    def truth(self, instance_id: str) -> dict[str, Any]:
        """What upstream truly has for an instance of ours."""
        tag = self.operator("GET", f"/instances/{instance_id}")["tag"]
        found = self.upstream("GET", f"instances?name={tag}")["instances"]
        if len(found) != 1:
            raise Unexpected(f"{len(found)} upstream instances bear the tag of {instance_id}")
        seen: dict[str, Any] = found[0]
        return seen

    def scan(self, customer: Customer, wid: str) -> None:
        """The customer's phone scans the QR."""
        self.upstream("POST", f"instances/{self.truth(customer.instance_id)['id_instance']}/scan", {"wid": wid})


def answer(reply: httpx2.Response, expect: int = 200) -> Any:
    """The body of a reply with the expected status.

    Raises:
        Unexpected: another status.
    """
    if reply.status_code != expect:
        raise Unexpected(f"{reply.request.method} {reply.request.url.path}: {reply.status_code} {reply.text[:500]}")
    return reply.json() if reply.content else None
