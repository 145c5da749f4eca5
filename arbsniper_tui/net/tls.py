"""The certificates that this machine trusts, read once for all connections of a process."""

import asyncio
import ssl
from functools import cache


async def tls_context() -> ssl.SSLContext:
    """What a client needs for TLS. The first call reads the certificates, in a thread: no quote waits the 30 ms."""
    return await asyncio.to_thread(_trusting_context)


@cache
def _trusting_context() -> ssl.SSLContext:
    return ssl.create_default_context()
