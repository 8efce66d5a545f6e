"""Envoy's configuration: jwt_authn (RS256, keys inline) and rbac on the role claim, as decision point and as proxy.

Rule: nothing here starts anything.
"""

from __future__ import annotations

from typing import Any

from tokens import AUDIENCE, ISSUER, ROLE

_TYPE = "type.googleapis.com/envoy.extensions"


def _any(kind: str, **fields: Any) -> dict[str, Any]:
    return {"@type": f"{_TYPE}.{kind}", **fields}


def _jwt(jwks: str, cache: int) -> dict[str, Any]:
    provider: dict[str, Any] = {
        "issuer": ISSUER,
        "audiences": [AUDIENCE],
        "local_jwks": {"inline_string": jwks},
        "payload_in_metadata": "claims",
    }
    if cache:
        provider["jwt_cache_config"] = {"jwt_cache_size": cache}
    rules = [{"match": {"prefix": "/"}, "requires": {"provider_name": "bench"}}]
    kind = "filters.http.jwt_authn.v3.JwtAuthentication"
    return {"name": "jwt", "typed_config": _any(kind, providers={"bench": provider}, rules=rules)}


def _rbac() -> dict[str, Any]:
    metadata = {
        "filter": "envoy.filters.http.jwt_authn",
        "path": [{"key": "claims"}, {"key": "roles"}],
        "value": {"list_match": {"one_of": {"string_match": {"exact": ROLE}}}},
    }
    principals = [{"sourced_metadata": {"metadata_matcher": metadata}}]
    policy = {"permissions": [{"any": True}], "principals": principals}
    rules = {"action": "ALLOW", "policies": {"readers": policy}}
    return {"name": "rbac", "typed_config": _any("filters.http.rbac.v3.RBAC", rules=rules)}


def _listener(name: str, port: int, route: dict[str, Any], filters: list[dict[str, Any]]) -> dict[str, Any]:
    router = {"name": "router", "typed_config": _any("filters.http.router.v3.Router")}
    host = {"name": name, "domains": ["*"], "routes": [{"match": {"prefix": "/"}, **route}]}
    kind = "filters.network.http_connection_manager.v3.HttpConnectionManager"
    chain = _any(
        kind,
        stat_prefix=name,
        route_config={"virtual_hosts": [host]},
        http_filters=[*filters, router],
        generate_request_id=False,
    )
    return {
        "name": name,
        "address": _address(port),
        "filter_chains": [{"filters": [{"name": "hcm", "typed_config": chain}]}],
    }


def _address(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def _cluster(upstream: int) -> dict[str, Any]:
    endpoint = {"lb_endpoints": [{"endpoint": {"address": _address(upstream)}}]}
    assignment = {"cluster_name": "files", "endpoints": [endpoint]}
    return {"name": "files", "type": "STATIC", "connect_timeout": "5s", "load_assignment": assignment}


def build(decide: int, proxy: int, upstream: int, jwks: str, cache: int) -> dict[str, Any]:
    """The bootstrap configuration. decide, proxy, upstream: ports; cache: tokens kept, 0 = none."""
    filters = [_jwt(jwks, cache), _rbac()]
    answer = {"direct_response": {"status": 200}}
    listeners = [
        _listener("decide", decide, answer, filters),
        _listener("proxy", proxy, {"route": {"cluster": "files"}}, filters),
    ]
    return {"static_resources": {"listeners": listeners, "clusters": [_cluster(upstream)]}}
