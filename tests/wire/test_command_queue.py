"""Commands that must all be carried out, sent faster than they are answered."""

from collections.abc import Callable

import zmq

from arbsniper_tui.wire.endpoints import Endpoints
from arbsniper_tui.wire.messages import Command, Done, Reply, SetRules
from arbsniper_tui.wire.publisher import CommandServer
from arbsniper_tui.wire.viewing import SEND_AGAIN_S, CommandClient, CommandQueue

Context = zmq.Context[zmq.Socket[bytes]]


def test_every_command_arrives_once_and_in_order(
    context: Context, endpoints: Endpoints, wait_until: Callable[..., None]
) -> None:
    server = CommandServer(context, endpoints)
    # A clock that stands still: nothing is sent a second time.
    queue = CommandQueue(CommandClient(context, endpoints), lambda: 0.0)
    wanted = [SetRules(threshold_pct=float(number)) for number in range(20)]
    for command in wanted:
        queue.put(command)
    carried_out: list[Command] = []

    def carry_out(command: Command) -> Reply:
        carried_out.append(command)
        return Done()

    def all_arrived() -> bool:
        server.serve(carry_out)
        queue.pump()
        return len(carried_out) >= len(wanted)

    wait_until(all_arrived, lambda: carried_out)
    assert carried_out == wanted
    queue.close()
    server.close()


def test_a_command_to_a_node_that_was_away_is_sent_again(
    context: Context, endpoints: Endpoints, wait_until: Callable[..., None]
) -> None:
    clock_s = 0.0
    queue = CommandQueue(CommandClient(context, endpoints), lambda: clock_s)
    away = CommandServer(context, endpoints)
    queue.put(SetRules(basis="net"))
    away.close()
    server = CommandServer(context, endpoints)
    carried_out: list[Command] = []

    def carry_out(command: Command) -> Reply:
        carried_out.append(command)
        return Done()

    def arrived() -> bool:
        nonlocal clock_s
        clock_s += SEND_AGAIN_S
        queue.pump()
        server.serve(carry_out)
        return bool(carried_out)

    wait_until(arrived)
    assert carried_out[0] == SetRules(basis="net")
    queue.close()
    server.close()
