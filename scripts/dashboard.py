"""Writes the Grafana dashboard: panels in rows, each with its queries; Grafana imports the file as it is."""

import json
from typing import Any

from msgspec import Struct

_HEIGHT, _COLUMNS = 8, 24
_HERE = 'instance=~"$instance"'
_VENUES = f'{_HERE}, venue=~"$venue"'
_RATE = "[$__rate_interval]"
_SOURCE = {"type": "prometheus", "uid": "${datasource}"}


class Panel(Struct, frozen=True):
    """One graph, or one number."""

    title: str
    queries: tuple[tuple[str, str], ...]
    """PromQL, and the legend of what it gives."""
    unit: str = "short"
    kind: str = "timeseries"
    width: int = 8
    words: str = ""


def _number(title: str, query: str, unit: str = "short", words: str = "") -> Panel:
    return Panel(title, ((query, ""),), unit, "stat", 4, words)


def _stage(quantile: float) -> str:
    buckets = f"arbsniper_stage_duration_seconds_bucket{{{_HERE}}}"
    return f"histogram_quantile({quantile}, sum by (stage, le) (rate({buckets}{_RATE})))"


def _of_venues(name: str) -> str:
    return f"sum by (venue, market) (rate(arbsniper_{name}_total{{{_VENUES}}}{_RATE}))"


_PLACE = "{{venue}} {{market}}"
ROWS: dict[str, tuple[Panel, ...]] = {
    "Node": (
        _number("Ready", f"min(arbsniper_node_ready{{{_HERE}}})", words="1 while everything runs that the node needs."),
        _number("Uptime", f"min(arbsniper_uptime_seconds{{{_HERE}}})", "s"),
        _number("Quotes a second", f"sum(rate(arbsniper_quotes_total{{{_HERE}}}{_RATE}))"),
        _number("Open opportunities", f"sum(arbsniper_open_opportunities{{{_HERE}}})"),
        _number("Signals in an hour", f"sum(increase(arbsniper_signals_total{{{_HERE}}}[1h]))"),
        _number("Threshold", f"max(arbsniper_threshold_ratio{{{_HERE}}})", "percentunit"),
        Panel(
            "Parts that are not well",
            ((f'arbsniper_part_state{{{_HERE}, state!="ok"}} == 1', "{{part}} {{state}}"),),
            words="Nothing here is good. /health tells it in words.",
        ),
        Panel("Signals", ((f"sum(rate(arbsniper_signals_total{{{_HERE}}}{_RATE}))", "signals a second"),)),
        Panel(
            "Opportunities that still stood",
            (
                (
                    f"sum by (after_seconds) (increase(arbsniper_opportunities_survived_total{{{_HERE}}}[1h]))"
                    " / on () group_left "
                    f"sum(increase(arbsniper_opportunities_followed_total{{{_HERE}}}[1h]))",
                    "{{after_seconds}} s after the opening",
                ),
            ),
            "percentunit",
        ),
    ),
    "Decisions": (
        Panel("Stages, half are faster", ((_stage(0.5), "{{stage}}"),), "s"),
        Panel("Stages, 99 of 100 are faster", ((_stage(0.99), "{{stage}}"),), "s"),
        Panel(
            "Routes by the first gate that stops them",
            ((f"sum by (gate) (arbsniper_routes_waiting{{{_HERE}}})", "{{gate}}"),),
        ),
    ),
    "Venues": (
        Panel("Quotes a second", ((_of_venues("quotes"), _PLACE),)),
        Panel(
            "Dropped a second, by reason",
            (
                (
                    f"sum by (venue, reason) (rate(arbsniper_dropped_total{{{_VENUES}}}{_RATE})) > 0",
                    "{{venue}} {{reason}}",
                ),
            ),
        ),
        Panel("Replaced by newer ones a second", ((_of_venues("conflated_quotes"), _PLACE),)),
        Panel(
            "Connections that are not live",
            ((f'arbsniper_connections{{{_VENUES}, state!="live"}} > 0', "{{venue}} {{market}} {{state}}"),),
        ),
        Panel("Connected again in 15 minutes", ((f"increase(arbsniper_reconnects_total{{{_VENUES}}}[15m])", _PLACE),)),
        Panel("Bytes a second", ((_of_venues("received_bytes"), _PLACE),), "Bps"),
        Panel(
            "Age of quotes",
            (
                (f"arbsniper_quote_age_median_seconds{{{_VENUES}}}", f"{_PLACE} median"),
                (f"arbsniper_quote_age_max_seconds{{{_VENUES}}}", f"{_PLACE} oldest"),
            ),
            "s",
        ),
        Panel(
            "Instruments that take no part, by reason",
            ((f"sum by (venue, reason) (arbsniper_instruments_waiting{{{_VENUES}}})", "{{venue}} {{reason}}"),),
        ),
        Panel(
            "How late data come, and pings",
            (
                (f"arbsniper_lag_seconds{{{_VENUES}}}", f"{_PLACE} late"),
                (f"arbsniper_ping_seconds{{{_VENUES}}}", f"{_PLACE} ping"),
            ),
            "s",
        ),
    ),
    "Processes and Redis": (
        Panel("CPU", ((f"rate(arbsniper_process_cpu_seconds_total{{{_HERE}}}{_RATE})", "{{worker}}"),), "percentunit"),
        Panel("Memory", ((f"arbsniper_process_resident_memory_bytes{{{_HERE}}}", "{{worker}}"),), "bytes"),
        Panel("Starts in 15 minutes", ((f"increase(arbsniper_worker_restarts_total{{{_HERE}}}[15m])", "{{worker}}"),)),
        Panel("Redis", ((f"arbsniper_redis_state{{{_HERE}}} == 1", "{{state}}"),)),
        Panel(
            "Signals that wait for Redis, and lost ones",
            (
                (f"arbsniper_redis_waiting_signals{{{_HERE}}}", "waiting"),
                (f"increase(arbsniper_redis_lost_signals_total{{{_HERE}}}[1h])", "lost in an hour"),
            ),
        ),
        Panel("Ping of Redis", ((f"arbsniper_redis_ping_seconds{{{_HERE}}}", "{{instance}}"),), "s"),
    ),
    "API": (
        Panel(
            "Requests a second",
            ((f"sum by (path, code) (rate(arbsniper_api_requests_total{{{_HERE}}}{_RATE}))", "{{path}} {{code}}"),),
        ),
        Panel(
            "Requests, 99 of 100 are faster",
            (
                (
                    "histogram_quantile(0.99, sum by (path, le) "
                    f"(rate(arbsniper_api_request_duration_seconds_bucket{{{_HERE}}}{_RATE})))",
                    "{{path}}",
                ),
            ),
            "s",
        ),
        Panel("Connections", ((f"arbsniper_api_connections{{{_HERE}}}", "{{instance}}"),)),
    ),
}


def dashboard() -> str:
    """deploy/grafana/arbsniper-tui.json."""
    panels: list[dict[str, Any]] = []
    y = 0
    for title, row in ROWS.items():
        panels.append({"type": "row", "title": title, "collapsed": False, "panels": [], "gridPos": _at(0, y, 24, 1)})
        x, y = 0, y + 1
        height = 4 if row[0].kind == "stat" else _HEIGHT
        for panel in row:
            if x + panel.width > _COLUMNS:
                x, y = 0, y + height
                height = _HEIGHT
            panels.append(_panel(panel, _at(x, y, panel.width, height)))
            x += panel.width
        y += height
    for number, each in enumerate(panels, 1):
        each["id"] = number
    whole = {
        "uid": "arbsniper-tui",
        "title": "arbsniper-tui",
        "tags": ["arbsniper-tui"],
        "schemaVersion": 39,
        "editable": True,
        "refresh": "15s",
        "time": {"from": "now-3h", "to": "now"},
        "timezone": "browser",
        "templating": {"list": _variables()},
        "panels": panels,
    }
    return json.dumps(whole, indent=1) + "\n"


def _at(x: int, y: int, w: int, h: int) -> dict[str, int]:
    return {"x": x, "y": y, "w": w, "h": h}


def _panel(panel: Panel, place: dict[str, int]) -> dict[str, Any]:
    targets = [
        {"refId": chr(ord("A") + number), "datasource": _SOURCE, "expr": expr, "legendFormat": legend or "__auto"}
        for number, (expr, legend) in enumerate(panel.queries)
    ]
    return {
        "type": panel.kind,
        "title": panel.title,
        "description": panel.words,
        "datasource": _SOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "targets": targets,
    }


def _variables() -> list[dict[str, Any]]:
    def of_labels(name: str, query: str) -> dict[str, Any]:
        return {
            "name": name,
            "type": "query",
            "datasource": _SOURCE,
            "query": {"query": query, "refId": name},
            "refresh": 2,
            "multi": True,
            "includeAll": True,
            "current": {"text": "All", "value": "$__all"},
        }

    return [
        {"name": "datasource", "type": "datasource", "query": "prometheus", "current": {}},
        of_labels("instance", "label_values(arbsniper_node_up, instance)"),
        of_labels("venue", f"label_values(arbsniper_connections{{{_HERE}}}, venue)"),
    ]
