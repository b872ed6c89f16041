"""On a Dask cluster, in processes of this machine: workers that are killed, crashes, submissions twice."""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import contextmanager

import pytest

import trtlog
from tests.command import trtlog as trtlog_in
from tests.conftest import ROOT, each, needs
from tests.dataset.conftest import assert_whole, globbed, write_logs
from tests.dataset.readers import crashing, dying, slow
from trtlog.dataset import manifest
from trtlog.dataset.storage import Storage
from trtlog.errors import InputError

# Dask's own: sockets and loops of workers that are killed in the middle are not closed by anyone.
pytestmark = [
    needs("distributed"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning"),
]


@contextmanager
def cluster_of(workers):
    """Give a client of a cluster; its workers find the tests' own readers."""
    import distributed

    about = {"n_workers": workers, "threads_per_worker": 1, "processes": True, "dashboard_address": ":0"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))
        with distributed.LocalCluster(**about, silence_logs=50) as cluster, distributed.Client(cluster) as client:
            yield client


@pytest.fixture(scope="module")
def client():
    with cluster_of(2) as client:
        yield client


@pytest.fixture(scope="module")
def four():
    with cluster_of(4) as client:
        yield client


@pytest.fixture
def doomed(four):
    """More workers than a test ends: none has to wait until one is started again, but for the next test."""
    four.cluster.scheduler.allowed_failures = 0
    four.wait_for_workers(4, timeout=60)
    return four


def test_a_cluster_gives_what_one_process_gives(tmp_path, dataset, client):
    logs = write_logs(tmp_path / "logs", 30)
    done = trtlog.to_dataset(tmp_path / "logs", dataset, client=client, batch_logs=7)
    assert (len(done.converted), done.failed) == (30, [])
    assert_whole(dataset, logs)
    assert len(trtlog.to_dataset(tmp_path / "logs", dataset, client=client).unchanged) == 30


def test_a_worker_that_is_killed(tmp_path, dataset, doomed):
    """A worker is killed while it converts: Dask gives its batches to others."""
    logs = write_logs(tmp_path / "logs", 60)
    doomed.cluster.scheduler.allowed_failures = 3
    killed = next(iter(doomed.run(os.getpid).values()))

    def kill():
        storage = Storage(dataset)
        while not ((written := manifest.load(storage)) and written.logs()):
            time.sleep(0.02)
        os.kill(killed, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    done = trtlog.to_dataset(tmp_path / "logs", dataset, client=doomed, batch_logs=5, _read=slow)
    killer.join()
    assert (len(done.converted), done.failed) == (60, [])
    assert_whole(dataset, logs)
    assert killed not in doomed.run(os.getpid).values()


@pytest.mark.parametrize(("read", "words"), [(crashing, "ZeroDivisionError"), (dying, "without an answer")])
def test_a_log_that_crashes_its_worker(tmp_path, dataset, doomed, read, words):
    """An exception, and the end of the process: the other logs of the batch are not lost."""
    logs = write_logs(tmp_path / "logs", 9)
    done = trtlog.to_dataset(tmp_path / "logs", dataset, client=doomed, batch_logs=5, _read=read)
    assert [(name, words in reason) for name, reason in done.failed] == [(str(logs[3]), True)]
    assert_whole(dataset, logs[:3] + logs[4:])
    assert [row[0] for row in globbed(dataset, "catalogue", "source, error") if row[1]] == [str(logs[3])]
    assert trtlog.to_dataset(tmp_path / "logs", dataset, client=doomed).converted == [str(logs[3])]
    assert_whole(dataset, logs)


def test_a_full_disk_on_the_workers(tmp_path, dataset, client):
    """Files of a worker may have 1 kB only, which the kernel holds it to: an error that says so, no part is left."""
    logs = write_logs(tmp_path / "logs", 12)
    trtlog.to_dataset(logs[:4], dataset, client=client)

    def limit(size):
        import resource

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        usual = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, usual[1]))
        return usual[0]

    usual = client.run(limit, 1000)
    try:
        with pytest.raises(InputError, match=r"(?i)file too large.*are kept"):
            trtlog.to_dataset(tmp_path / "logs", dataset, client=client)
    finally:
        client.run(limit, next(iter(usual.values())))
    assert_whole(dataset, logs[:4])
    trtlog.to_dataset(tmp_path / "logs", dataset, client=client)
    assert_whole(dataset, logs)


def test_the_same_logs_submitted_twice_at_once(tmp_path, dataset, client):
    """Two conversions of the same logs share the cluster."""
    logs = write_logs(tmp_path / "logs", 40)
    results = []

    def convert():
        results.append(trtlog.to_dataset(tmp_path / "logs", dataset, client=client, batch_logs=5, _read=slow))

    both = [threading.Thread(target=convert) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert sum(len(done.converted) for done in results) == 40
    assert all(not done.failed for done in each(results))
    assert_whole(dataset, logs)


def test_command_line(tmp_path, dataset, client):
    logs = write_logs(tmp_path / "logs", 5)
    command = ["convert", tmp_path / "logs", "-o", dataset, "--dask"]
    done = trtlog_in(*command, client.scheduler.address)
    assert (done.returncode, done.stdout) == (0, f"5 converted -> {dataset}\n"), done.stderr
    assert_whole(dataset, logs)
    done = trtlog_in(*command, "nowhere")
    assert (done.returncode, "no Dask scheduler answers" in done.stderr) == (2, True), done.stderr
