"""One self-contained HTML file: the recording, its pictures, and the script that plays it."""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import re
from collections.abc import Mapping
from html import escape
from importlib.resources import files
from typing import Any

from chainrule.viz import labels, notation
from chainrule.viz.layout import Layout, Scene, lay_out
from chainrule.viz.layout.scenes import WIDTH
from chainrule.viz.trace import Trace

PARTS = ("format.js", "replay.js", "scene.js", "panels.js", "controls.js", "stepper.js")
ROOM = WIDTH - 18.0  # px for the text of a box
_SHIM = """
const data = JSON.parse(document.getElementById("chainrule-data").textContent);
const state = { payload: data, step: 0 };
const set = (name, value) => (state[name] = value);
const model = { get: (name) => state[name], set, save_changes() {}, on() {}, off() {} };
widget.render({ model, el: document.getElementById("chainrule-page") });
try {
  // In a notebook the page stands in a frame below a still picture, which is for where no script runs.
  const frame = window.frameElement;
  const still = frame?.previousElementSibling;
  if (still?.classList.contains("chainrule-still")) still.style.setProperty("display", "none", "important");
  const light = frame?.ownerDocument.body.dataset.jpThemeLight; // JupyterLab's theme
  if (light) document.documentElement.dataset.theme = light === "true" ? "light" : "dark";
} catch { /* a frame of another origin: the picture stays */ }
"""
_PAGE_STYLE = "html,body{margin:0;height:100%}#chainrule-page{height:100vh;height:100dvh}"


def payload(graphs: Mapping[str, Trace], title: str) -> dict[str, Any]:
    """Everything that the script needs, laid out and written down: it computes nothing of this itself.

    Args:
        graphs: Recordings by the name of their tab.
        title: Shown above them.

    Returns:
        Plain data for JSON.
    """
    return {"title": title, "page": True, "graphs": [_graph(name, trace) for name, trace in graphs.items()]}


def module() -> str:
    """The stepper as one ES module without imports, `export default {render}`."""
    return "".join(_squeezed(part) for part in PARTS)


def style() -> str:
    """The stepper's style sheet."""
    return _squeezed("stepper.css")


def html(graphs: Mapping[str, Trace], title: str) -> str:
    """A page in which backprop can be stepped through.

    Args:
        graphs: Recordings by the name of their tab, at least one.
        title: The page's title.

    Returns:
        One HTML document. Its content policy allows its own script and style, and nothing else.

    Raises:
        ValueError: There is no graph to show.
    """
    if not graphs:
        raise ValueError("a page needs at least one graph, got none")
    script = "{" + module().replace("export default", "globalThis.widget =") + "}" + _SHIM
    css = _PAGE_STYLE + style()
    policy = (
        f"default-src 'none'; script-src {_digest(script)}; style-src {_digest(css)}; "
        "base-uri 'none'; form-action 'none'"
    )
    data = json.dumps(payload(graphs, title), allow_nan=False, separators=(",", ":"))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{css}</style></head>"
        '<body><div id="chainrule-page"></div>'
        "<noscript>This page steps through backprop with a script of its own; please allow it.</noscript>"
        f'<script type="application/json" id="chainrule-data">{_inert(data)}</script>'
        f"<script>{script}</script></body></html>\n"
    )


def _inert(data: str) -> str:
    """JSON that cannot end the script element it stands in, nor open a comment in it."""
    return data.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@functools.cache
def _squeezed(name: str) -> str:
    """A static file without comment lines, indentation, and the line ends and blanks that mean nothing."""
    text = files("chainrule.viz").joinpath("static", name).read_text(encoding="utf-8")
    lines = [line.strip() for line in text.splitlines() if not line.strip().startswith("//")]
    if name.endswith(".css"):
        return re.sub(r"(?<=[;:,{]) | (?={)", "", "".join(lines))
    # A line that ends open needs no line end, unless a comment of its own would then swallow the next.
    return "".join(
        line if "//" not in line and line.endswith((",", "(", "[", "{", ";")) else f"{line}\n"
        for line in lines
        if line
    )


def _graph(name: str, trace: Trace) -> dict[str, Any]:
    layout = lay_out(trace)
    data = trace.to_dict()
    names = labels.names(trace)
    sizes = _sizes(layout)
    return {
        "name": name,
        "names": names,
        "nodes": [_node(trace, names, node) for node in data["nodes"]],
        "homes": list(layout.grouping.home),
        "groups": [
            {
                "name": group.name,
                "title": labels.clip(group.name, ROOM - 22, labels.BOLD),
                "parent": group.parent,
                "size": sizes[group.id],
            }
            for group in layout.grouping.groups
        ],
        "scenes": [_scene(layout.scenes[key]) for key in (None, *range(len(sizes)))],
        "steps": data["steps"],
        "formulas": [_formula(entry) for entry in data["formulas"]],
        "sources": data["meta"].get("sources", {}),
    }


def _node(trace: Trace, names: list[str], node: dict[str, Any]) -> dict[str, Any]:
    """What the script needs of a node; what is None is left out."""
    kept = ("op", "parents", "line", "shape", "dtype", "role", "value", "formula")
    title = _title(trace, names, node["id"])
    size = labels.clip(labels.shape(trace.nodes[node["id"]]), 40, 9.5)
    return {key: node[key] for key in kept if key in node} | {"title": title, "size": size}


def _sizes(layout: Layout) -> list[int]:
    sizes = [0] * len(layout.grouping.groups)
    for home in layout.grouping.home:
        for group in layout.grouping.chain(home):
            sizes[group] += 1
    return sizes


def _title(trace: Trace, names: list[str], number: int) -> list[str]:
    """What stands at the left and at the right of a box's first line."""
    left, right = labels.title(trace.nodes[number], names[number])
    right = labels.clip(right, 44, 10.5)
    room = ROOM - (labels.width(right, 10.5) + 4 if right else 0)
    return [labels.clip(left, room, labels.BOLD), right]


def _formula(entry: Mapping[str, Any]) -> dict[str, Any]:
    def written(tree: notation.Expression | None) -> notation.Markup | None:
        return None if tree is None else notation.markup(tree)

    return {
        "forward": written(entry["forward"]),
        "contribution": [written(tree) for tree in entry["contribution"]],
        "local": [written(tree) for tree in entry["local"]],
    }


def _scene(scene: Scene) -> dict[str, Any]:
    return {
        "width": scene.width,
        "height": scene.height,
        "boxes": [[b.kind, b.ref, b.nodes, b.x, b.y, b.width, b.height] for b in scene.boxes],
        "wires": [
            {
                "nodes": wire.nodes,
                "segments": wire.segments,
                "taps": [[tap.box, tap.argument, tap.route] for tap in wire.taps],
            }
            for wire in scene.wires
        ],
    }
