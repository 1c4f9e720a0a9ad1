"""Documents of several services become one, and no reference leads astray."""

from typing import Any

from chassis.http.failures import Unavailable
from chassis.http.problems import MEDIA_TYPE, problems
from gateway.documents.merge import merge
from gateway.documents.own import add_gateway_answers

BASE: dict[str, Any] = {"openapi": "3.1.0", "paths": {}, "components": {"schemas": {"Problem": {"type": "object"}}}}


def a_document(path: str, schemas: dict[str, Any], uses: str, operation_id: str = "get") -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{uses}"}}}
    operation = {"operationId": operation_id, "responses": {"200": {"description": "ok", "content": content}}}
    return {"paths": {path: {"get": operation}}, "components": {"schemas": schemas}}


def schema_at(document: dict[str, Any], path: str) -> str:
    answer = document["paths"][path]["get"]["responses"]["200"]
    reference: str = answer["content"]["application/json"]["schema"]["$ref"]
    return reference.rpartition("/")[2]


def everything(service: str, path: str) -> bool:
    return True


def test_equal_components_are_kept_once() -> None:
    shared = {"Problem": {"type": "object"}}
    merged = merge(
        BASE, [("b", a_document("/b", shared, "Problem")), ("a", a_document("/a", shared, "Problem"))], everything
    )
    assert merged["components"]["schemas"] == shared
    assert (schema_at(merged, "/a"), schema_at(merged, "/b")) == ("Problem", "Problem")


def test_a_name_with_two_meanings_is_named_after_its_service() -> None:
    first = a_document("/a", {"Body": {"type": "string"}}, "Body")
    second = a_document("/b", {"Body": {"type": "integer"}}, "Body")
    merged = merge(BASE, [("chats", second), ("agent", first)], everything)
    assert merged["components"]["schemas"]["Body"] == {"type": "string"}
    assert merged["components"]["schemas"]["ChatsBody"] == {"type": "integer"}
    assert (schema_at(merged, "/a"), schema_at(merged, "/b")) == ("Body", "ChatsBody")


def test_what_refers_to_a_renamed_component_is_renamed_with_it() -> None:
    outer = {"properties": {"inner": {"$ref": "#/components/schemas/Inner"}}}
    first = a_document("/a", {"Outer": outer, "Inner": {"type": "string"}}, "Outer")
    second = a_document("/b", {"Outer": outer, "Inner": {"type": "integer"}}, "Outer")
    merged = merge(BASE, [("a", first), ("b", second)], everything)
    schemas = merged["components"]["schemas"]
    assert schema_at(merged, "/b") == "BOuter"
    assert schemas["BOuter"]["properties"]["inner"] == {"$ref": "#/components/schemas/BInner"}
    assert schemas["Outer"]["properties"]["inner"] == {"$ref": "#/components/schemas/Inner"}


def test_components_that_refer_to_each_other_are_renamed_together() -> None:
    def pair(kind: str) -> dict[str, Any]:
        return {
            "Left": {"properties": {"right": {"$ref": "#/components/schemas/Right"}}},
            "Right": {"type": kind, "properties": {"left": {"$ref": "#/components/schemas/Left"}}},
        }

    first, second = a_document("/a", pair("object"), "Left"), a_document("/b", pair("array"), "Left")
    schemas = merge(BASE, [("a", first), ("b", second)], everything)["components"]["schemas"]
    assert schemas["BLeft"]["properties"]["right"]["$ref"].endswith("/BRight")
    assert schemas["BRight"]["properties"]["left"]["$ref"].endswith("/BLeft")


def test_the_order_in_which_services_answer_changes_nothing() -> None:
    first = ("a", a_document("/a", {"Body": {"type": "string"}}, "Body"))
    second = ("b", a_document("/b", {"Body": {"type": "integer"}}, "Body"))
    assert merge(BASE, [first, second], everything) == merge(BASE, [second, first], everything)


def test_operation_ids_stay_unique() -> None:
    first, second = a_document("/a", {}, "Problem", "list"), a_document("/b", {}, "Problem", "list")
    merged = merge(BASE, [("a", first), ("b", second)], everything)
    assert [merged["paths"][path]["get"]["operationId"] for path in ("/a", "/b")] == ["list", "b_list"]


def test_paths_that_are_not_routed_stay_out() -> None:
    merged = merge(BASE, [("a", a_document("/a", {}, "Problem"))], lambda service, path: False)
    assert merged["paths"] == {}


def test_the_base_is_not_changed() -> None:
    merge(BASE, [("a", a_document("/a", {"Body": {"type": "string"}}, "Body"))], everything)
    assert BASE == {"openapi": "3.1.0", "paths": {}, "components": {"schemas": {"Problem": {"type": "object"}}}}


def test_what_the_gateway_answers_stands_beside_what_the_service_answers() -> None:
    own = {"200": {"description": "ok"}, "503": problems(Unavailable)[503]}
    answers = add_gateway_answers({"parameters": [], "get": {"responses": own}})["get"]["responses"]
    assert {"200", "400", "408", "503", "504"} == set(answers)
    assert {"unavailable", "service-away", "answer-lost"} == set(answers["503"]["content"][MEDIA_TYPE]["examples"])
    assert answers["200"] == {"description": "ok"}
