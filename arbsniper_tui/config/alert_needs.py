"""What the targets of alerts need of this machine: the secret in a file, and the library apprise."""

import sys
from importlib.util import find_spec
from pathlib import Path

from arbsniper_tui.config.alert_settings import AlertTargetSettings
from arbsniper_tui.model.errors import ConfigError

INSTALL = f"{sys.executable} -m pip install 'apprise>=2.2,<3'"


def secret_of(target: AlertTargetSettings) -> str:
    """What a webhook is signed with; empty for a target that needs none. Raises ConfigError for a file that cannot be
    read or holds nothing."""
    if target.secret_file is None:
        return target.secret or ""
    try:
        secret = Path(target.secret_file).read_text().strip()
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise ConfigError(f"{target.secret_file}: cannot be read ({why}), expected a file with a secret") from None
    if not secret:
        raise ConfigError(f"{target.secret_file}: found nothing, expected a file with a secret")
    return secret


def unmet_need(target: AlertTargetSettings) -> str:
    """Why this target cannot be reached from here, and what to do; empty for no reason."""
    if target.url is not None and find_spec("apprise") is None:
        return f"the library apprise is not installed, which reaches it: {INSTALL}"
    try:
        secret_of(target)
    except ConfigError as error:
        return str(error)
    return ""
