"""What the API's settings need of each other and of this machine: libraries, files, and care where others can call."""

import ssl
from collections.abc import Iterator
from pathlib import Path

from arbsniper_tui.config.api_settings import ApiSettings
from arbsniper_tui.config.extras import missing_for_api
from arbsniper_tui.config.kinds import LEAST_SECRET_BYTES
from arbsniper_tui.model.errors import ConfigError


def secret_of(api: ApiSettings) -> str:
    """What tokens are signed with; empty where the settings name nothing. Raises ConfigError for a file that cannot be
    read or holds too little."""
    if not api.secret_file:
        return api.secret
    secret = _text_of("secret_file", api.secret_file, "a file with a secret")
    if (found := len(secret.encode())) < LEAST_SECRET_BYTES:
        expected = f"at least {LEAST_SECRET_BYTES} bytes, as `openssl rand -hex 32` prints them"
        raise ConfigError(f"api.secret_file: {api.secret_file}: found {found} bytes, expected {expected}")
    return secret


def public_key_of(api: ApiSettings) -> str:
    """The public key of tokens as PEM; empty where the settings name none. Raises ConfigError for a file that cannot be
    read or holds something else."""
    if not api.public_key_file:
        return ""
    # Only those who use such a key need the library, which takes 50 ms to load.
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    expected = "a public Ed25519 key as PEM, as `openssl pkey -in PRIVATE -pubout` prints it"
    text = _text_of("public_key_file", api.public_key_file, expected)
    try:
        is_fit = isinstance(load_pem_public_key(text.encode()), Ed25519PublicKey)
    except ValueError:
        is_fit = False
    if not is_fit:
        raise ConfigError(f"api.public_key_file: {api.public_key_file}: found something else, expected {expected}")
    return text


def unmet_needs(api: ApiSettings) -> Iterator[tuple[str, str]]:
    """Why this API cannot be started, each with the key that it is about."""
    if missing := missing_for_api():
        yield "api.enabled", missing
        return
    if not api.is_on_loopback:
        reached = f"found {api.listen}, which other machines may reach; expected"
        if not api.auth:
            yield "api.listen", f"{reached} auth = true beside it, so that tokens say who may"
        if not (api.certificate_file or api.behind_proxy):
            tls = "certificate_file and private_key_file beside it, or behind_proxy = true where a proxy does TLS"
            yield "api.listen", f"{reached} {tls}"
    named = [name for name in ("secret", "secret_file", "public_key_file") if getattr(api, name)]
    if len(named) > 1:
        yield f"api.{named[1]}", f"found it beside api.{named[0]}, expected one: it says how tokens are signed"
    for read in (secret_of, public_key_of, _check_certificate):
        try:
            read(api)
        except ConfigError as error:
            where, _, words = str(error).partition(": ")
            yield where, words


def require_api(api: ApiSettings) -> None:
    """Raises ConfigError that says all that is unmet."""
    if found := [f"{key}: {why}" for key, why in unmet_needs(api)]:
        raise ConfigError("\n".join(found))


def _check_certificate(api: ApiSettings) -> None:
    files = (api.certificate_file, api.private_key_file)
    if not any(files):
        return
    if not all(files):
        raise ConfigError("api.certificate_file: found one of two files, expected private_key_file beside it")
    try:
        # A key with a password would be asked for on the terminal.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(*files, password=lambda: "")
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        expected = "a certificate and its own key, as PEM, without a password"
        found = " and ".join(files)
        raise ConfigError(f"api.certificate_file: {found}: cannot be used ({why}), expected {expected}") from None


def _text_of(key: str, file: str, expected: str) -> str:
    try:
        return Path(file).read_text().strip()
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise ConfigError(f"api.{key}: {file}: cannot be read ({why}), expected {expected}") from None
