"""What is wrong with rules and targets of alerts whose every value is right by itself."""

from collections.abc import Iterator, Mapping

from arbsniper_tui.config.alert_settings import TERMINAL_WAYS, AlertSettings
from arbsniper_tui.config.given import Given, KeyPath, advice, nearest, refusal

_PRICES = ("price_above", "price_below")
_DECIDING = {
    "venue_down_s": ("venues",),
    "funding_above_pct": ("symbols", "venues"),
    "price_above": (*_PRICES, "symbols", "venues"),
    "price_below": (*_PRICES, "symbols", "venues"),
}
"""A key that decides what a rule is about, and the keys that may stand beside it."""
_OF_ALL = ("to", "cooldown_s", "muted")


def faults(alerts: AlertSettings, values: Mapping[KeyPath, Given]) -> list[str]:
    """One line each; `values` are those that were given, by key."""
    found: list[str] = []
    for table, names, of_one in (("rules", alerts.rules, _of_rule), ("targets", alerts.targets, _of_target)):
        for name in names:
            path = ("alerts", table, name)
            given = {key[-1]: each for key, each in values.items() if key[:3] == path and len(key) > 3}
            found += of_one(alerts, name, given, values.get(path) or next(iter(given.values())))
    return found


def _of_rule(alerts: AlertSettings, name: str, given: Mapping[str, Given], any_given: Given) -> Iterator[str]:
    deciding = next((key for key in _DECIDING if key in given), None)
    if deciding is not None:
        for key in given.keys() - {deciding, *_DECIDING[deciding], *_OF_ALL}:
            expected = f"it in a rule of its own: {deciding} says what alerts.rules.{name} is about"
            yield str(refusal(given[key], expected))
    if deciding in _PRICES and not alerts.rules[name].symbols:
        yield f"{any_given.place}: alerts.rules.{name}: found no symbols, expected some beside {deciding}"
    targets = (*TERMINAL_WAYS, *alerts.targets)
    for target in alerts.rules[name].to:
        if target not in targets:
            near = advice(nearest(target, targets))
            place = f"{any_given.place}: alerts.rules.{name}.to"
            yield f'{place}: found "{target}", expected {", ".join(targets)} or a table [alerts.targets.{target}]{near}'


def _of_target(alerts: AlertSettings, name: str, given: Mapping[str, Given], any_given: Given) -> Iterator[str]:
    place, target = f"{any_given.place}: alerts.targets.{name}", alerts.targets[name]
    if name in TERMINAL_WAYS:
        yield f"{place}: found a name that is taken, expected another: every terminal UI has a {name} without a table"
    if (target.url is None) == (target.webhook is None):
        yield f"{place}: found {'both url and webhook' if target.url else 'neither url nor webhook'}, expected one"
    has_secrets = sum(each is not None for each in (target.secret, target.secret_file))
    if target.webhook is not None and has_secrets != 1:
        yield f"{place}: found {has_secrets} secrets, expected one to sign the webhook with: secret or secret_file"
    if target.url is not None and has_secrets:
        yield f"{place}: found a secret beside url, expected it beside a webhook, which is signed with it"
