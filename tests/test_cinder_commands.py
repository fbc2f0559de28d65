# SPDX-License-Identifier: Apache-2.0
"""How commands of Cinder's drivers are started in the kit's processes."""

from __future__ import annotations

import os
import subprocess

import pytest
from cinder_database import needs_cinder
from cinder_process import in_cinders_process

pytestmark = needs_cinder


@in_cinders_process
def test_commands_start_without_a_copy_of_the_process(cinder):
    from oslo_concurrency import processutils

    with pytest.MonkeyPatch.context() as patch:
        given = []
        popen = subprocess.Popen

        def watched(*words, preexec_fn, **options):
            given.append(preexec_fn)
            return popen(*words, preexec_fn=preexec_fn, **options)

        patch.setattr(subprocess, "Popen", watched)
        # A pipe that nobody reads ends a command, as outside of Python.
        words = ("bash", "-c", "kill -s PIPE $$; echo ignored")
        with pytest.raises(processutils.ProcessExecutionError) as raised:
            processutils.execute(*words)
    assert (raised.value.exit_code, raised.value.stdout) == (-13, "")
    assert given == [None]


@in_cinders_process
def test_what_is_to_run_in_a_command_before_it_starts_does(cinder):
    from oslo_concurrency import processutils

    def speak():
        os.write(1, b"first\n")

    out, _ = processutils.execute("echo", "then", preexec_fn=speak)
    assert out == "first\nthen\n"
