# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The packages of module_utils have a direction, and nothing imports against it (docs/architecture.md)."""

from __future__ import annotations

import ast
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import pytest

PLUGINS = Path(__file__).parents[2] / "plugins"
OURS = "ansible_collections.gitops.flux_local.plugins."

# From the bottom up: a package imports from lower rows only.
ROWS = (
    ("_core",),
    ("_oci", "_content", "_cluster", "_processes", "_report"),
    ("_manifests",),
    ("_programs", "_artifact", "_flux"),
    ("_workloads",),
    ("_loop",),
)
ROW = {package: row for row, packages in enumerate(ROWS) for package in packages}
# What Ansible itself has to find by name, and what serves only those.
ENTRANCES = {"modules", "action", "filter", "lookup", "callback"}
# Present wherever a module runs.
ALWAYS_THERE = sys.stdlib_module_names | {"ansible"}


@dataclass(frozen=True)
class Import:
    """An import of the dotted ``name`` in ``path`` (below plugins); guarded where it may be missing."""

    path: Path
    line: int
    name: str
    is_guarded: bool

    def __str__(self) -> str:
        return f"plugins/{self.path}:{self.line} imports {self.name.removeprefix(OURS)}"

    @property
    def importer(self) -> str:
        """The folder of plugins that it stands in, or the package of module_utils."""
        return _place(self.path.parts)

    @property
    def imported(self) -> str:
        """Likewise, for what is imported; empty for what is not of this collection."""
        return _place(self.name.removeprefix(OURS).split(".")) if self.name.startswith(OURS) else ""


def _place(parts: tuple[str, ...] | list[str]) -> str:
    return parts[1] if parts[0] == "module_utils" and len(parts) > 1 else parts[0]


def imports_in(path: Path, source: str) -> Iterator[Import]:
    """All imports of a file, also those inside functions."""
    yield from _imports(path, ast.parse(source), is_guarded=False)


def _imports(path: Path, node: ast.AST, *, is_guarded: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (Import(path, child.lineno, alias.name, is_guarded) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            # Whether the last part is a module or something in it makes no difference to any rule.
            names = (f"{child.module}.{alias.name}" for alias in child.names)
            yield from (Import(path, child.lineno, name, is_guarded) for name in names)
        else:
            yield from _imports(path, child, is_guarded=is_guarded or _guards(child))


def _guards(node: ast.AST) -> bool:
    """Whether what stands below ``node`` runs later, or may fail to be imported."""
    if isinstance(node, ast.Try):
        return any("ImportError" in ast.dump(handler.type or ast.Pass()) for handler in node.handlers)
    if isinstance(node, ast.With):
        return any("ImportError" in ast.dump(item.context_expr) for item in node.items)
    if isinstance(node, ast.If):
        return "TYPE_CHECKING" in ast.dump(node.test)
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)


def against_the_direction(found: Import) -> str:
    """Which rule an import breaks, as a sentence; empty when it breaks none."""
    importer, imported = found.importer, found.imported
    if imported in ENTRANCES and importer != imported:
        return f"{found}: nothing imports {imported}. Move what is shared to module_utils."
    if importer in ROW and imported and imported not in ROW:
        return f"{found}: module_utils imports nothing of plugins but its own packages."
    if importer not in ROW or imported not in ROW or importer == imported:
        return ""
    if ROW[importer] == ROW[imported]:
        return f"{found}: {importer} and {imported} stand side by side, and do not know each other."
    if ROW[importer] < ROW[imported]:
        return f"{found}: {importer} is below {imported}, and imports from lower rows only."
    return ""


def unguarded(found: Import) -> str:
    """A sentence about a library that may be missing and is imported as if it never were."""
    top = found.name.partition(".")[0]
    if found.is_guarded or top in ALWAYS_THERE or found.name.startswith("ansible_collections."):
        return ""
    return (
        f"{found}: {top} may be missing, and ansible-test imports every file without it. Guard the import "
        "with `with suppress(ImportError)`, and have module.require() name the library."
    )


IMPORTS = [
    found
    for path in sorted(PLUGINS.rglob("*.py"))
    for found in imports_in(path.relative_to(PLUGINS), path.read_text())
]


def test_imports_follow_the_direction():
    assert not list(filter(None, map(against_the_direction, IMPORTS)))


def test_libraries_that_may_be_missing_are_guarded():
    concerned = (found for found in IMPORTS if found.importer in {*ROW, "modules"})
    assert not list(filter(None, map(unguarded, concerned)))


def test_every_file_is_in_a_package_and_every_package_in_a_row():
    packages = {
        path.relative_to(PLUGINS / "module_utils").parts[0]
        for path in (PLUGINS / "module_utils").rglob("*.py")
    }
    assert packages == set(ROW)


def test_no_package_has_an_init_file():
    assert not list((PLUGINS / "module_utils").rglob("__init__.py"))


def test_unit_tests_mirror_the_packages():
    tests = Path(__file__).parent / "plugins" / "module_utils"
    assert all(
        (PLUGINS / "module_utils" / path.parent.relative_to(tests)).is_dir()
        for path in tests.rglob("test_*.py")
    )


def graph() -> str:
    """The imports between packages, from the top down, with how many there are of each."""
    edges = Counter(
        (found.importer, found.imported)
        for found in IMPORTS
        if found.importer in ROW and found.imported in ROW and found.importer != found.imported
    )
    lines = []
    for package in chain.from_iterable(reversed(ROWS)):
        below = sorted(
            ((to, count) for (of, to), count in edges.items() if of == package),
            key=lambda edge: (-ROW[edge[0]], edge[0]),
        )
        lines.append(f"{package:<11} -> {', '.join(f'{to} ({count})' for to, count in below) or 'nothing'}")
    return "\n".join(lines)


def test_the_graph_has_no_way_back(record_property):
    record_property("packages", graph())
    print(graph())  # noqa: T201  # pytest -s shows it
    assert "_core       -> nothing" in graph()


CASES = {
    "a lower row": ("module_utils/_flux/apply.py", "module_utils._cluster.client", ""),
    "its own package": ("module_utils/_flux/causes/live.py", "module_utils._flux.apply", ""),
    "a module may import from anywhere": ("modules/flux_info.py", "module_utils._loop.status", ""),
    "a higher row": (
        "module_utils/_cluster/client.py",
        "module_utils._flux.kinds",
        "_cluster is below _flux, and imports from lower rows only.",
    ),
    "a sibling": (
        "module_utils/_flux/kinds.py",
        "module_utils._artifact.push",
        "_flux and _artifact stand side by side, and do not know each other.",
    ),
    "a module": (
        "module_utils/_flux/kinds.py",
        "modules.flux_info",
        "nothing imports modules. Move what is shared to module_utils.",
    ),
    "what actions share": (
        "module_utils/_core/module.py",
        "plugin_utils.here",
        "module_utils imports nothing of plugins but its own packages.",
    ),
}


@pytest.mark.parametrize(("path", "imported", "sentence"), CASES.values(), ids=CASES)
def test_a_sentence_names_the_import_and_the_rule(path, imported, sentence):
    (found,) = imports_in(Path(path), f"from {OURS}{imported} import x")
    assert against_the_direction(found) == (sentence and f"plugins/{path}:1 imports {imported}.x: {sentence}")


GUARDS = {
    "with suppress(ImportError):\n    import oras.provider": True,
    "try:\n    import oras.provider\nexcept ImportError:\n    pass": True,
    "if TYPE_CHECKING:\n    import oras.provider": True,
    "def late():\n    import oras.provider": True,
    "import oras.provider": False,
    "with suppress(OSError):\n    import oras.provider": False,
    "try:\n    import oras.provider\nexcept ValueError:\n    pass": False,
}


@pytest.mark.parametrize("source", GUARDS, ids=range(len(GUARDS)))
def test_a_guard_is_recognised(source):
    (found,) = imports_in(Path("module_utils/_oci/registry.py"), source)
    assert (unguarded(found) == "") == GUARDS[source]
    assert not unguarded(Import(found.path, 1, "json", is_guarded=False))
