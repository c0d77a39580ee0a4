"""Which gateways a stack is set up with: played, real, or left out."""

from app.providers import wings
from dev.gateways import GATEWAYS, PROVIDERS, WEIGHTS
from dev.phones import PHONES
from dev.stack import Options, gateway_settings
from dev.up import real_gateways


def told(options: Options) -> dict[str, str]:
    """What a stack tells the app about gateways."""
    urls = {name: f"http://{name}.example" for name in GATEWAYS}
    return gateway_settings(options, urls, {"": "live-token", "_TEST": "test-token"})


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
    assert opened(told(Options())) == {("green_api", "live"), ("green_api", "test")}
    settings = told(Options(gateways=("whapi",)))
    assert opened(settings) == {("whapi", "live"), ("whapi", "test")}
    assert settings["SUBLET_WHAPI_URL"] == "http://whapi.example"


def test_where_a_gateway_is_real_no_played_one_serves_live_instances() -> None:
    real = real_gateways({"SUBLET_WHAPI_PARTNER_TOKEN": "secret", "SUBLET_GREEN_API_URL": "http://unused.example"})
    assert real == {"SUBLET_WHAPI_PARTNER_TOKEN": "secret"}
    settings = told(Options(gateways=GATEWAYS, real=real))
    assert opened(settings) == {("whapi", "live"), ("green_api", "test"), ("whapi", "test")}
    assert "SUBLET_WHAPI_URL" not in settings
    both = {name: name.lower() for name in ("SUBLET_GREEN_API_PARTNER_TOKEN", "SUBLET_GREEN_API_URL")}
    assert real_gateways(both) == both
