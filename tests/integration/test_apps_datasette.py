"""Datasette behind the door: tables with different readers, and the other spellings of a table's address."""

from __future__ import annotations

import json
from collections.abc import Iterator

import apps
import pytest
from gateway import Gateway, serving
from issuer import POLICY_HEAD, bearer

pytestmark = pytest.mark.apps

# `/shop?sql=…` runs any query, so the database itself is for analysts; who may see one table gets its address alone.
POLICY = (
    POLICY_HEAD
    + """
[roles]
analyst = ["customer"]

[[rule]]
name    = "front"
path    = ["/", "/-/static/**", "/-/versions.json"]
methods = ["GET"]
access  = "public"
[[rule]]
name    = "items"
path    = ["/shop/items", "/shop/items.json", "/shop/items/{id}", "/shop/items.csv"]
methods = ["GET"]
roles   = ["customer"]
[[rule]]
name    = "salaries"
path    = ["/shop/salaries/**", "/shop/salaries.json", "/shop/salaries.csv"]
roles   = ["analyst"]
hide    = true
[[rule]]
name  = "queries"
path  = ["/shop/**", "/shop.json", "/shop.db"]
roles = ["analyst"]
"""
)
CUSTOMER, ANALYST = ("carol", ["customer"]), ("ann", ["analyst"])


@pytest.fixture(scope="module")
def door() -> Iterator[Gateway]:
    with apps.datasette() as app, serving(POLICY, app.url) as gateway:
        gateway.add_user("carol", "correct horse", "customer")
        yield gateway


def test_the_front_page_is_public_and_whole(door: Gateway) -> None:
    answer = door.get("/")
    assert answer.status == 200
    assert b"</html>" in answer.body


def test_anonymous_is_challenged_at_a_table(door: Gateway) -> None:
    answer = door.get("/shop/items.json")
    assert answer.status == 401
    assert answer.schemes[0] == "Bearer"


def test_a_customer_reads_the_table_through_the_door(door: Gateway) -> None:
    answer = door.get("/shop/items.json?_shape=array&name=lamp", bearer(*CUSTOMER))
    assert json.loads(answer.body) == [{"id": 1, "name": "lamp", "owner": "carol"}]


def test_a_session_reads_it_as_well(door: Gateway) -> None:
    assert door.get("/shop/items", door.log_in("carol", "correct horse")).status == 200


def test_the_query_part_of_an_address_reaches_the_application_unchanged(door: Gateway) -> None:
    answer = door.get("/shop.json?sql=select+%27a%26b%3D1%27+as+x&_shape=array", bearer(*ANALYST))
    assert json.loads(answer.body) == [{"x": "a&b=1"}]


def test_a_customer_may_not_run_queries_of_his_own(door: Gateway) -> None:
    assert door.get("/shop.json?sql=select+*+from+salaries", bearer(*CUSTOMER)).status == 403


@pytest.mark.parametrize(
    "target",
    [
        "/shop/salaries",
        "/shop/salaries.json",
        "/shop/salaries/1",
        "/shop/%73alaries.json",
        "/shop/items/../salaries.json",
        "/shop/items/%2e%2e/salaries.json",
        "/shop//salaries.json",
        "/shop/salaries%2ejson",
        "/shop/salaries.json;x=1",
        "/shop/items%2f..%2fsalaries.json",
        "/shop/SALARIES.json",
        "/shop/~73alaries.json",
        "//shop/salaries.json",
        "/./shop/salaries.json",
        "/shop\\salaries.json",
        "/shop/salaries.json%00",
        "http://127.0.0.1/shop/salaries.json",
    ],
)
def test_no_spelling_of_the_hidden_table_gives_a_customer_its_rows(door: Gateway, target: str) -> None:
    answer = door.get(target, bearer(*CUSTOMER))
    assert answer.status in {400, 403, 404, 421}
    assert b"4200" not in answer.body


def test_the_hidden_table_answers_like_one_that_does_not_exist(door: Gateway) -> None:
    # The neighbour is refused by the rule `queries`, so to a known caller an absent one is a 404 only under the name.
    hidden = door.get("/shop/salaries", bearer(*CUSTOMER))
    assert hidden.status == 404
    assert b"salaries" not in hidden.body


def test_an_analyst_reads_the_hidden_table(door: Gateway) -> None:
    answer = door.get("/shop/salaries.json?_shape=array", bearer(*ANALYST))
    assert json.loads(answer.body) == [{"id": 1, "amount": 4200}]


def test_a_table_the_application_does_not_know_is_its_own_404(door: Gateway) -> None:
    assert door.get("/shop/items/99", bearer(*CUSTOMER)).status == 404


def test_a_method_that_no_rule_takes_is_refused_though_the_path_is_readable(door: Gateway) -> None:
    assert door.ask("POST", "/shop/items", bearer("carol", ["customer"]), body=b"x").status == 403
    assert door.ask("POST", "/", body=b"x").status == 401


def test_a_csv_export_arrives_whole(door: Gateway) -> None:
    answer = door.get("/shop/items.csv?_stream=on", bearer(*CUSTOMER))
    assert answer.body.split() == [b"id,name,owner", b"1,lamp,carol", b"2,chair,dave", b"3,desk,carol"]
