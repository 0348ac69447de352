"""Values in notebooks: a tree of what is evaluated already; nothing is evaluated to show it."""

from __future__ import annotations

from html import escape

from ._native import Value

_MOST = 100
_DEEPEST = 4


def render(value: Value) -> str:
    """The value as HTML."""
    return f"<div style='font-family: monospace'>{_node(value, 0)}</div>"


def _node(value: Value, depth: int) -> str:
    kind = value.kind
    if kind == "thunk":
        return "<i>«thunk»</i>"
    if kind not in ("set", "list"):
        return escape(value.to_nix())
    if depth >= _DEEPEST:
        return escape(repr(value))
    children = (
        [(escape(name), child) for name, child in value.lazy_items()]
        if kind == "set"
        else [(str(i), child) for i, child in enumerate(value.elements())]
    )
    shown = "".join(f"<li>{name} = {_node(child, depth + 1)}</li>" for name, child in children[:_MOST])
    if len(children) > _MOST:
        shown += f"<li>… {len(children) - _MOST} more</li>"
    opened = " open" if depth == 0 else ""
    return f"<details{opened}><summary>{kind} of {len(children)}</summary><ul>{shown}</ul></details>"
