"""What the load on several processes says of processors, and what stands before the server."""

import os
import subprocess
import sys

from benchmarks import cpu_time, feedback_proxy

BURN = "import time; end = time.process_time() + 0.3\nwhile time.process_time() < end: pass"

PARENT = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", sys.argv[1] + "\\ntime.sleep(60)"])
sys.stdin.readline()
child.kill()
child.wait()
print("gone", flush=True)
sys.stdin.readline()
"""


def test_time_of_a_child_counts_while_it_runs_and_after_it_was_killed():
    command = [sys.executable, "-c", PARENT, BURN]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        while cpu_time.of_tree(process.pid) < 0.3:
            pass
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.stdout.readline() == "gone\n"
        assert cpu_time.of_tree(process.pid) >= 0.3
        process.communicate("\n")


def test_the_account_begins_at_zero_and_names_who_used_what():
    account = cpu_time.Account({"server": os.getpid(), "PostgreSQL": None})
    before = account.used()
    end = os.times().user + 0.2
    while os.times().user < end:
        pass
    used = account.used()
    assert set(used) == {"load generator", "server"}
    assert before["load generator"] < 0.1 < 0.15 <= used["load generator"]
    assert used["server"] >= 0.15
    lines = list(cpu_time.table({"load generator": 1.0, "server": 3.0}, answers=200, wall_s=8.0))
    assert [line.split() for line in lines] == [
        ["load", "generator", "1.0", "s", "of", "CPU", "5.00", "ms", "an", "answer", "0.12", "cores"],
        ["server", "3.0", "s", "of", "CPU", "15.00", "ms", "an", "answer", "0.38", "cores"],
        ["together", "4.0", "s", "of", "CPU", "20.00", "ms", "an", "answer", "0.50", "cores"],
    ]


def test_nginx_of_the_benchmark_is_that_of_labs_without_its_certificate(tmp_path):
    text = feedback_proxy.site(8123, 8124, tmp_path)
    ours, labs = set(text.splitlines()), set(feedback_proxy.FILE.read_text().splitlines())
    gone = {line.split()[0] for line in labs - ours if line.strip()}
    assert gone == {
        "listen", "server_name", "return", "proxy_cache_path", "server",
        "ssl_certificate", "ssl_certificate_key", "ssl_protocols", "ssl_session_cache",
    }  # fmt: skip
    assert "listen 127.0.0.1:8124 backlog=1024;" in text
    assert "server 127.0.0.1:8123;" in text
