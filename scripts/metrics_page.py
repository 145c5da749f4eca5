"""Writes docs/metrics.md from the metrics as they are declared."""

from collections.abc import Iterable
from typing import Any

from arbsniper_tui.api.metrics.declared import LE_S, Declared, Kind
from arbsniper_tui.api.metrics.of_api import API_METRICS
from arbsniper_tui.api.metrics.of_feeds import FEED_METRICS
from arbsniper_tui.api.metrics.of_node import NODE_METRICS

PAGE = """# Metrics for Prometheus

Made from `arbsniper_tui/api/metrics/` by `make docs`; a test holds this page to it.

```
arbsniper-tui --no-ui --api                                       # the node, with its API
curl -s http://127.0.0.1:8787/metrics                             # what Prometheus reads
prometheus --config.file=deploy/prometheus/prometheus.yml         # scrapes it, with the rules beside it
```

`deploy/prometheus/alerts.yml` holds alert rules, each with what to do; `deploy/grafana/arbsniper-tui.json` is a
dashboard that Grafana imports. Whoever may read the API may read `/metrics` ([API](api.md)); `authorization` in the
scrape configuration sends a token of the role viewer. The format is Prometheus' text, or OpenMetrics on request.

- The page is made from the newest state that the node has told its viewers, at most once a second: no scrape reaches
  the deciding process.
- Counters begin at 0 with each start of the worker that counts: use `rate` and `increase`. Durations are in seconds.
- While the node does not answer the API's process, `arbsniper_node_up` is 0 and nothing else is told of the node.
- No metric is by symbol: series follow from venues, markets, reasons and paths. Twelve venues in two markets make some
  600 series in the demo, as many with 300 symbols as with one, and 3,400 if every reason there is happened at every
  venue and every path had been answered in ten ways; a test holds the bound of 10,000. Prices by symbol are at
  `/v1/prices`.
- Histograms have the buckets 8 us and each doubling of it up to {longest_s:.1f} s.

## The node

{node}

## Venues

Summed over the connections of a market of a venue.

{feeds}

## The API

{api}
"""


def metrics_page() -> str:
    """docs/metrics.md."""
    tables = {"node": NODE_METRICS, "feeds": FEED_METRICS, "api": API_METRICS}
    rows = {name: _table(metrics) for name, metrics in tables.items()}
    return PAGE.format(longest_s=LE_S[-1], **rows)


def _table(metrics: Iterable[Declared[Any]]) -> str:
    rows = [f"| `{each.name}` | {_kind(each)} | {_labels(each)} | {each.words} |" for each in metrics]
    return "\n".join(["| metric | is a | labels | |", "|---|---|---|---|", *rows])


def _kind(metric: Declared[Any]) -> str:
    return Kind(metric.kind).value


def _labels(metric: Declared[Any]) -> str:
    return ", ".join(f"`{label}`" for label in metric.labels)
