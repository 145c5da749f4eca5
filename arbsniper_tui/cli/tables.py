"""The tables that verbs print."""

import sys
from collections.abc import Iterable

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from arbsniper_tui.model.verdict import Verdict, ratio_words
from arbsniper_tui.model.words import counted
from arbsniper_tui.runtime.exit_codes import say
from arbsniper_tui.tools.benchmark.report import Load, Report
from arbsniper_tui.tools.doctor.checks import Finding
from arbsniper_tui.tools.identity import Quarantine
from arbsniper_tui.tools.status import NodeHealth
from arbsniper_tui.tools.venue_rows import VenueRow
from arbsniper_tui.ui.format import span
from arbsniper_tui.venues.requests import Rate

# Without a terminal's width as the limit, a row stays on its line.
WIDTH_WITHOUT_TERMINAL = 200
_COLOURS = {"ok": "green", "warn": "yellow", "degraded": "yellow", "fail": "bold red", "down": "bold red"}


def console() -> Console:
    """A console on stdout, wide where stdout is no terminal, so that nothing is cut for `grep`."""
    return Console(width=None if sys.stdout.isatty() else WIDTH_WITHOUT_TERMINAL)


def venues_table(rows: Iterable[VenueRow]) -> Table:
    """What each venue supports, a row a market."""
    table = _table("venue", "market", "channel", "taker", "symbol form", "sizes in", "list", "time", "funding")
    table.columns[3].justify = "right"
    for row in rows:
        table.add_row(
            row.venue,
            row.market,
            f"closed {row.closed}" if row.closed else row.channel,
            f"{row.taker_fee_pct:g} %",
            row.symbol_form,
            row.sizes,
            "needed" if row.needs_list else "",
            "told" if row.has_venue_time else "none",
            "both" if "," in row.facts else row.facts,
        )
    return table


def quarantine_tables(found: Quarantine) -> list[Table | str]:
    """What a node holds, in words where it holds nothing, and the verdicts that are kept."""
    node = f"{found.node} holds no coin" if found.node else "no node runs here"
    shown: list[Table | str] = [_held_table(found) if found.held else node]
    return [*shown, _verdicts_table(found.kept)] if found.kept else shown


def _held_table(found: Quarantine) -> Table:
    """Coins in quarantine, a row a price: first the coin that is held, then its peers."""
    table = _table("held", "symbol", "price", "currency", "ratio", "coin", "contract", "why")
    for column in (table.columns[2], table.columns[4]):
        column.justify = "right"
    for held in found.held:
        said = f"{held.why}; you said: {held.verdict}" if held.verdict else held.why
        own = held.own
        price = f"{own.price:.6g}" if own.price else "-"
        table.add_row(
            own.venue, own.symbol, price, held.currency, ratio_words(held.ratio), own.coin_name, own.contract, said
        )
        for peer in held.peers:
            table.add_row(
                f"  {peer.venue}",
                peer.symbol,
                f"{peer.price:.6g}",
                held.currency,
                "",
                peer.coin_name,
                peer.contract,
                "",
            )
    return table


def _verdicts_table(kept: Iterable[Verdict]) -> Table:
    """What you have said."""
    table = _table("verdict on", "symbol", "is", "said", "seen then")
    for each in kept:
        table.add_row(each.venue, each.symbol, each.in_words, each.said, each.seen)
    return table


def limits_table(rows: Iterable[VenueRow]) -> Table:
    """What each venue takes from one address, a row a market; a dash where it states no limit. Streams and messages
    are of one connection."""
    table = _table(
        "venue", "market", "streams", "connections", "new ones", "messages", "lifetime", "keep-alive", "books of"
    )
    for column in table.columns[2:-1]:
        column.justify = "right"
    for row in rows:
        table.add_row(
            row.venue,
            row.market,
            f"{row.streams_a_connection}",
            "-" if row.connections is None else f"{row.connections}",
            _rate(row.connects),
            _rate(row.messages),
            "-" if row.lifetime_h is None else f"{row.lifetime_h:g} h",
            "-" if row.keep_alive_every_s is None else f"each {row.keep_alive_every_s:g} s",
            row.relays,
        )
    return table


def _rate(rate: Rate | None) -> str:
    """`10 in 1 s`, `300 in 5 min`."""
    if rate is None:
        return "-"
    minutes = rate.within_s / 60
    return f"{rate.most} in " + (f"{minutes:g} min" if minutes >= 1 else f"{rate.within_s:g} s")


def _table(*headings: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def findings_table(findings: list[Finding]) -> Table:
    """The findings as a table; the verdict is a word as well as a colour."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("check", "verdict", "found", "what to do"):
        table.add_column(heading, overflow="fold")
    for finding in findings:
        verdict = Text(finding.verdict, style=_COLOURS[finding.verdict])
        table.add_row(Text(finding.check), verdict, Text(finding.found), Text(finding.advice))
    return table


def print_health(health: NodeHealth) -> None:
    """A node in two lines, then its parts; below a part what of it is not well. One that does not answer is said on
    standard error."""
    figures = health.figures
    if figures is None:
        say(health.words)
        return
    title = Text(f"{health.node} ({health.mode}, {health.version}, process {health.pid}): ")
    title.append(health.state.value, style=_COLOURS[health.state])
    shown = [
        row
        for part in health.parts
        for row in ((part.name, part), *((f"  {each.name}", each) for each in part.parts if each.state != "ok"))
    ]
    width = max(len(name) for name, _ in shown)
    done = (
        f"{figures.exchanges_live} of {figures.exchanges} exchanges live",
        counted(figures.connections, "connection"),
        counted(figures.quotes, "quote"),
        counted(figures.signals, "signal"),
        f"{figures.open_opportunities:,} open",
        f"up {span(figures.uptime_s)}",
        counted(figures.viewers, "viewer"),
    )
    lines = [
        Text.assemble(f"{name:<{width}}  ", (f"{each.state:<8}", _COLOURS[each.state]), f"  {each.words}")
        for name, each in shown
    ]
    console().print(title, Text(", ".join(done)), *lines, sep="\n", soft_wrap=True)


def print_report(report: Report, console: Console) -> None:
    """Print the report as tables."""
    machine = report.machine
    console.print(
        f"arbsniper-tui {report.version}, Python {machine.python}, {machine.system}, {machine.cpus} CPUs",
        highlight=False,
    )
    for table in (_latency(report), _cpu(report), _costs(report)):
        console.print(table)


def _latency(report: Report) -> Table:
    table = _numbers("latency", *(f"{load.name}: {part}" for load in report.loads for part in ("p50", "p99")))
    names = [stage.name for stage in report.loads[0].stages]
    for index, name in enumerate(names):
        stages = [load.stages[index] for load in report.loads]
        cells = [_duration(us, stage.count) for stage in stages for us in (stage.p50_us, stage.p99_us)]
        table.add_row(f"stage {name}", *cells)
    arrivals = [load.arrivals for load in report.loads]
    cells = [
        text for each in arrivals for text in ((f"{each.p50_ms:g} ms", f"{each.p99_ms:g} ms") if each else ("-",) * 2)
    ]
    table.add_row("receipt to a Redis subscriber, ±0.5 ms", *cells)
    return table


def _cpu(report: Report) -> Table:
    table = _numbers("load", *(load.name for load in report.loads), "UI")
    ui, loads = report.ui, report.loads
    table.add_row("quotes a second", *(f"{load.quotes_per_s:,.0f}" for load in loads), "")
    table.add_row("quotes conflated", *(f"{load.conflated:,}" for load in loads), "")
    table.add_row("signals received", *(f"{_signals(load):,}" for load in loads), "")
    for index, worker in enumerate(loads[0].cpu):
        table.add_row(f"CPU of {worker.worker}, of a core", *(f"{load.cpu[index].share_pct:g} %" for load in loads), "")
    table.add_row("CPU of the UI, of a core", *("" for _ in loads), f"{ui.share_pct:g} %")
    total = [sum(worker.us_a_quote for worker in load.cpu) for load in loads]
    table.add_row("CPU a quote, both workers", *(f"{us:,.1f} us" for us in total), "")
    table.add_row(f"to a terminal of {ui.columns}x{ui.lines}", *("" for _ in loads), f"{ui.kib_per_s:g} KiB/s")
    return table


def _costs(report: Report) -> Table:
    table = _numbers("one step alone, median", "time", "for one")
    for cost in report.costs:
        table.add_row(cost.step, f"{cost.us:.2f} us", cost.a)
    return table


def _numbers(first: str, *others: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(first)
    for heading in others:
        table.add_column(heading, justify="right")
    return table


def _duration(us: float, count: int) -> str:
    if not count:
        return "-"
    return f"{us:,.0f} us" if us < 10_000 else f"{us / 1000:,.0f} ms"


def _signals(load: Load) -> int:
    return load.arrivals.signals if load.arrivals else 0
