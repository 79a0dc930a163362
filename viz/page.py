"""One self-contained HTML file: the recording, its pictures, and the script that plays it."""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import zlib
from collections.abc import Mapping
from html import escape
from importlib.resources import files
from typing import Any
from urllib.parse import urlencode

from chainrule.viz import heat, labels, notation, packing
from chainrule.viz.layout import Layout, Scene, lay_out
from chainrule.viz.layout.scenes import WIDTH
from chainrule.viz.trace import Trace

# In the order in which they need each other; together they are one ES module.
PARTS = (
    "format.js", "replay.js", "camera.js", "heat.js", "boxes.js", "scene.js", "panels.js", "words.js",
    "paths.js", "predict.js", "breakpoints.js", "theatre.js", "elements.js", "links.js", "controls.js",
    "transport.js", "player.js", "stepper.js",
)  # fmt: skip
ROOM = WIDTH - 18.0  # px for the text of a box
# Unpacks the script, the style and the recording, which are text that says much the same again and again. The
# content policy knows the unpacked script and style by their digests, so nothing else can come in this way.
_LOADER = """
(async () => {
  const place = document.getElementById("chainrule-page");
  if (!window.DecompressionStream) {
    place.textContent = "This page needs a browser from 2023 or later.";
    return;
  }
  const packed = atob(document.getElementById("chainrule-packed").textContent.split("base64,")[1]);
  const bytes = new Blob([Uint8Array.from(packed, (character) => character.charCodeAt(0))]);
  const stream = bytes.stream().pipeThrough(new DecompressionStream("deflate"));
  const { script, style, payload } = JSON.parse(await new Response(stream).text());
  for (const [tag, text] of [["style", style], ["script", script]])
    document.head.append(Object.assign(document.createElement(tag), { textContent: text }));
  const state = { payload, step: 0 };
  const set = (name, value) => (state[name] = value);
  const model = { get: (name) => state[name], set, save_changes() {}, on() {}, off() {} };
  chainrule.render({ model, el: place });
  try {
    // In a notebook the page stands in a frame below a still picture, which is for where no script runs.
    const frame = window.frameElement;
    const before = [frame, frame?.parentElement].map((place) => place?.previousElementSibling); // marimo wraps frames
    const still = before.find((other) => other?.classList.contains("chainrule-still"));
    still?.style.setProperty("display", "none", "important");
    const light = frame?.ownerDocument.body.dataset.jpThemeLight; // JupyterLab's theme
    if (light) document.documentElement.dataset.theme = light === "true" ? "light" : "dark";
  } catch { /* a frame of another origin: the picture stays */ }
})();
"""
_PAGE_STYLE = "html,body{margin:0;height:100%}#chainrule-page{height:100vh;height:100dvh}"


def embed(url: str, title: str, step: int = 0, node: str = "", height: int = 420) -> str:
    """A frame that shows a saved page on a slide or in another page, without its side panels.

    Args:
        url: Where the page lies, seen from the page around it.
        title: What screen readers call it.
        step: The step that it opens at.
        node: The label of the node that is looked at, or "".
        height: Of the frame, px.

    Returns:
        One `<iframe>` element.

    >>> print(embed("a.html", "neuron", step=17, node="w1"))
    <iframe src="a.html?embed#step=17&amp;node=w1" title="neuron" width="100%" height="420" style="border:0"></iframe>
    """
    asked = urlencode({"step": step, **({"node": node} if node else {})})
    source = escape(f"{url}{'&' if '?' in url else '?'}embed#{asked}")
    return (
        f'<iframe src="{source}" title="{escape(title)}" width="100%" height="{height:d}" '
        'style="border:0"></iframe>'
    )


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
    return "".join(map(_static, PARTS))


def style() -> str:
    """The stepper's style sheet."""
    return _static("stepper.css")


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
    script = "{" + module().replace("export default", "globalThis.chainrule =") + "}"
    packed = {"script": script, "style": style(), "payload": payload(graphs, title)}
    policy = (
        f"default-src 'none'; script-src {_digest(_LOADER)} {_digest(script)}; "
        f"style-src {_digest(_PAGE_STYLE)} {_digest(style())}; base-uri 'none'; form-action 'none'"
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_PAGE_STYLE}</style></head>"
        '<body><div id="chainrule-page"></div>'
        "<noscript>This page steps through backprop with a script of its own; please allow it.</noscript>"
        f'<script type="text/plain" id="chainrule-packed">{_pack(packed)}</script>'
        f"<script>{_LOADER}</script></body></html>\n"
    )


def _pack(data: Mapping[str, Any]) -> str:
    text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    encoded = base64.b64encode(zlib.compress(text.encode(), 9)).decode()
    return f"data:application/zlib;base64,{encoded}"


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@functools.cache
def _static(name: str) -> str:
    """A static file without the comments and the indentation, which are for readers of the source."""
    text = files("chainrule.viz").joinpath("static", name).read_text(encoding="utf-8")
    lines = (line.strip() for line in text.splitlines())
    return "".join(f"{line}\n" for line in lines if line and not line.startswith("//"))


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
                "title": labels.clip(group.title, ROOM - 22, labels.BOLD),
                "parent": group.parent,
                "size": sizes[group.id],
                **({"holds": group.kind} if group.of_leaves else {}),
            }
            for group in layout.grouping.groups
        ],
        "scenes": [_scene(layout.scenes[key]) for key in (None, *range(len(sizes)))],
        "steps": packing.pack(data["steps"], data["nodes"]),
        "formulas": [_formula(entry) for entry in data["formulas"]],
        "sources": data["meta"].get("sources", {}),
        **({"note": data["meta"]["note"]} if "note" in data["meta"] else {}),
        **({"rules": [_rule(rule) for rule in data["rules"]]} if "rules" in data else {}),
        **({"mistake": _mistake(data)} if "mistake" in data else {}),
        **({"paths": {row["node"]: row for row in data["paths"]}} if "paths" in data else {}),
        **(
            {"elements": {row["node"]: _element(row) for row in data["elements"]}}
            if "elements" in data
            else {}
        ),
    }


def _mistake(data: Mapping[str, Any]) -> dict[str, Any]:
    wrong = data["mistake"]
    steps = packing.pack(wrong["steps"], data["nodes"], wrong["start"], data["steps"])
    return {**wrong, "steps": steps}


def _element(row: Mapping[str, Any]) -> dict[str, Any]:
    """The graph that all elements of an array share, and the numbers of each."""
    shared = Trace.from_json(json.dumps(row["graph"]))
    return {"index": row["index"], "graph": _graph("", shared), "numbers": row["numbers"]}


def _rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    lines = [[target, notation.markup(tree)] for target, tree in rule["lines"]]
    return {"name": rule["name"], "lines": lines}


def _node(trace: Trace, names: list[str], node: dict[str, Any]) -> dict[str, Any]:
    """What the script needs of a node; what is None is left out."""
    kept = ("op", "parents", "line", "shape", "dtype", "role", "value", "grad", "formula")
    title = _title(trace, names, node["id"])
    size = labels.clip(labels.shape(trace.nodes[node["id"]]), 40, 9.5)
    place = heat.geometry(node["shape"])
    maps = {} if place is None else {"heat": place}
    # A name in full may be long; in a formula the label is enough.
    label = {"label": node["label"]} if node["label"] not in ("", names[node["id"]]) else {}
    return {key: node[key] for key in kept if key in node} | {"title": title, "size": size} | maps | label


def _sizes(layout: Layout) -> list[int]:
    sizes = [0] * len(layout.grouping.groups)
    for home in layout.grouping.home:
        for group in layout.grouping.chain(home):
            sizes[group] += 1
    return sizes


def _title(trace: Trace, names: list[str], number: int) -> list[str]:
    """What stands at the left and at the right of a box's first line."""
    node = trace.nodes[number]
    left, right = labels.title(node, names[number])
    if node.role == "constant" and not node.shape:  # one line of plain text
        return [labels.clip(left, ROOM, 11), ""]
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
