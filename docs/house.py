"""The picture of "How it works": the wings of sklstm, and which imports which.

Read from the imports in the source, so it is never out of date. A wing stands one floor
above the highest that it imports; what is imported only inside functions is dashed.
"""

import ast
from functools import cache
from pathlib import Path

import matplotlib.pyplot as plt

import sklstm

SOURCE = Path(sklstm.__file__).parent
#: X goes in at the first and comes out of the last as a prediction.
WAY = ["sequences", "targets", "estimators", "training", "network"]


def wing_of(path):
    """The first name below the package: a folder, or a module beside them."""
    return path.relative_to(SOURCE).with_suffix("").parts[0]


def imports_of(path):
    """Wings that a file imports, and whether only inside a function."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    at_top = set(map(id, tree.body))
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module.startswith("sklstm."):
            yield node.module.split(".")[1], id(node) not in at_top


def read_house():
    """Lines of every wing; for every pair of wings whether all imports are inside."""
    sizes, arrows = {}, {}
    for path in SOURCE.rglob("*.py"):
        wing = wing_of(path)
        if wing == "__init__":
            continue
        sizes[wing] = sizes.get(wing, 0) + len(
            path.read_text(encoding="utf-8").splitlines()
        )
        for other, inside in imports_of(path):
            if other != wing:
                pair = wing, other
                arrows[pair] = arrows.get(pair, True) and inside
    return sizes, arrows


sizes, arrows = read_house()


@cache
def floor_of(wing):
    below = [floor_of(b) for (a, b), inside in arrows.items() if a == wing != b]
    return 1 + max(below, default=-1)


floors = {}
for wing in sorted(sizes):
    floors.setdefault(floor_of(wing), []).append(wing)
places = {
    wing: ((k + 1) / (len(wings) + 1), floor)
    for floor, wings in floors.items()
    for k, wing in enumerate(wings)
}

figure, ax = plt.subplots(figsize=(9, 1.1 * len(floors) + 0.5))
for (start, end), inside in arrows.items():
    style = {"ls": "--" if inside else "-", "color": "0.6", "lw": 1}
    ends = {"xy": places[end], "xytext": places[start]}
    arrow = {"arrowstyle": "->", "shrinkA": 18, "shrinkB": 18, **style}
    ax.annotate("", **ends, arrowprops=arrow)
for wing, place in places.items():
    on_the_way = wing in WAY
    number = f"{WAY.index(wing) + 1}. " if on_the_way else ""
    box = {"boxstyle": "round,pad=0.4", "ec": "0.3"}
    ax.annotate(
        f"{number}{wing}\n{sizes[wing]} lines",
        place,
        ha="center",
        va="center",
        fontsize=9,
        bbox={**box, "fc": "#cfe3f5" if on_the_way else "white"},
    )
ax.set(xlim=(0, 1), ylim=(-0.5, len(floors) - 0.5))
ax.axis("off")
figure.tight_layout()
