"""Reads keys of Redis without waiting for a master that does not answer: one server, behind Sentinels, or a Cluster."""

import asyncio
from collections.abc import Sequence
from typing import Any, cast

import redis.asyncio
from redis.asyncio.cluster import ClusterNode, RedisCluster
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import MasterNotFoundError, Sentinel
from redis.backoff import NoBackoff
from redis.exceptions import RedisClusterException, RedisError, ResponseError

from arbsniper_tui.model.errors import RedisUnreachable
from arbsniper_tui.model.redis_url import Address, RedisKind, RedisUrl, written_address
from arbsniper_tui.sinks.masters import named_master
from arbsniper_tui.sinks.open_socket import POOL_ARGUMENTS, url_arguments

ANSWER_WITHIN_S = 1.0
_FAILURES = (RedisError, RedisClusterException, OSError, asyncio.TimeoutError)
# What redis-py leaves without types.
_redis_of, _node_of = cast(Any, redis.asyncio.Redis), cast(Any, ClusterNode)


class RedisKeys:
    """Every call raises RedisUnreachable where nothing answers in time."""

    def __init__(self, url: RedisUrl) -> None:
        self._shown = url.shown
        self._client, self._is_cluster = _client_of(url), url.kind is RedisKind.CLUSTER

    async def close(self) -> None:
        await self._client.aclose()

    async def names(self, pattern: str) -> list[str]:
        """The keys of this pattern."""
        try:
            async with asyncio.timeout(2 * ANSWER_WITHIN_S):
                return [key.decode(errors="replace") async for key in self._client.scan_iter(match=pattern, count=1000)]
        except _FAILURES as error:
            raise await self._lost(error) from error

    async def values(self, keys: Sequence[str]) -> dict[str, bytes | None]:
        """The strings of these keys, None for one that is not there; without those whose master does not answer."""
        if not keys:
            return {}
        found = await asyncio.gather(
            *(self._some(each) for each in await self._by_master(keys)), return_exceptions=True
        )
        values: dict[str, bytes | None] = {}
        failures = [each for each in found if isinstance(each, BaseException)]
        for each in found:
            if not isinstance(each, BaseException):
                values |= each
        if failures:
            lost = await self._lost(failures[0])
            if len(failures) == len(found):
                raise lost
        return values

    async def ask(self, *command: str | int) -> Any:
        """The reply to one command."""
        try:
            async with asyncio.timeout(2 * ANSWER_WITHIN_S):
                return await self._client.execute_command(*command)
        except _FAILURES as error:
            raise await self._lost(error) from error

    async def _by_master(self, keys: Sequence[str]) -> list[list[str]]:
        if not self._is_cluster:
            return [list(keys)]
        by_master: dict[str, list[str]] = {}
        try:
            async with asyncio.timeout(2 * ANSWER_WITHIN_S):
                await self._client.initialize()
                for key in keys:
                    by_master.setdefault(self._client.get_node_from_key(key).name, []).append(key)
        except _FAILURES as error:
            raise await self._lost(error) from error
        return list(by_master.values())

    async def _some(self, keys: list[str]) -> dict[str, bytes | None]:
        """Of one master."""
        async with asyncio.timeout(2 * ANSWER_WITHIN_S):
            if not self._is_cluster:
                return dict(zip(keys, await self._client.mget(keys), strict=True))
            pipeline = self._client.pipeline()
            for key in keys:
                pipeline.get(key)
            found = await pipeline.execute(raise_on_error=False)
            for each in found:
                if isinstance(each, Exception) and not str(each).startswith("WRONGTYPE"):
                    raise each
            return {key: value if isinstance(value, bytes) else None for key, value in zip(keys, found, strict=True)}

    async def _lost(self, error: BaseException) -> RedisUnreachable:
        """Asks Sentinels and the Cluster anew with the next command."""
        if self._is_cluster:
            await self._client.aclose()
        return RedisUnreachable(f"{self._shown}: {error or 'no answer'}")


class _Sentinels(Sentinel):
    """redis-py asks them for the master; one that is wrong would be believed, and the others not asked."""

    async def discover_master(self, service_name: str) -> Address:
        failures = []
        for sentinel in list(self.sentinels):
            # Others go first if the time is over before this one has answered.
            self._move(sentinel, len(self.sentinels))
            at, client = written_address(_address_of(sentinel)), cast(Any, sentinel)
            try:
                address = named_master(await client.execute_command("SENTINEL", "MASTERS"), service_name)
                at += f" names {written_address(address)}"
                await self._check(*address)
            except (*_FAILURES, RedisUnreachable) as error:
                failures.append(f"{at}: {error or 'no answer'}")
            else:
                self._move(sentinel, 0)
                return address
        raise MasterNotFoundError(f"no Sentinel leads to a master {service_name} ({'; '.join(failures)})")

    def _move(self, sentinel: Any, place: int) -> None:
        self.sentinels.remove(sentinel)
        self.sentinels.insert(place, sentinel)

    async def _check(self, host: str, port: int) -> None:
        async with _redis_of(host=host, port=port, **self.connection_kwargs) as named:
            try:
                role = (await named.execute_command("ROLE"))[0].decode()
            except ResponseError:
                return  # a user may be allowed to read and not to ask for this
        if role != "master":
            raise RedisUnreachable(f"expected a master, found a {role}")


def _address_of(client: Any) -> Address:
    options = client.connection_pool.connection_kwargs
    return options["host"], options["port"]


def _client_of(url: RedisUrl) -> Any:
    options: dict[str, Any] = {
        "socket_timeout": ANSWER_WITHIN_S,
        "socket_connect_timeout": ANSWER_WITHIN_S,
        "retry": Retry(NoBackoff(), 0),
        "protocol": 2,
    }
    if url.kind is RedisKind.SERVER:
        return redis.asyncio.Redis.from_url(url.text, **options)
    arguments = url_arguments(url.of_server(url.addresses[0]))
    if arguments.pop("connection_class", None) is not None:
        options["ssl"] = True
    for name in (*POOL_ARGUMENTS, "host", "port"):
        arguments.pop(name, None)
    if url.kind is RedisKind.CLUSTER:
        arguments.pop("db", None)
        nodes = [_node_of(*address) for address in url.addresses]
        return RedisCluster(startup_nodes=nodes, require_full_coverage=False, **(arguments | options))
    own = url_arguments(url.of_sentinel(url.addresses[0]))
    own.pop("connection_class", None)
    own = {name: value for name, value in own.items() if name not in ("host", "port", *POOL_ARGUMENTS)} | options
    return cast(Any, _Sentinels)(url.addresses, sentinel_kwargs=own, **(arguments | options)).master_for(url.service)
