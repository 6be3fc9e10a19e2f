# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Which files of a folder belong into an artifact.

The rules are source-controller's: its built-in patterns, then the ``.sourceignore`` files from the root down,
each relative to its own folder; the last pattern that matches a path decides, also against an ignored
parent folder. The patterns of the user come last. What source-controller would leave out is left out here
already, so that what is pushed is what runs. Where a ``.sourceignore`` has patterns, source-controller keeps
images, archives and files of CI; here they are left out all the same, unless a pattern brings them back.

What editors and file managers leave beside a file is left out as well, whatever ``.sourceignore`` says: it
comes and goes while somebody works, and some of it cannot be packed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

from ansible_collections.gitops.flux_local.plugins.module_utils._content.ignore_patterns import (
    IgnorePattern,
    patterns_in,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError

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

# What no workload means: locks (links to nothing), swap files and backups of Emacs, Vim, Kate, JetBrains' and
# GNOME's editors, and what Finder keeps of a folder.
LEFT_BY_EDITORS = (
    ".#*",
    r"\#*#",
    "*~",
    ".*.sw[a-px]",
    ".*.kate-swp",
    "*___jb_tmp___",
    "*___jb_old___",
    ".goutputstream-*",
    ".DS_Store",
)


@dataclass(frozen=True)
class _Scope:
    """Patterns that hold below one folder (``""`` or a path that ends in a slash), in their order."""

    folder: str
    patterns: Sequence[IgnorePattern]

    @property
    def negates(self) -> bool:
        return any(pattern.negates for pattern in self.patterns)

    def decision(self, path: str) -> bool | None:
        """True to ignore, False to keep, None where no pattern matches."""
        below = path[len(self.folder) :]
        for pattern in reversed(self.patterns):
            if pattern.regex.match(below):
                return not pattern.negates
        return None


def _scope(folder: str, text: str, origin: str) -> _Scope:
    try:
        return _Scope(folder, patterns_in(text))
    except ValueError as error:
        raise LoopError(f"{origin}: {error}. Correct the pattern, or remove it.") from error


@cache
def _defaults() -> _Scope:
    return _scope("", "\n".join(DEFAULT_PATTERNS), "default patterns")


@cache
def _editors() -> _Scope:
    return _scope("", "\n".join(LEFT_BY_EDITORS), "patterns of editors")


def is_left_by_an_editor(path: str) -> bool:
    """Whether a file is no content, but what an editor or a file manager keeps beside it."""
    return _editors().decision(path) is True


@dataclass(frozen=True)
class IgnoreRules:
    """The rules in force in one folder. A path is relative to the root, and a folder's ends in a slash."""

    scopes: tuple[_Scope, ...]
    own: _Scope | None = None

    @classmethod
    def for_root(cls, patterns: Sequence[str] = ()) -> IgnoreRules:
        """Flux's defaults, and the ``patterns`` of the option ``ignore``, which win over everything else."""
        own = _scope("", "\n".join(patterns), "ignore") if patterns else None
        return cls((_defaults(),), own)

    def within(self, folder: str, sourceignore: str) -> IgnoreRules:
        """These rules and those of the text of the ``.sourceignore`` file in ``folder``."""
        scope = _scope(folder, sourceignore, f"{folder}{SOURCEIGNORE}")
        return replace(self, scopes=(*self.scopes, scope))

    @property
    def can_bring_back(self) -> bool:
        """Whether anything below an ignored folder could be kept, so that it has to be looked into."""
        return any(scope.negates for scope in self.scopes) or (self.own is not None and self.own.negates)

    def ignores(self, path: str) -> bool:
        """Whether ``path`` is left out of the artifact."""
        decision = self.own.decision(path) if self.own else None
        if decision is None:
            return is_left_by_an_editor(path) or self.flux_ignores(path)
        return decision

    def flux_ignores(self, path: str) -> bool:
        """Whether source-controller leaves ``path`` out, which knows nothing of the option ``ignore``."""
        for scope in reversed(self.scopes):
            decision = scope.decision(path)
            if decision is not None:
                return decision
        return False
