"""What the demo tells: its steps with their times, and the facts of its last line."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.table import Table


class Story:
    """The steps with their times; a step that fails ends the story."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.title = "One lease, from sign-up to receipt"
        self.steps: list[tuple[str, float, str]] = []
        self.facts: dict[str, Any] = {}

    @contextmanager
    def step(self, title: str) -> Iterator[Callable[[str], None]]:
        """One step; the caller tells what came of it."""
        told: list[str] = []
        started = time.perf_counter()
        with self.console.status(f"[bold]{title}[/]"):
            yield told.append
        seconds = time.perf_counter() - started
        outcome = "; ".join(told)
        self.steps.append((title, seconds, outcome))
        self.console.print(f"[green]✓[/] [bold]{title}[/] [dim]{seconds:5.2f} s[/]  {outcome}", highlight=False)

    def summary(self) -> Table:
        """All steps with their times."""
        table = Table("step", "seconds", "outcome", title=self.title, title_justify="left")
        for title, seconds, outcome in self.steps:
            table.add_row(title, f"{seconds:.2f}", outcome)
        table.add_row("together", f"{sum(seconds for _, seconds, _ in self.steps):.2f}", "", style="bold")
        return table
