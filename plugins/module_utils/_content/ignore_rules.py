# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Which files of a folder belong into an artifact.

The rules are source-controller's: its built-in patterns, then the ``.sourceignore`` files from the root down,
each relative to its own folder; the last pattern that matches a path decides, also against an ignored
parent folder. The patterns of the user come last. What source-controller would leave out is left out here
already, so that what is pushed is what runs.

Patterns are those of gitignore(5). source-controller's own matcher departs from it in corners (``/**``
matches nothing there, and ``**/a/b`` looks at the first ``a`` only), where gitignore(5) counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError

try:
    from pathspec import PathSpec
    from pathspec.patterns.gitignore import GitIgnorePatternError
    from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern
except ImportError:  # reported by module.require()
    pass

SOURCEIGNORE = ".sourceignore"

# github.com/fluxcd/pkg/sourceignore, NewDefaultMatcher: what source-controller leaves out of every artifact.
# `.git` has no slash here: in a worktree or submodule it is a file that holds a path of this machine.
DEFAULT_PATTERNS = (
    ".git",
    ".gitignore",
    ".gitmodules",
    ".gitattributes",
    "*.jpg",
    "*.jpeg",
    "*.gif",
    "*.png",
    "*.wmv",
    "*.flv",
    "*.tar.gz",
    "*.zip",
    ".github/",
    ".circleci/",
    ".travis.yml",
    ".gitlab-ci.yml",
    "appveyor.yml",
    ".drone.yml",
    "cloudbuild.yaml",
    "codeship-services.yml",
    "codeship-steps.yml",
    "**/.goreleaser.yml",
    "**/.sops.yaml",
    "**/.flux.yaml",
)


@dataclass(frozen=True)
class _Scope:
    """Patterns that hold below one folder (``""`` or a path that ends in a slash)."""

    folder: str
    spec: PathSpec[GitIgnoreSpecPattern]
    negates: bool

    def decision(self, path: str) -> bool | None:
        """True to ignore, False to keep, None where no pattern matches."""
        # PathSpec, not GitIgnoreSpec: like source-controller, `!folder` brings back all that is below it.
        return self.spec.check_file(path[len(self.folder) :]).include


def _scope(folder: str, patterns: Sequence[str], origin: str) -> _Scope:
    try:
        spec = PathSpec.from_lines(GitIgnoreSpecPattern, patterns, backend="simple")
    except GitIgnorePatternError as error:
        raise LoopError(f"{origin}: {error}. Correct the pattern, or remove it.") from error
    return _Scope(folder, spec, any(pattern.include is False for pattern in spec.patterns))


@cache
def _defaults() -> _Scope:
    return _scope("", DEFAULT_PATTERNS, "default patterns")


@dataclass(frozen=True)
class IgnoreRules:
    """The rules in force in one folder. A path is relative to the root, and a folder's ends in a slash."""

    scopes: tuple[_Scope, ...]
    own: _Scope | None = None

    @classmethod
    def for_root(cls, patterns: Sequence[str] = ()) -> IgnoreRules:
        """Flux's defaults, and the ``patterns`` of the option ``ignore``, which win over everything else."""
        own = _scope("", patterns, "ignore") if patterns else None
        return cls((_defaults(),), own)

    def within(self, folder: str, sourceignore: str) -> IgnoreRules:
        """These rules and those of the text of the ``.sourceignore`` file in ``folder``."""
        lines = [line.removesuffix("\r") for line in sourceignore.split("\n")]
        return replace(self, scopes=(*self.scopes, _scope(folder, lines, f"{folder}{SOURCEIGNORE}")))

    @property
    def can_bring_back(self) -> bool:
        """Whether anything below an ignored folder could be kept, so that it has to be looked into."""
        return any(scope.negates for scope in self.scopes) or (self.own is not None and self.own.negates)

    def ignores(self, path: str) -> bool:
        """Whether ``path`` is left out of the artifact."""
        decision = self.own.decision(path) if self.own else None
        return self.flux_ignores(path) if decision is None else decision

    def flux_ignores(self, path: str) -> bool:
        """Whether source-controller leaves ``path`` out, which knows nothing of the option ``ignore``."""
        for scope in reversed(self.scopes):
            decision = scope.decision(path)
            if decision is not None:
                return decision
        return False
