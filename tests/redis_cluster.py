"""A Redis Cluster of three masters with a replica each, and Sentinels that watch a master: real servers on loopback."""

from functools import partial
from pathlib import Path
from typing import Any

import redis
from redis.crc import key_slot
from redis_server import RedisServer
from waiting import wait_until

MASTERS = 3
NODE_TIMEOUT_MS = 1500
SLOTS = 16384
_SENTINEL = """
port {port}
bind 127.0.0.1
dir "{folder}"
sentinel monitor mymaster 127.0.0.1 {master} {quorum}
sentinel down-after-milliseconds mymaster 1000
sentinel failover-timeout mymaster 4000
"""


class ClusterOfSix:
    """Joined as an operator would: MEET, ADDSLOTS, REPLICATE."""

    def __init__(self, folder: Path) -> None:
        options = (
            *("--cluster-enabled", "yes", "--cluster-node-timeout", str(NODE_TIMEOUT_MS)),
            *("--cluster-replica-validity-factor", "0", "--repl-diskless-sync-delay", "0"),
        )
        self.servers = [RedisServer(folder / f"node-{number}", *options) for number in range(2 * MASTERS)]

    @property
    def url(self) -> str:
        return "redis+cluster://" + ",".join(f"127.0.0.1:{each.port}" for each in self.servers)

    def start(self) -> None:
        """Start all and wait until the Cluster answers for every slot, and each master has its replica."""
        for each in self.servers:
            each.start()
        clients = [each.client() for each in self.servers]
        try:
            for server in self.servers[1:]:
                clients[0].execute_command("CLUSTER MEET", "127.0.0.1", server.port)
            ids = [client.execute_command("CLUSTER MYID").decode() for client in clients]
            for number in range(MASTERS):
                first, last = number * SLOTS // MASTERS, (number + 1) * SLOTS // MASTERS
                clients[number].execute_command("CLUSTER ADDSLOTS", *range(first, last))
            for master, replica in zip(ids, clients[MASTERS:], strict=False):
                wait_until(partial(_knows, replica, master))
                replica.execute_command("CLUSTER REPLICATE", master)
            wait_until(lambda: all(map(_is_whole, clients)), lambda: [_state(each) for each in clients])
            wait_until(lambda: all(each.info("replication")["connected_slaves"] for each in clients[:MASTERS]))
        finally:
            for each in clients:
                each.close()

    def master_of(self, key: str) -> RedisServer:
        """The server that holds this key now, of those that run."""
        slot = key_slot(key.encode())
        for each in self.servers:
            if each.runs and (owner := _owner(each, slot)):
                return next(server for server in self.servers if server.port == owner)
        raise LookupError(key)

    def client(self) -> Any:
        """redis-py's cluster client; close it."""
        alive = [redis.cluster.ClusterNode("127.0.0.1", each.port) for each in self.servers if each.runs]
        return redis.RedisCluster(startup_nodes=alive, require_full_coverage=False)

    def stop(self) -> None:
        for each in self.servers:
            each.stop()


def _knows(client: Any, node: str) -> bool:
    return node in _known(client)


def _known(client: Any) -> str:
    return str(client.execute_command("CLUSTER NODES"))


def _state(client: Any) -> str:
    return str(client.execute_command("CLUSTER INFO"))


def _is_whole(client: Any) -> bool:
    state = _state(client)
    return "cluster_state:ok" in state.replace("': '", ":") and _known(client).count("slave") >= MASTERS


def _owner(server: RedisServer, slot: int) -> int | None:
    client = server.client()
    try:
        for first, last, (_, port, *_), *_ in _slots(client):
            if first <= slot <= last:
                return int(port)
    except redis.RedisError:
        return None
    finally:
        client.close()
    return None


def _slots(client: Any) -> Any:
    with client.pipeline(transaction=False) as pipeline:
        pipeline.response_callbacks = {}
        pipeline.execute_command("CLUSTER", "SLOTS")
        return pipeline.execute()[0]


class Sentinels:
    """Three of them, and the master with its replica that they watch."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.servers: list[RedisServer] = []
        self._sentinels: list[RedisServer] = []

    def start(self) -> None:
        """Start all and wait until each Sentinel knows the replica and the others."""
        master = RedisServer(self._folder / "first", "--repl-diskless-sync-delay", "0")
        master.start()
        replica = RedisServer(
            self._folder / "second", "--replicaof", "127.0.0.1", str(master.port), "--repl-diskless-sync-delay", "0"
        )
        replica.start()
        self.servers = [master, replica]
        for number in range(3):
            folder = self._folder / f"sentinel-{number}"
            sentinel = SentinelServer(folder, master.port)
            sentinel.start()
            self._sentinels.append(sentinel)
        wait_until(lambda: all(each.knows_all for each in self._sentinels))

    @property
    def url(self) -> str:
        return "redis+sentinel://" + ",".join(f"127.0.0.1:{each.port}" for each in self._sentinels) + "/mymaster/0"

    def stop(self) -> None:
        for each in (*self._sentinels, *self.servers):
            each.stop()


class SentinelServer(RedisServer):
    """One Sentinel, which keeps what it learns in its configuration file."""

    def __init__(self, folder: Path, master_port: int) -> None:
        super().__init__(folder)
        self._master_port = master_port

    def _command(self, port: int) -> list[str]:
        file = self._folder / "sentinel.conf"
        file.write_text(
            _SENTINEL.format(port=port, folder=self._folder, master=self._master_port, quorum=2)
            + f'logfile "{self._folder / "log"}"\n'
        )
        return [str(file), "--sentinel"]

    @property
    def knows_all(self) -> bool:
        client = self.client()
        try:
            state = client.sentinel_masters()["mymaster"]
            return state["num-slaves"] == 1 and state["num-other-sentinels"] == 2 and not state["is_sdown"]
        finally:
            client.close()
