"""The paths that change something: settings and alerts."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated

import msgspec
from litestar import Request, delete, get, patch, post
from litestar.datastructures import State
from litestar.params import JSONBody, Parameter
from msgspec import UNSET

from arbsniper_tui.api.caller import Caller, Role
from arbsniper_tui.api.changes import (
    Alert,
    AlertPatch,
    AlertRules,
    Changed,
    ChangedKey,
    NewAlert,
    SettingsPatch,
)
from arbsniper_tui.api.node_reader import NodeReader
from arbsniper_tui.api.node_writer import NodeWriter
from arbsniper_tui.api.problems import Declined, documented
from arbsniper_tui.api.routes import is_route, key_of
from arbsniper_tui.config.alert_settings import AlertRule
from arbsniper_tui.config.show import toml_text
from arbsniper_tui.wire.messages import Alerts, ChangeSettings, Done, SetMute, SettingsChanged, TellAlerts

MOST_BODY_BYTES = 64 * 1024
MOST_MUTES = 100
_OPERATOR = {"role": Role.OPERATOR}
_REFUSALS = documented(
    HTTPStatus.UNAUTHORIZED, HTTPStatus.CONFLICT, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNPROCESSABLE_ENTITY
)
_REFUSALS_OF_ONE = _REFUSALS | documented(HTTPStatus.NOT_FOUND)
AlertName = Annotated[str, Parameter(description="The rule's name.")]


@patch(
    "/v1/settings",
    summary="Change settings",
    tags=["changes"],
    opt=_OPERATOR,
    responses=_REFUSALS_OF_ONE,
    request_max_body_size=MOST_BODY_BYTES,
)
async def change_settings(
    request: Request[Caller, None, State], state: State, data: JSONBody[SettingsPatch]
) -> Changed:
    """Change threshold, basis and mutes as an operator, symbols and what is saved as an admin; for all viewers. The
    answer comes when the node goes by it."""
    if data.symbols is not UNSET or data.save:
        _require(Role.ADMIN, request)
    reader: NodeReader = state.reader
    mutes = {} if data.mutes is UNSET else {key_of(route_id): muted for route_id, muted in data.mutes.items()}
    if len(mutes) > MOST_MUTES:
        raise Declined(HTTPStatus.UNPROCESSABLE_ENTITY, f"mutes: found {len(mutes)}, expected at most {MOST_MUTES}")
    for key in mutes:
        if not is_route(key, reader.instruments, reader.intro.route_kinds):
            raise Declined(HTTPStatus.NOT_FOUND, f"mutes: found {key[0]:x}-{key[1]:x}, which is no route of this node")
    wanted = {"signals.threshold_pct": data.threshold_pct, "signals.basis": data.basis, "symbols": data.symbols}
    texts = {key: toml_text(value) for key, value in wanted.items() if value is not UNSET}
    writer: NodeWriter = state.writer
    changed = Changed([], [], False)
    if texts:
        changed = await _change(writer, texts, save=data.save)
    for (buy_id, sell_id), is_muted in mutes.items():
        await writer.ask(SetMute(buy_id, sell_id, is_muted), Done)
        changed.changes.append(_mute_change(f"{buy_id:x}-{sell_id:x}", is_muted=is_muted))
    return changed


@get("/v1/alerts", summary="Alerts", tags=["changes"], responses=documented(HTTPStatus.CONFLICT))
async def alerts(state: State) -> AlertRules:
    """The rules that decide what is told to people, as they are in force."""
    told = await _told(state.writer)
    rules = {name: msgspec.msgpack.decode(raw, type=AlertRule) for name, raw in told.rules.items()}
    return AlertRules([Alert(name, name in told.made, rules[name]) for name in sorted(rules)])


@post(
    "/v1/alerts",
    summary="Add an alert",
    tags=["changes"],
    opt=_OPERATOR,
    responses=_REFUSALS,
    request_max_body_size=MOST_BODY_BYTES,
)
async def add_alert(state: State, data: JSONBody[NewAlert]) -> Changed:
    """Add a rule, for all viewers and for later runs of the node."""
    if "." in data.name or not data.name:
        raise Declined(HTTPStatus.UNPROCESSABLE_ENTITY, f"name: found {data.name!r}, expected letters, digits, - and _")
    if data.name in (await _told(state.writer)).rules:
        raise Declined(HTTPStatus.CONFLICT, f"{data.name}: there is an alert of this name: delete it, or take another")
    default = msgspec.to_builtins(AlertRule())
    given = {key: value for key, value in msgspec.to_builtins(data.rule).items() if value != default[key]}
    texts = {f"alerts.rules.{data.name}.{key}": toml_text(value) for key, value in given.items()}
    return await _change(state.writer, texts or {f"alerts.rules.{data.name}": "{}"}, save=True)


@patch(
    "/v1/alerts/{name:str}",
    summary="Mute an alert",
    tags=["changes"],
    opt=_OPERATOR,
    responses=_REFUSALS_OF_ONE,
    request_max_body_size=MOST_BODY_BYTES,
)
async def mute_alert(state: State, name: AlertName, data: JSONBody[AlertPatch]) -> Changed:
    """Mute a rule or hear it again, for all viewers and for later runs of the node."""
    await _known(state.writer, name)
    return await _change(state.writer, {f"alerts.rules.{name}.muted": toml_text(data.muted)}, save=True)


@delete(
    "/v1/alerts/{name:str}",
    summary="Delete an alert",
    tags=["changes"],
    opt=_OPERATOR,
    responses=_REFUSALS_OF_ONE,
    status_code=HTTPStatus.OK,
)
async def delete_alert(state: State, name: AlertName) -> Changed:
    """Delete a rule that a viewer has added."""
    told = await _known(state.writer, name)
    if name not in told.made:
        raise Declined(HTTPStatus.CONFLICT, f"{name}: it stands in the settings file: delete it there, or mute it")
    return await _change(state.writer, {f"alerts.rules.{name}": None}, save=True)


async def _told(writer: NodeWriter) -> Alerts:
    return await writer.ask(TellAlerts(), Alerts)


async def _known(writer: NodeWriter, name: str) -> Alerts:
    told = await _told(writer)
    if name not in told.rules:
        raise Declined(HTTPStatus.NOT_FOUND, f"{name}: there is no such alert; /v1/alerts lists those there are")
    return told


async def _change(writer: NodeWriter, texts: Mapping[str, str | None], *, save: bool) -> Changed:
    reply = await writer.ask(ChangeSettings(dict(texts), save), SettingsChanged)
    changes = [ChangedKey(each.key, each.before, each.after, each.needs_restart) for each in reply.changes]
    return Changed(changes, list(reply.notes), reply.is_saved)


def _mute_change(route_id: str, *, is_muted: bool) -> ChangedKey:
    words = {True: "muted", False: "heard"}
    return ChangedKey(f"mutes.{route_id}", words[not is_muted], words[is_muted], False)


def _require(role: Role, request: Request[Caller, None, State]) -> None:
    caller: Caller = request.scope["user"]
    if not caller.role.may(role):
        detail = f"{caller.name} is {caller.role}: symbols and save need a token of the role {role}"
        raise Declined(HTTPStatus.FORBIDDEN, detail)


CHANGE_PATHS = (change_settings, alerts, add_alert, mute_alert, delete_alert)
