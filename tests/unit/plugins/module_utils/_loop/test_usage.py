# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import base64
import datetime
import json

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._loop import usage
from ansible_collections.gitops.flux_local.plugins.module_utils._loop.certificates import Wanted, issue
from ansible_collections.gitops.flux_local.plugins.module_utils._processes.protocol import Live

NOW = datetime.datetime(2026, 11, 24, 18, 0, tzinfo=datetime.UTC)


LOG = """\
2026-11-24 10:00:00,000 INFO supervisord started with pid 1
2026-11-24 10:00:01,000 WARN exited: etcd (exit status 1; not expected)
2026-11-24 12:00:00,000 INFO supervisord started with pid 2
2026-11-24 12:00:00,100 INFO spawned: 'etcd' with pid 3
2026-11-24 12:05:00,000 WARN exited: etcd (terminated by SIGKILL; not expected)
2026-11-24 12:05:01,000 INFO spawned: 'etcd' with pid 4
2026-11-24 12:06:00,000 INFO stopped: registry (exit status 0)
2026-11-24 12:07:00,000 INFO exited: etcd (exit status 0; expected)
"""


def test_a_restart_is_an_end_that_nobody_asked_for_since_supervisord_began():
    assert usage.restarts(LOG) == {"etcd": 2}
    assert usage.restarts("") == {}


def test_programs_are_told_with_all_that_is_known():
    live = {
        "etcd": Live("RUNNING", pid=7, since=int(NOW.timestamp()) - 90),
        "registry": Live("FATAL", problem="cannot bind"),
    }
    etcd, registry = usage.program_states(live, {"etcd": "3.6.8"}, {"etcd": 2}, {7: 1000}, NOW)
    assert (etcd["version"], etcd["memory"], etcd["restarts"], etcd["uptime"]) == ("3.6.8", 1000, 2, 90)
    assert (registry["running"], registry["state"], registry["message"]) == (False, "fatal", "cannot bind")
    assert (registry["memory"], registry["uptime"], registry["pid"]) == (None, None, None)


def test_what_a_folder_takes_is_told_the_largest_first(tmp_path):
    for name, amount in (("etcd", 90_000), ("logs", 10)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_bytes(b"x" * amount)
    told = usage.disk(str(tmp_path))
    assert [one["name"] for one in told["folders"]] == ["etcd", "logs"]
    assert told["folders"][0]["size"] >= 90_000
    assert told["used"] == sum(one["size"] for one in told["folders"])


def certificate(days):
    wanted = Wanted("ca", "ca", "test")
    return issue(wanted, None, now=NOW, days=days).certificate


def test_certificates_are_told_the_first_to_end_first_also_those_in_the_kubeconfig(tmp_path):
    (tmp_path / "pki").mkdir()
    (tmp_path / "pki" / "ca.crt").write_bytes(certificate(300))
    (tmp_path / "pki" / "broken.crt").write_text("no certificate")
    kubeconfig = tmp_path / "kubeconfig"
    inside = base64.b64encode(certificate(12)).decode()
    user = {"name": "admin", "user": {"client-certificate-data": inside}}
    kubeconfig.write_text(json.dumps({"clusters": [{"name": "c", "cluster": {}}], "users": [user]}))
    told = usage.certificates(str(tmp_path), str(kubeconfig), NOW)
    assert [(one["name"], one["days_left"]) for one in told] == [("user admin", 12), ("ca", 300)]
    assert told[0]["path"] == str(kubeconfig)


@pytest.mark.parametrize("content", ["", "a: [", "users: none", '{"users": [{"name": "x"}], "clusters": []}'])
def test_a_kubeconfig_that_is_none_has_no_certificates(content):
    assert usage.embedded_certificates(content.encode()) == {}


def test_the_default_kubeconfig_is_not_looked_into(tmp_path):
    assert usage.certificates(str(tmp_path), "", NOW) == []
