# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Where a loop is: on the machine that Ansible runs on, and of the user who runs it.

Roles read files of their own, the environment and the loop's folder where Ansible runs. Elsewhere, or as
another user, they would mix two machines, or leave files in a home that are not its owner's.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """Where a task runs: how its host is reached, and as which user (``become``; empty for none)."""

    host: str
    connection: str
    user: str
    become: str = ""


def not_here(place: Place, *, in_container: bool = False) -> str:
    """Why roles cannot run there, without a full stop; nothing where they can.

    A registry ``in_container`` alone may be another user's, whose engine it then is (rootless Podman).
    """
    if place.connection != "local":
        return (
            f"A loop is on the machine that Ansible runs on, and {place.host} is reached by "
            f"{place.connection}. Run ansible-playbook there, or give the play `hosts: localhost` and "
            "`connection: local`. "
            "Modules of this collection run on any host"
        )
    if place.become and place.become != place.user and not in_container:
        return (
            f"A loop belongs to the user who runs Ansible, which is {place.user}, and become would make it "
            f"one of {place.become}. Leave become out, or run ansible-playbook as {place.become}"
        )
    return ""
