"""What of a URL may be shown: never a user, a password, a query or a fragment."""

import pytest

from arbsniper_tui.model.public_url import public_url


@pytest.mark.parametrize(
    ("url", "public"),
    [
        ("https://api.example/v3/list", "https://api.example/v3/list"),
        ("http://user:hunter2@127.0.0.1:80/list?key=hunter3#hunter4", "http://127.0.0.1:80/list"),
        ("http://user:hunter/2@host/list", "http://host/list"),
        ("user:hunter2@host/list", "host/list"),
        ("wss://user:hunter2@", "wss://"),
        ("http://user:hunter2@[::1", "http://[::1"),
        ("/relative?key=hunter2", "/relative"),
        ("", ""),
    ],
)
def test_only_what_tells_the_place_is_kept(url: str, public: str) -> None:
    assert public_url(url) == public
