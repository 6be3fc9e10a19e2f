# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Names of options that are misspelled, found among all the variables of a play.

Variables are the user's, too, and one that nobody knows is no error by itself. Two rules tell what is meant
for this collection:

- ``flux_local_`` is the collection's own: what begins with it and is no option is misspelled.
- What differs from an option's name by one slip (a letter that is wrong, missing or too much, or two that
  have changed places) is taken for it. Users who have such a variable for something else name it in
  ``flux_local_own_variables``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from ansible_collections.gitops.flux_local.plugins.module_utils._core.wording import unknown_name

OURS = "flux_local_"
# Facts, and what playbooks take besides options: in the spelling of options, and no mistakes.
FACTS = frozenset(
    {
        "binaries_paths",
        "binaries_mirrored",
        "registry_endpoint",
        "registry_garbage",
        "cluster_connection",
        "cluster_choice",
        "cluster_guarded",
        "flux_status",
        "workloads_receipts",
    }
)


def misspelled(variables: Iterable[str], options: Collection[str], own: Collection[str] = ()) -> list[str]:
    """A sentence, without its full stop, for each variable that is meant to be an option and is none.

    ``own`` are names that the user has for something else.
    """
    known = {*options, *FACTS}
    ours = [name for name in options if name.startswith(OURS)]
    found = []
    for name in variables:
        if name in known or name in own:
            continue
        if name.startswith(OURS):
            found.append(unknown_name(name, ours))
        elif meant := one_slip_from(name, known):
            found.append(
                f"{name} is not an option: the nearest name is {meant}. If it is a variable of your own, "
                f"list it in {OURS}own_variables"
            )
    return found


def one_slip_from(name: str, known: Iterable[str]) -> str:
    """The known name of several words from which ``name`` differs by one slip; empty where there is none."""
    return next((each for each in sorted(known) if "_" in each and _is_one_slip(name, each)), "")


def _is_one_slip(one: str, other: str) -> bool:
    if abs(len(one) - len(other)) > 1:
        return False
    start = _alike(one, other)
    end = _alike(one[start:][::-1], other[start:][::-1])
    left, right = one[start : len(one) - end], other[start : len(other) - end]
    return max(len(left), len(right)) == 1 or (len(left) == 2 and left == right[::-1])


def _alike(one: str, other: str) -> int:
    """With how many letters both begin."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((place for place, (left, right) in pairs if left != right), min(len(one), len(other)))
