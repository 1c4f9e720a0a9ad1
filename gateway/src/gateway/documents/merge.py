"""Several OpenAPI documents as one: paths side by side, components under one name unless they differ."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

Document: TypeAlias = dict[str, Any]
_Component: TypeAlias = tuple[str, str]
"""Section and name, e.g. `("schemas", "Problem")`."""

_METHODS = frozenset({"get", "put", "post", "delete", "options", "head", "patch", "trace"})


def merge(base: Document, parts: Iterable[tuple[str, Document]], keep: Callable[[str, str], bool]) -> Document:
    """`base` with the paths of all parts for which `keep(service, path)` holds, and the components they use.

    A component that two services define differently is named after its service in the later one
    (`ChatBody` → `AgentChatBody`), and so is each that refers to such a one; operation ids likewise.
    """
    merged: Document = {**base, "paths": dict(base["paths"])}
    components = {section: dict(named) for section, named in base.get("components", {}).items()}
    taken = {operation["operationId"] for operation in _operations(merged["paths"]) if "operationId" in operation}
    for service, part in sorted(parts, key=lambda named: named[0]):
        renamed = _take_components(components, service, part.get("components", {}))
        for path, item in part.get("paths", {}).items():
            if keep(service, path):
                merged["paths"][path] = _with_free_ids(_rewrite(item, renamed), service, taken)
    merged["paths"] = dict(sorted(merged["paths"].items()))
    merged["components"] = {section: dict(sorted(named.items())) for section, named in sorted(components.items())}
    return merged


def _take_components(
    known: dict[str, dict[str, Any]], service: str, own: Mapping[str, Mapping[str, Any]]
) -> dict[str, str]:
    """Adds a service's components to the known ones; answers which references change, from what to what."""
    components = {(section, name): content for section, named in own.items() for name, content in named.items()}
    renamed: dict[str, str] = {}
    while conflicts := [each for each in components if _conflicts(known, each, components[each], renamed)]:
        for section, name in conflicts:
            renamed[_reference(section, name)] = _reference(section, _free_name(known, section, service, name))
    for (section, name), content in components.items():
        reference = _reference(section, name)
        final = renamed.get(reference, reference).rpartition("/")[2]
        known.setdefault(section, {})[final] = _rewrite(content, renamed)
    return renamed


def _conflicts(
    known: Mapping[str, Mapping[str, Any]], component: _Component, content: object, renamed: Mapping[str, str]
) -> bool:
    """Security schemes never do: operations call them by name, and all services have the same."""
    section, name = component
    if section == "securitySchemes" or _reference(section, name) in renamed or name not in known.get(section, {}):
        return False
    return bool(known[section][name] != _rewrite(content, renamed))


def _free_name(known: Mapping[str, Mapping[str, Any]], section: str, service: str, name: str) -> str:
    wanted = f"{service.capitalize()}{name}"
    while wanted in known.get(section, {}):
        wanted += "_"
    return wanted


def _reference(section: str, name: str) -> str:
    return f"#/components/{section}/{name}"


def _rewrite(value: Any, renamed: Mapping[str, str]) -> Any:
    """A copy with new references. Any string that is one counts, since discriminators map to plain strings."""
    if not renamed:
        return value
    if isinstance(value, dict):
        return {key: _rewrite(inner, renamed) for key, inner in value.items()}
    if isinstance(value, list):
        return [_rewrite(inner, renamed) for inner in value]
    return renamed.get(value, value) if isinstance(value, str) else value


def _operations(paths: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    return (operation for item in paths.values() for method, operation in item.items() if method in _METHODS)


def _with_free_ids(item: dict[str, Any], service: str, taken: set[str]) -> dict[str, Any]:
    """The path item, its operation ids changed where another service has used them."""
    found = {}
    for method, operation in item.items():
        known = operation.get("operationId") if method in _METHODS else None
        if known is not None:
            free = f"{service}_{known}" if known in taken else known
            taken.add(free)
            operation = {**operation, "operationId": free}
        found[method] = operation
    return found
