"""Writes docs/api.md from the OpenAPI document that the API serves."""

from typing import Any

from arbsniper_tui.api.app import PATHS
from arbsniper_tui.api.crowd import MOST_CONNECTIONS, SILENT_S
from arbsniper_tui.api.describe import describe
from arbsniper_tui.api.door import MOST_BODY_BYTES
from arbsniper_tui.api.rate_limits import share_of
from arbsniper_tui.api.route_paths import MOST_BREAKDOWNS_PER_S
from arbsniper_tui.api.serve import HANDSHAKE_S, MOST_HEADER_BYTES
from arbsniper_tui.api.stream.limits import STREAM_LIMITS
from arbsniper_tui.api.tokens import LEEWAY_S

PAGE = """# The HTTP API

Made from `arbsniper_tui/api/` by `make docs`; a test holds this page to it.

What a node sees, for programs: `arbsniper-tui --api`, or `enabled = true` under `[api]`
([settings](settings.md#api)), and then `curl -s http://127.0.0.1:8787/v1/best/BTC-USDT`. It needs the extra `api`:
`pip install '.[api]'`. For a node that already runs without it, `arbsniper-tui api [ENDPOINT]` does the same by hand.
What changes is told as it changes by the WebSocket `/v1/stream`: [stream](stream.md).
At `/docs` is a page to try it, which loads nothing from another host; at `/v1/openapi.json` the OpenAPI 3.1 document.

A process of its own answers, a viewer like any terminal: it can be killed or hung, and no decision waits for it.
The node starts it again, at the same address.

- It listens on this machine alone, where everyone may read, until the settings say otherwise: [who may](#who-may). A
  `Host` that is not its own is answered 421, an `Origin` other than its own 403, so that no page of another site reads
  the node.
- Every answer has `Arbsniper-Time` (the node's clock, ms since 1970), `Arbsniper-Run` and `Arbsniper-Event` (the number
  of the node's last event in that run) as of the state that it was made from. The age of a quote is
  `Arbsniper-Time` minus its `received_at`. They are missing only until the node has first answered.
- `ETag`: asked again with `If-None-Match`, what has not changed is 304 without a body.
- A symbol in a path is written `BTC-USDT`, `BTC/USDT` or `BTC%2FUSDT`; a perpetual `BTC-USDT-USDT` or `BTC-USDT:USDT`.
- An error is `application/problem+json` (RFC 9457): `title`, `status`, `detail`, `instance`, `type`. 503 says that the
  node does not answer, as far as the API knows for 2 s: old prices do not pass for new ones.
- `/health/live` and `/health/ready` are for probes: they need no token, answer 200 or 503, and name what is not ready
  without its address. `/health` is the whole tree, and [`/metrics`](metrics.md) is for Prometheus.
- `arbsniper-tui api --redis-url URL` answers for all nodes that write to one Redis, as far as that holds it; 409 names
  each node's own API for the rest: [scale](scale.md).
- What the node tells its viewers is what it answers: all prices, and of the routes the 60 largest by the basis in
  force. Past events are the newest 2000.

- What changes something asks the node and is answered when the node goes by it: 422 where a value is wrong, 409 where
  the node cannot do it as things stand, 503 where it does not answer in time (it may still do it: GET `/v1/settings`
  says). Threshold, basis, mutes and alerts need the role operator; symbols and `"save": true` the role admin. What is
  not saved ends with the run; mutes and alerts are kept. [Settings](settings.md#while-a-node-runs) says what counts
  before what.

## Who may

| role | may |
|---|---|
| `viewer` | Read. |
| `operator` | Also change what signals: threshold, basis, mutes, alerts. |
| `admin` | Also change what is watched, and save settings. |

```
arbsniper-tui token create --role operator --days 7   # prints a token, once
arbsniper-tui token create --role viewer --key        # a static key: it counts until it is revoked, or for --days
arbsniper-tui token list
arbsniper-tui token revoke 5f0c2a9be1d34786           # in force within a second, on nodes that run too; for good
curl -s -H "Authorization: Bearer $TOKEN" http://127.0.0.1:8787/v1/prices
```

On loopback whoever shows nothing is a viewer; with `auth = true` everyone needs a token, but for `/docs`, the OpenAPI
document and what a container's health check asks. What is shown and does not count is 401, also where nothing is
needed; a role that is not enough is 403. Tokens and keys are for nodes of one name (`[node] name`) that read the same
state folder. A demo does not read it: there only tokens count, and only those signed with a secret or a key
that the settings name.

- A **token** is a JWT with `sub`, `role`, `aud`, `nbf`, `exp` and `jti`, all of them needed. Without more settings it
  is signed with a secret of the node's own (HS256), which it keeps in the state folder. `[api] secret` (best as
  `ARBSNIPER_API__SECRET`) or `secret_file` replaces that. With `public_key_file` it is Ed25519 (EdDSA), and nothing
  else counts: `token create --signing-key FILE` signs with the private key, which no node needs. `aud` is
  `[api] audience`, by default the node's name. Clocks may be {leeway_s} s apart.
- A **key** is 256 random bits; the state folder holds its SHA-256 alone.
- **Revoked** is an id: for nodes that read the state folder, and with `--redis-url`, or where the settings share tokens
  by `[api] audience` and `[redis] mode = "url"`, for all that read that Redis ([scale](scale.md#tokens)). A stream that
  is open is closed within {check_s:g} s.

Before other machines can call, the settings have to name TLS and `auth`, or the program does not start:

```toml
[api]
enabled = true
listen = "0.0.0.0:8787"
auth = true
certificate_file = "/etc/arbsniper/fullchain.pem"   # or behind_proxy = true, where a proxy does TLS
private_key_file = "/etc/arbsniper/privkey.pem"
hosts = ["node.example.org"]                        # left out: any name
origins = ["https://desk.example.org"]              # left out: no page of another site
```

Behind a proxy the last address in `X-Forwarded-For` counts as the client: the proxy has to add the one that it sees, as
nginx does with `proxy_add_x_forwarded_for`, and to pass on `Host`, which `hosts` then names.

| limit | |
|---|---|
| requests of one address | `requests_per_s` (1000), of IPv6 of one /64; above it 429 with `Retry-After` |
| breakdowns for one address | {breakdowns_per_s} a second |
| connections | {connections}; the most silent are closed (503 until then) |
| connections of one address; behind a proxy, its requests in hand | {share}, of this machine {share_here}; then 429 |
| without a new request, also while headers come slowly or an answer is not read | {silent_s:g} s |
| until TLS begins | {handshake_s:g} s |
| body | {body_kib} KiB (413), with `Content-Length` (411) |
| headers | {header_kib} KiB (400) |

## Paths

| method and path | answers | parameters |
|---|---|---|
{paths}

## Fields

A field that may be null says when. Signals have the fields of [signals](signals.md).

{structs}
"""


def api_page() -> str:
    """docs/api.md."""
    document = describe(PATHS)
    schemas = document["components"]["schemas"]
    paths = "\n".join(
        _path_row(f"{method.upper()} {path}", operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    )
    told = {name: each for name, each in schemas.items() if "properties" in each and name != "Signal"}
    return PAGE.format(
        leeway_s=LEEWAY_S,
        breakdowns_per_s=MOST_BREAKDOWNS_PER_S,
        check_s=STREAM_LIMITS.check_callers_every_s,
        connections=MOST_CONNECTIONS,
        share=share_of(MOST_CONNECTIONS, "192.0.2.1"),
        share_here=share_of(MOST_CONNECTIONS, "127.0.0.1"),
        silent_s=SILENT_S,
        handshake_s=HANDSHAKE_S,
        body_kib=MOST_BODY_BYTES // 1024,
        header_kib=MOST_HEADER_BYTES // 1024,
        paths=paths,
        structs="\n\n".join(_fields(name, each) for name, each in told.items()),
    )


def _path_row(path: str, operation: dict[str, Any]) -> str:
    responses = operation["responses"]
    ok = responses.get("200", responses.get("201"))["content"]["application/json"]["schema"]
    parameters = [f"`{each['name']}`: {each['description']}" for each in operation.get("parameters", ())]
    if body := operation.get("requestBody"):
        name = _name(body["content"]["application/json"]["schema"])
        parameters.append(f"a body: [{name}](#{name.lower()})")
    answer = f"[{_name(ok)}](#{_name(ok).lower()}): {operation['description']}"
    return f"| `{path}` | {' '.join(answer.split())} | {'<br>'.join(parameters)} |"


def _fields(name: str, schema: dict[str, Any]) -> str:
    rows = "\n".join(
        f"| `{field}` | {_holds(each)} | {each.get('description', '')} |"
        for field, each in schema["properties"].items()
    )
    return f"### {name}\n\n{schema['description']}\n\n| field | holds | |\n|---|---|---|\n{rows}"


def _holds(schema: dict[str, Any]) -> str:
    """What a field may hold, in words."""
    if "oneOf" in schema:
        return " or ".join(_holds(each) for each in schema["oneOf"])
    if "$ref" in schema:
        return f"`{_name(schema)}`"
    if schema["type"] == "array":
        return f"list of {_holds(schema['items'])}"
    return {"string": "text", "integer": "whole number", "boolean": "true or false", "object": "numbers by name"}.get(
        schema["type"], str(schema["type"])
    )


def _name(schema: dict[str, Any]) -> str:
    return str(schema["$ref"]).rpartition("/")[2]
