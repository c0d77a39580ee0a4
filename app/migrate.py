"""Brings the schema to where this code expects it; run as the role that owns the tables."""

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

MIGRATIONS: Final = Path(__file__).parent.parent / "migrations"


def config(owner_url: str = "") -> Config:
    """Alembic's configuration; the URL travels beside it, never in a file."""
    made = Config()
    made.set_main_option("script_location", str(MIGRATIONS))
    made.set_main_option("file_template", "%%(year)d%%(month).2d%%(day).2d_%%(hour).2d%%(minute).2d_%%(slug)s")
    made.attributes["url"] = owner_url
    return made


def upgrade(owner_url: str, revision: str = "head") -> None:
    """Upgrade; safe to run by several processes at once, they wait for each other."""
    command.upgrade(config(owner_url), revision)


def downgrade(owner_url: str, revision: str) -> None:
    """Downgrade, for the tests of the way back."""
    command.downgrade(config(owner_url), revision)


def check(owner_url: str) -> None:
    """Raise when the tables in the code differ from the migrated ones."""
    command.check(config(owner_url))


def head() -> str:
    """The newest revision that this code knows."""
    return str(ScriptDirectory.from_config(config()).get_current_head())
