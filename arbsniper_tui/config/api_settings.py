"""The settings of the API: where it answers, whom, and how much. Declared as in settings.py."""

from ipaddress import ip_address
from typing import Annotated

from msgspec import Meta, Struct

from arbsniper_tui.config.kinds import ApiAddress, FilePath, HostNames, Origins, TokenSecret, option


class ApiSettings(Struct, frozen=True):
    """Programs that ask over HTTP. docs/api.md says what they are told, and how tokens are made."""

    enabled: Annotated[bool, option("--api")] = False
    """A process of its own answers them. It needs the extra `api`, as in `pip install '.[api]'`."""
    listen: ApiAddress = "127.0.0.1:8787"
    """Where. Port 0 takes any that is free, and the log says which. An address that other machines reach needs `auth`,
    and either TLS or `behind_proxy`."""
    auth: bool = False
    """Whether a token or a key is needed. Without, everyone on this machine reads, and a token is for more."""
    audience: str = ""
    """For whom tokens are made: one for another audience is refused. Left out: the name of the node."""
    secret: TokenSecret = ""
    """What tokens are signed with (HS256); best given in the environment. Left out: the node makes one and keeps it in
    the user's state folder."""
    secret_file: FilePath = ""
    """A file that holds the secret, in place of `secret`."""
    public_key_file: FilePath = ""
    """With it tokens are signed with an Ed25519 key (EdDSA), and no others count: the public key, as PEM."""
    certificate_file: FilePath = ""
    """Answers over TLS: the certificate and those above it, as PEM."""
    private_key_file: FilePath = ""
    """The private key of the certificate, as PEM, without a password."""
    behind_proxy: bool = False
    """A proxy stands before it, and does TLS. The address of who asks is then the last one in X-Forwarded-For."""
    hosts: HostNames = ()
    """The names that it answers to, beside those of this machine. Left out: on loopback none, elsewhere any."""
    origins: Origins = ()
    """Web pages of other sites whose scripts may read it, by their origin (CORS)."""
    requests_per_s: Annotated[float, Meta(gt=0, title="requests a second, above 0, as in 1000")] = 1000.0
    """How much one address may ask, with a second's worth at once; what is above it is answered 429."""

    @property
    def is_on_loopback(self) -> bool:
        """Whether this machine alone can reach it."""
        return ip_address(self.listen.rpartition(":")[0].strip("[]")).is_loopback
