"""What has to be installed beside the program for parts of it that are off by default."""

import sys
from importlib.util import find_spec

from arbsniper_tui.model.errors import UsageError

API_LIBRARIES = ("litestar>=2.25,<3", "prometheus_client>=0.26,<1", "pyjwt[crypto]>=2.15,<3", "uvicorn>=0.54,<0.55")
OTEL_LIBRARIES = ("opentelemetry-exporter-otlp-proto-http>=1.45,<2", "opentelemetry-sdk>=1.45,<2")
_MODULES = {
    "opentelemetry-exporter-otlp-proto-http": "opentelemetry.exporter.otlp.proto.http",
    "opentelemetry-sdk": "opentelemetry.sdk",
    "pyjwt": "jwt",
}
"""What a library is imported as, where that is not its name."""


def require_api_libraries() -> None:
    """Raises UsageError where libraries of the API are not installed."""
    if missing := missing_for_api():
        raise UsageError(missing)


def missing_for_api() -> str:
    """Which libraries of the API are not installed, and how to install them; empty for none."""
    return _missing("the API needs", API_LIBRARIES)


def missing_for_otel() -> str:
    """The same of traces."""
    return _missing("traces need", OTEL_LIBRARIES)


def _missing(words: str, libraries: tuple[str, ...]) -> str:
    names = [each.partition(">")[0].partition("[")[0] for each in libraries]
    missing = [each for each in names if not _is_installed(_MODULES.get(each, each))]
    if not missing:
        return ""
    install = " ".join(f"'{each}'" for each in libraries)
    return f"{words} {', '.join(missing)}, not installed here: {sys.executable} -m pip install {install}"


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # a package that it stands in
        return False
