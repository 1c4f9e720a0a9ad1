import pytest

from agent.adapters.offline_phrases import Create, Find, Order, Rename, understand

KINDS = ["project", "document", "site-plan"]


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("create a project called Summer Tour", Create("project", "Summer Tour")),
        ("Please create a new project named “Summer Tour”.", Create("project", "Summer Tour")),
        ("Could you make the PROJECT 'Summer Tour'!", Create("project", "Summer Tour")),
        ("add a site plan called Roof", Create("site-plan", "Roof")),
        ("rename the project Summer Tour to Winter Tour", Rename("project", "Summer Tour", "Winter Tour")),
        ("rename project From Here to There to Nowhere", Rename("project", "From Here to There", "Nowhere")),
        ("find the document Contract", Find("document", "Contract")),
        ("show me all projects", Find("project", None)),
        ("list documents named 'A'", Find("document", "A")),
        ("create a\n project \n called\tTwo  Words", Create("project", "Two Words")),
    ],
)
def test_plain_orders_are_understood(text: str, order: Order) -> None:
    assert understand(text, KINDS) == order


@pytest.mark.parametrize(
    "text",
    ["", "hello", "create a spaceship called X", "create a project", "rename the project X", "what is the time?"],
)
def test_anything_else_is_not_guessed_at(text: str) -> None:
    assert understand(text, KINDS) is None


def test_without_kinds_nothing_is_understood() -> None:
    assert understand("create a project called X", []) is None
