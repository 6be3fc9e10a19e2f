# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import configparser
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.gitops.flux_local.plugins.module_utils._processes.configuration import (
    Configured,
    Group,
    Process,
    configured_programs,
    configured_socket,
    daemon_configuration,
    fits,
    group_configuration,
    group_file,
    program_section,
    socket_path,
    unfit_for_configuration,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._processes.user_folder import (
    SOCKET_NAME_BYTES,
)


@given(
    st.lists(
        st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12),
        min_size=1,
        max_size=4,
    )
)
def test_a_command_survives_the_configuration(command):
    section = program_section(Process("p", tuple(command)), log="/log", revision="r")
    parser = configparser.RawConfigParser(interpolation=None)
    if any(unfit_for_configuration(part) for part in command):
        return
    parser.read_string(section)
    # supervisor expands "%%" to "%" before it splits the words.
    assert shlex.split(parser["program:p"]["command"].replace("%%", "%")) == command
    assert configured_programs(section)["p"].command == tuple(command)


@given(st.text(min_size=1, max_size=200).filter(lambda text: "\0" not in text and text.isprintable()))
def test_the_socket_s_name_is_short_for_any_state_folder(folder):
    assert len(socket_path("", f"/{folder}")) == SOCKET_NAME_BYTES - len(".4194304")


def test_the_group_file_is_below_the_state_folder():
    assert group_file(Group("/state", "flux")) == "/state/supervisor/conf.d/flux.conf"


def test_what_is_written_is_what_supervisor_documents():
    server = Process("server", ("/bin/100%", "a b"), {"B": '2 "%', "A": "1"}, priority=7, stop_seconds=3)
    assert program_section(server, log="/logs/100%.log", revision="r") == (
        "[program:server]\n"
        "command=/bin/100%% 'a b'\n"
        'environment=A="1",B="2 \\"%%",FLUX_LOCAL_REVISION="r"\n'
        "priority=7\n"
        "autostart=false\n"
        "autorestart=true\n"
        "startsecs=1\n"
        "startretries=1000000\n"
        "stopwaitsecs=3\n"
        "stopasgroup=false\n"
        "redirect_stderr=true\n"
        "stdout_logfile=/logs/100%%.log\n"
        "stdout_logfile_maxbytes=10MB\n"
        "stdout_logfile_backups=1\n"
    )
    assert daemon_configuration("/state 1%", "/run/s.sock") == (
        "[unix_http_server]\n"
        "file=/run/s.sock\n"
        "chmod=0700\n"
        "[supervisord]\n"
        "logfile=/state 1%%/supervisor/supervisord.log\n"
        "logfile_maxbytes=5MB\n"
        "logfile_backups=1\n"
        "pidfile=/state 1%%/supervisor/supervisord.pid\n"
        "childlogdir=/state 1%%/logs\n"
        "directory=/state 1%%\n"
        "umask=077\n"
        "minfds=1024\n"
        "[rpcinterface:supervisor]\n"
        "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n"
        "[include]\n"
        "files=conf.d/*.conf\n"
    )


def test_the_programs_of_a_group_are_read_back():
    sections = [
        program_section(Process(name, (f"/bin/{name}",), priority=priority), log="/log", revision="r")
        for name, priority in (("server", 10), ("client", 20))
    ]
    assert configured_programs(group_configuration(sections)) == {
        "server": Configured(("/bin/server",), 10),
        "client": Configured(("/bin/client",), 20),
    }


@pytest.mark.parametrize("socket", ["/run/user/1000/flux-local/1.sock", "/a b/100%/1.sock"])
def test_the_socket_is_read_back(socket):
    assert configured_socket(daemon_configuration("/state", socket)) == [socket]


@pytest.mark.parametrize(
    "text", ["", "no section", "[unix_http_server]\nfile", "[unix_http_server]\nchmod=1"]
)
def test_what_names_no_socket_has_none(text):
    assert configured_socket(text) == []


def test_a_configuration_fits_only_whole_and_where_the_loop_is():
    folder = "/größer als 100%"
    server = program_section(
        Process("server", ("/bin/server", "a b")), log=f"{folder}/logs/s.log", revision="r"
    )
    assert fits(server, folder)
    assert fits("", folder)
    assert not fits(server, "/elsewhere")
    # However it was cut off: what would start by itself, and what supervisord does not start with.
    ends = [end for end in range(1, len(server)) if fits(server[:end], folder)]
    assert all("autostart=false" in server[:end] for end in ends)
    assert not fits(server.replace("ö", "\N{REPLACEMENT CHARACTER}"), folder)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no section",
        "[program:x]\n",
        "[program:x]\ncommand\n",
        "[include]\nfiles=x",
        "[program:x]\ncommand='a",
    ],
)
def test_what_names_no_program_has_none(text):
    assert configured_programs(text) == {}
