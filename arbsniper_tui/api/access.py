"""Who may ask, from where and how much: the settings of the API, with what stands in the files that they name."""

import secrets
from typing import Literal

from msgspec import Struct

from arbsniper_tui.api.token_file import TokenFile
from arbsniper_tui.config.api_needs import public_key_of, secret_of
from arbsniper_tui.config.api_settings import ApiSettings
from arbsniper_tui.config.kinds import LEAST_SECRET_BYTES
from arbsniper_tui.config.settings import Settings
from arbsniper_tui.model.errors import StateError
from arbsniper_tui.model.redis_url import RedisUrl, read_redis_url
from arbsniper_tui.runtime.state_folder import StateFolder, host_name

SECRET_NAME = "token-secret"


class TokenKey(Struct, frozen=True):
    """What tokens are checked with; the algorithm is this one, whatever a token says."""

    algorithm: Literal["HS256", "EdDSA"]
    text: str
    """A secret, or a public key as PEM."""

    def __repr__(self) -> str:
        return f"TokenKey({self.algorithm})"


class Access(Struct, frozen=True):
    """All that the process needs to know of it. What is left out makes an API on loopback that everyone may read."""

    audience: str = ""
    """For whom tokens have to be made."""
    token_key: TokenKey | None = None
    """None: no token is taken."""
    state_node: str = ""
    """The name under which the tokens that were made stand in the state folder; empty for none."""
    revoked_in: RedisUrl | None = None
    """Where ids are read too that count no more; of a node's own API."""
    needs_token: bool = False
    behind_proxy: bool = False
    any_host: bool = False
    """Whether every name that leads here is answered to."""
    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    requests_per_s: float = ApiSettings().requests_per_s
    certificate_file: str = ""
    private_key_file: str = ""

    @property
    def scheme(self) -> str:
        """Of the URLs at which it answers."""
        return "https" if self.certificate_file else "http"


ON_LOOPBACK = Access()


def node_name(settings: Settings) -> str:
    """Under which name the settings' node keeps what outlives a run."""
    return settings.node.name or host_name()


def audience_of(settings: Settings) -> str:
    """For whom the settings' tokens are made."""
    return settings.api.audience or node_name(settings)


def shared_redis_of(settings: Settings) -> RedisUrl | None:
    """Where ids are revoked for all who share the settings' audience: tokens of other machines count there too. None
    where tokens are for this node alone."""
    is_shared = settings.api.audience and settings.redis.mode == "url"
    return read_redis_url(settings.redis.url) if is_shared else None


def token_key_of(settings: Settings, folder: StateFolder | None) -> TokenKey:
    """What tokens are checked with; without a secret in the settings, that of the state folder, which is made where it
    is missing. Without a folder it is one that nobody knows. Raises ConfigError, StateError and FolderError."""
    if public_key := public_key_of(settings.api):
        return TokenKey("EdDSA", public_key)
    secret = secret_of(settings.api)
    if not secret:
        fresh = secrets.token_hex(LEAST_SECRET_BYTES)
        secret = fresh if folder is None else folder.change(SECRET_NAME, lambda kept: fresh if kept is None else kept)
        if len(secret) < LEAST_SECRET_BYTES:
            where = folder and folder.path / SECRET_NAME
            raise StateError(f"{where}: expected a secret of {len(fresh)} letters, found {len(secret)}: remove it")
    return TokenKey("HS256", secret)


def read_access(settings: Settings, *, is_live: bool) -> Access:
    """What the settings say. Only a live node reads and leaves anything in the state folder. Raises ConfigError,
    StateError and FolderError."""
    api = settings.api
    node = node_name(settings) if is_live else ""
    folder = StateFolder(node) if node else None
    if folder is not None:
        # Here, where it can be said at once; the process that answers would only die again and again.
        TokenFile(folder).read()
    return Access(
        audience=audience_of(settings),
        token_key=token_key_of(settings, folder),
        state_node=node,
        revoked_in=shared_redis_of(settings) if is_live else None,
        needs_token=api.auth,
        behind_proxy=api.behind_proxy,
        any_host=not (api.is_on_loopback or api.hosts),
        hosts=api.hosts,
        origins=api.origins,
        requests_per_s=api.requests_per_s,
        certificate_file=api.certificate_file,
        private_key_file=api.private_key_file,
    )
