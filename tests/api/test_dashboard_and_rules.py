"""The dashboard and the alert rules of deploy/: each query asks for what /metrics of a real node gives."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
import yaml
from api_stage import ApiStage
from msgspec import Struct
from prometheus_client.parser import text_string_to_metric_families
from redis_server import free_port
from waiting import DEADLINE_S, wait_until

from arbsniper_tui.api.metrics.declared import Kind
from arbsniper_tui.api.metrics.page import METRICS

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
DASHBOARD = DEPLOY / "grafana" / "arbsniper-tui.json"
RULES = DEPLOY / "prometheus" / "alerts.yml"
CONFIG = DEPLOY / "prometheus" / "prometheus.yml"
BESIDE_A_CONTAINER = DEPLOY / "prometheus" / "compose.yml"
FIRINGS = Path(__file__).with_name("alerts_test.yml")

LABELS = {each.name: {*each.labels, "job", "instance"} for each in METRICS}
HISTOGRAMS = {each.name for each in METRICS if each.kind is Kind.HISTOGRAM}
_NAME = re.compile(r"arbsniper_[a-z_]+")
_SELECTOR = re.compile(r"(arbsniper_[a-z_]+)\{([^}]*)\}")
_MATCHER = re.compile(r"([a-z_]+)\s*(?:=~|!~|!=|=)")
_GROUPED = re.compile(r"by \(([^)]*)\)")

promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed here")


class Target(Struct):
    refId: str  # noqa: N815 - Grafana's name  # Grafana's spelling, as are those below
    expr: str
    datasource: dict[str, str]
    legendFormat: str  # noqa: N815 - Grafana's name


class Place(Struct):
    x: int
    y: int
    w: int
    h: int


class Panel(Struct):
    id: int
    type: str
    title: str
    gridPos: Place  # noqa: N815 - Grafana's name
    targets: list[Target] = []


class Variable(Struct):
    name: str
    type: str
    query: Any


class Templating(Struct):
    list: list[Variable]


class Dashboard(Struct):
    uid: str
    title: str
    schemaVersion: int  # noqa: N815 - Grafana's name
    panels: list[Panel]
    templating: Templating


def dashboard() -> Dashboard:
    return msgspec.json.decode(DASHBOARD.read_bytes(), type=Dashboard)


def rules() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def queries() -> Iterator[tuple[str, str]]:
    """Where each query stands, and the query."""
    for panel in dashboard().panels:
        yield from ((panel.title, target.expr) for target in panel.targets)
    yield from ((rule["alert"], rule["expr"]) for rule in rules())


def metric_of(series: str) -> str:
    """The metric that a series belongs to: a histogram has several."""
    name = re.sub("_(bucket|count|sum)$", "", series)
    return name if name in HISTOGRAMS else series


def test_the_dashboard_has_what_grafana_needs_to_import_it() -> None:
    board = dashboard()
    assert board.uid and board.title and board.schemaVersion >= 36
    variables = {each.name: each for each in board.templating.list}
    assert variables["datasource"].type == "datasource" and variables["datasource"].query == "prometheus"
    assert len({panel.id for panel in board.panels}) == len(board.panels)
    for panel in board.panels:
        assert panel.title and panel.gridPos.x + panel.gridPos.w <= 24
        assert bool(panel.targets) == (panel.type != "row"), panel.title
        for target in panel.targets:
            assert target.datasource["uid"] == "${datasource}"
        assert len({target.refId for target in panel.targets}) == len(panel.targets)


def test_no_two_panels_of_the_dashboard_lie_on_each_other() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in dashboard().panels:
        place = panel.gridPos
        cells = {(x, y) for x in range(place.x, place.x + place.w) for y in range(place.y, place.y + place.h)}
        assert not taken & cells, panel.title
        taken |= cells


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: str(rule["alert"]))
def test_a_rule_says_what_happened_how_bad_it_is_and_what_to_do(rule: dict[str, Any]) -> None:
    assert rule["alert"].startswith("Arbsniper")
    assert rule["labels"]["severity"] in ("info", "warning", "critical")
    assert "$labels.instance" in rule["annotations"]["summary"]
    assert len(rule["annotations"]["description"]) > 60
    for label in re.findall(r"\$labels\.([a-z_]+)", rule["annotations"]["summary"]):
        kept = [each for group in _GROUPED.findall(rule["expr"]) for each in re.split(r"[,\s]+", group)]
        names = _NAME.findall(rule["expr"])
        assert label in kept if kept else not names or label in LABELS[metric_of(names[0])], label


@pytest.mark.parametrize(("where", "query"), queries())
def test_a_query_asks_for_labels_that_its_metric_has(where: str, query: str) -> None:
    for series, matchers in _SELECTOR.findall(query):
        for label in _MATCHER.findall(matchers):
            assert label in LABELS[metric_of(series)], f"{where}: {series} has no label {label}"
    grouped = {label for group in _GROUPED.findall(query) for label in re.split(r"[,\s]+", group)}
    of_query = set.union({"le"}, *(LABELS.get(metric_of(series), set()) for series in _NAME.findall(query)))
    assert grouped <= of_query, where


def test_every_query_asks_for_what_a_real_node_gives(quoting: ApiStage) -> None:
    page = quoting.get("/metrics").text
    told = set(re.findall(r"^# TYPE (\S+) ", page, re.MULTILINE))
    assert {metric_of(series) for _, query in queries() for series in _NAME.findall(query)} <= told


@pytest.mark.parametrize("file", [CONFIG, BESIDE_A_CONTAINER])
def test_the_configuration_scrapes_the_path_and_reads_the_rules(file: Path) -> None:
    config = yaml.safe_load(file.read_text())
    (job,) = config["scrape_configs"]
    assert job["metrics_path"] == "/metrics" and job["job_name"] == "arbsniper"
    assert config["rule_files"] == [RULES.name]


def check(*arguments: str, given: str = "") -> None:
    done = subprocess.run(["promtool", *arguments], input=given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@promtool
def test_promtool_takes_the_rules_and_the_configuration() -> None:
    check("check", "rules", "--lint=all", "--lint-fatal", str(RULES))
    check("check", "config", str(CONFIG))
    check("check", "config", "--syntax-only", str(BESIDE_A_CONTAINER))  # its token is in the container alone


def test_every_rule_is_tried() -> None:
    assert set(re.findall(r'alertname="(\w+)"', FIRINGS.read_text())) == {rule["alert"] for rule in rules()}


@promtool
def test_rules_fire_when_they_should() -> None:
    check("test", "rules", str(FIRINGS))


@promtool
def test_promtool_takes_the_metrics_of_a_real_node(quoting: ApiStage) -> None:
    check("check", "metrics", given=quoting.get("/metrics").text)


@contextmanager
def prometheus_in(folder: Path) -> Iterator[httpx.Client]:
    """Prometheus by the configuration in this folder, and requests to it."""
    started: list[subprocess.Popen[bytes]] = []

    def starts() -> httpx.Client | None:
        """None where something else took the port meanwhile."""
        address = f"127.0.0.1:{free_port()}"
        arguments = ["prometheus", "--config.file=prometheus.yml", "--storage.tsdb.path=data"]
        with (folder / "log").open("wb") as log:
            command = [*arguments, f"--web.listen-address={address}"]
            started.append(subprocess.Popen(command, cwd=folder, stdout=log, stderr=log))
        client = httpx.Client(base_url=f"http://{address}", trust_env=False, timeout=DEADLINE_S)
        wait_until(lambda: started[-1].poll() is not None or is_ready(client), (folder / "log").read_text)
        return client if started[-1].poll() is None else None

    def is_ready(client: httpx.Client) -> bool:
        try:
            return client.get("/-/ready").is_success
        except httpx.TransportError:
            return False

    try:
        with closing(wait_until(starts)) as client:
            yield client
    finally:
        for process in started:
            process.terminate()
            process.wait()


@pytest.mark.skipif(shutil.which("prometheus") is None, reason="Prometheus is not installed here")
def test_a_real_prometheus_scrapes_a_real_node(quoting: ApiStage, tmp_path: Path) -> None:
    config = yaml.safe_load(CONFIG.read_text())
    config["global"] = {"scrape_interval": "1s"}
    config["scrape_configs"][0]["static_configs"][0]["targets"] = [quoting.client.base_url.netloc.decode()]
    shutil.copy(RULES, tmp_path)
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(config))
    with prometheus_in(tmp_path) as client:

        def found(path: str, **asked: str) -> Any:
            return client.get(f"/api/v1/{path}", params=asked).json()["data"]

        def value_of(query: str) -> float | None:
            result = found("query", query=query)["result"]
            return float(result[0]["value"][1]) if result else None

        def stores_all() -> bool:
            """What the node tells now may be newer than the last scrape."""
            families = text_string_to_metric_families(quoting.get("/metrics").text)
            told = {sample.name for family in families for sample in family.samples}
            return told - set(found("label/__name__/values")) <= {name for name in told if "_api_" in name}

        def log_text() -> str:
            return (tmp_path / "log").read_text()[-2000:]

        wait_until(lambda: value_of('up{job="arbsniper"}') == 1, log_text)
        wait_until(lambda: value_of("sum(arbsniper_node_up)") == 1, log_text)
        wait_until(lambda: (value_of("sum(arbsniper_quotes_total)") or 0) > 0, log_text)
        wait_until(stores_all, log_text)
        groups = found("rules")["groups"]
        assert [rule["health"] for group in groups for rule in group["rules"] if rule["health"] == "err"] == []
