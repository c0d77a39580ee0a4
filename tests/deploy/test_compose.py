"""What is deployed: the compose file, the image, the locks and the settings agree with one another."""

import os
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import yaml
from compose_spec import PyCompose

from app.settings import Settings
from dev.postgres import PostgresServer, _installed

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = set(Settings.names())
INFRASTRUCTURE = {
    "POSTGRES_PASSWORD",
    "OWNER_PASSWORD",
    "APP_PASSWORD",
    "SYSTEM_PASSWORD",
    "REDIS_PASSWORD",
    "SIMULATOR_PORT",
}
SEEN = re.compile(r"\$\{([A-Z_]+)")


def _text(name: str) -> str:
    return (ROOT / name).read_text()


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(_text("docker-compose.yml"))
    return found


def _interpolated() -> str:
    """The compose file as it is once .env is filled in and its anchors are followed."""
    filled = re.sub(r"\$\{[A-Z_]+:-([^}]*)\}", r"\1", _text("docker-compose.yml"))
    filled = re.sub(r"\$\{[A-Z_]+:\?[^}]*\}", "filled", filled)
    return yaml.safe_dump(yaml.safe_load(filled))


def _seconds(duration: str) -> int:
    return int(duration.removesuffix("s"))


def test_the_compose_file_is_one_by_the_specification() -> None:
    spec = PyCompose.from_yaml(_interpolated()).to_spec()
    assert set(spec.services or {}) == {"api", "worker", "migrate", "postgres", "redis", "simulator"}


def test_a_mistake_in_it_would_be_seen() -> None:
    with pytest.raises(Exception, match="depends_onn"):
        PyCompose.from_yaml(_interpolated().replace("depends_on:", "depends_onn:"))


def test_the_simulator_comes_only_when_asked_for(compose: dict[str, Any]) -> None:
    asked = {name for name, service in compose["services"].items() if service.get("profiles")}
    assert asked == {"simulator"}
    assert compose["services"]["simulator"]["profiles"] == ["sim"]


def test_nothing_starts_before_what_it_stands_on(compose: dict[str, Any]) -> None:
    services = compose["services"]
    for name in ("api", "worker"):
        wants = {other: need["condition"] for other, need in services[name]["depends_on"].items()}
        assert wants == {
            "migrate": "service_completed_successfully",
            "postgres": "service_healthy",
            "redis": "service_healthy",
        }
    waited_for = {
        other
        for service in services.values()
        for other, need in service.get("depends_on", {}).items()
        if need["condition"] == "service_healthy"
    }
    assert all("healthcheck" in services[name] for name in waited_for)


def test_a_worker_is_given_time_to_finish(compose: dict[str, Any]) -> None:
    assert _seconds(compose["services"]["worker"]["stop_grace_period"]) > 25


def test_what_ends_is_started_again_but_the_migration_is_not(compose: dict[str, Any]) -> None:
    policies = {name: service["restart"] for name, service in compose["services"].items()}
    assert policies.pop("migrate") == "no"
    assert set(policies.values()) == {"unless-stopped"}


def test_servers_are_not_reachable_from_outside(compose: dict[str, Any]) -> None:
    for name in ("postgres", "redis"):
        assert "ports" not in compose["services"][name]
        assert compose["services"][name]["networks"] == ["inside"]
    assert compose["networks"]["inside"] == {"internal": True}
    for service in compose["services"].values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


def test_each_service_is_handed_only_its_own_secrets(compose: dict[str, Any]) -> None:
    services = compose["services"]
    assert all("env_file" not in service for service in services.values())
    for name in ("api", "worker"):
        handed = str(services[name]["environment"])
        assert "OWNER" not in handed
        assert "${POSTGRES_PASSWORD" not in handed
    assert "SUBLET_OWNER_DATABASE_URL" in services["migrate"]["environment"]
    assert "environment" not in services["simulator"]


def test_every_setting_reaches_the_api_and_the_workers(compose: dict[str, Any]) -> None:
    by_the_command = {"SUBLET_HOST", "SUBLET_PORT"}
    for name in ("api", "worker"):
        handed = set(compose["services"][name]["environment"])
        assert handed == SETTINGS - by_the_command - {"SUBLET_OWNER_DATABASE_URL"}


def test_the_example_explains_every_name_and_no_other() -> None:
    named = set(re.findall(r"^#?([A-Z_]+)=", _text(".env.example"), flags=re.MULTILINE))
    assert named == SETTINGS | INFRASTRUCTURE
    assert set(SEEN.findall(_text("docker-compose.yml"))) <= named


def test_no_secret_has_a_value_in_what_is_committed() -> None:
    filled = dict(re.findall(r"^([A-Z_]+)=(.*)$", _text(".env.example"), flags=re.MULTILINE))
    assert set(filled.values()) == {""}
    required = set(re.findall(r"\$\{([A-Z_]+):\?", _text("docker-compose.yml")))
    assert required == set(filled)
    assert not re.search(r"\$\{[A-Z_]*(PASSWORD|TOKEN|KEYS):-[^}]", _text("docker-compose.yml"))


def test_the_image_runs_as_nobody_in_particular() -> None:
    lines = _text("Dockerfile").splitlines()
    users = [line.split()[1] for line in lines if line.startswith("USER ")]
    assert users
    uid, _, gid = users[-1].partition(":")
    assert int(uid) > 0
    assert int(gid) > 0
    after = lines[lines.index(f"USER {users[-1]}") :]
    assert not [line for line in after if line.startswith(("RUN", "COPY", "ADD"))]


def test_the_image_is_built_from_the_lock_and_only_what_it_needs() -> None:
    dockerfile = _text("Dockerfile")
    assert "--require-hashes -r /tmp/requirements.runtime.lock" in dockerfile
    sent = {line[1:] for line in _text(".dockerignore").splitlines() if line.startswith("!")}
    assert _text(".dockerignore").split("\n")[1] == "*"
    copied = {
        word
        for line in dockerfile.splitlines()
        if line.startswith("COPY ") and "--from" not in line
        for word in line.split()[1:-1]
    }
    assert copied == sent
    assert {name for name in sent if not (ROOT / name).exists()} == set()


@pytest.mark.parametrize("name", ["requirements.lock", "requirements.runtime.lock"])
def test_a_lock_names_one_version_by_its_hash_and_no_address(name: str) -> None:
    lock = _text(name)
    assert "://" not in lock
    assert "--index" not in lock
    entries = re.split(r"^(?=[a-z0-9])", lock, flags=re.MULTILINE)[1:]
    assert len(entries) > 20
    for entry in entries:
        assert re.match(r"[a-z0-9._-]+(\[[a-z0-9,_-]+\])?==[^\s]+", entry), entry[:60]
        assert "--hash=sha256:" in entry, entry[:60]


def test_the_image_has_the_versions_that_were_tested() -> None:
    def versions(name: str) -> set[str]:
        return set(re.findall(r"^[a-z0-9._-]+(?:\[.*?\])?==\S+", _text(name), flags=re.MULTILINE))

    assert versions("requirements.runtime.lock") < versions("requirements.lock")


def test_every_dependency_is_locked() -> None:
    project = tomllib.loads(_text("pyproject.toml"))
    wanted = {
        "requirements.runtime.lock": project["project"]["dependencies"],
        "requirements.lock": project["project"]["dependencies"] + project["dependency-groups"]["dev"],
    }
    for name, needs in wanted.items():
        locked = set(re.findall(r"^([a-z0-9._-]+)", _text(name), flags=re.MULTILINE))
        for need in needs:
            package = re.match(r"[A-Za-z0-9._-]+", need)
            assert package is not None
            assert package[0].lower() in locked, f"{need} is missing from {name}; run `make lock`"


async def test_the_roles_of_the_compose_file_are_as_weak_as_promised() -> None:
    psql = next((folder for folder in _installed() if (folder / "psql").exists()), None)
    if psql is None:
        pytest.skip("no psql beside the server")
    passwords = {f"{who}_PASSWORD": f'{who.lower()}\'s own \\ "word"' for who in ("OWNER", "APP", "SYSTEM")}
    with PostgresServer.start() as server:
        env = {
            "PATH": f"{psql}:{os.environ.get('PATH', os.defpath)}",
            "PGHOST": "127.0.0.1",
            "PGPORT": str(server.port),
            "PGPASSWORD": server.password,
            "POSTGRES_USER": "sublet_admin",
            **passwords,
        }
        script = ROOT / "dev/compose/roles.sh"
        subprocess.run(["sh", script], env=env, check=True)  # noqa: ASYNC221 (nothing else waits)
        for who in ("owner", "app", "system"):
            connection = await asyncpg.connect(
                host="127.0.0.1",
                port=server.port,
                user=f"sublet_{who}",
                password=passwords[f"{who.upper()}_PASSWORD"],
                database="sublet",
            )
            row = await connection.fetchrow("select * from pg_roles where rolname = current_user")
            powers = ("rolsuper", "rolbypassrls", "rolcreatedb", "rolcreaterole")
            assert [row[power] for power in powers] == [False] * 4
            if who != "owner":
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.execute("create table mine (n int)")
            await connection.close()
