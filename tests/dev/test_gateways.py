"""Which gateways a stack is set up with: played, real, or left out."""

from collections.abc import Iterator
from contextlib import contextmanager

from app.providers import wings
from dev.gateways import GATEWAYS, PROVIDERS, WEIGHTS
from dev.phones import PHONES
from dev.stack import Options, Stack
from dev.up import real_gateways


@contextmanager
def settings_of(options: Options) -> Iterator[dict[str, str]]:
    """What a stack that is not started would tell the app about gateways."""
    stack = Stack(options)
    try:
        stack.simulator_url, stack.whapi_url = "http://green.example", "http://whapi.example"
        yield stack.gateway_settings()
    finally:
        stack.stop()


def opened(settings: dict[str, str]) -> set[tuple[str, str]]:
    """The gateways that the app opens with such settings."""
    found = wings.find()
    values = {each.name: each.default for wing in found.values() for each in wing.settings}
    values |= {name.removeprefix("SUBLET_").lower(): value for name, value in settings.items()}
    return set(wings.open_all(found, values, 5.0))


def test_every_gateway_of_the_house_is_played_and_can_be_chosen() -> None:
    assert set(GATEWAYS) == set(PHONES) == set(wings.find())
    assert set(PROVIDERS) == {*GATEWAYS, "mixed"}
    assert all(set(weights) == set(GATEWAYS) for weights in WEIGHTS.values())


def test_a_stack_plays_the_gateways_that_are_wanted_and_no_other() -> None:
    with settings_of(Options()) as settings:
        assert opened(settings) == {("green_api", "live"), ("green_api", "test")}
    with settings_of(Options(gateways=("whapi",))) as settings:
        assert opened(settings) == {("whapi", "live"), ("whapi", "test")}
        assert settings["SUBLET_WHAPI_URL"] == "http://whapi.example"


def test_where_a_gateway_is_real_no_played_one_serves_live_instances() -> None:
    real = real_gateways({"SUBLET_WHAPI_PARTNER_TOKEN": "secret", "SUBLET_GREEN_API_URL": "http://unused.example"})
    assert real == {"SUBLET_WHAPI_PARTNER_TOKEN": "secret"}
    with settings_of(Options(gateways=GATEWAYS, real=real)) as settings:
        assert opened(settings) == {("whapi", "live"), ("green_api", "test"), ("whapi", "test")}
        assert "SUBLET_WHAPI_URL" not in settings
    both = {name: name.lower() for name in ("SUBLET_GREEN_API_PARTNER_TOKEN", "SUBLET_GREEN_API_URL")}
    assert real_gateways(both) == both
