"""Arrow input is not copied, and other threads run while rows are decided."""

import sys
import threading
import time
from typing import Any, Iterator

import pyarrow as pa
import pyarrow.ipc
import pytest

import cloudauth


def peak_growth(work: Any) -> int:
    """The bytes by which the peak of this process's memory grows in a call (Linux)."""
    def status(name: str) -> int:
        with open("/proc/self/status") as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith(name))

    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")
    before = status("VmRSS")
    work()
    return status("VmHWM") - before


@pytest.fixture(scope="module")
def large(table: pa.Table) -> pa.Table:
    """A table of some 50 MB in one chunk."""
    return pa.concat_tables([table] * 20).combine_chunks()


def test_a_table_is_not_copied(large: pa.Table) -> None:
    policy = cloudauth.Policy.load("builtin:onboarding")
    policy.decide(large.slice(0, 50_000))
    kept = []
    growth = peak_growth(lambda: kept.append(policy.decide(large, threads=1)))
    # A decision takes five bytes for its columns, one for its rule, and bits for NULL. A row has over a hundred.
    assert growth < large.nbytes / 4


def test_a_stream_is_not_kept(table: pa.Table) -> None:
    policy = cloudauth.Policy.load("builtin:onboarding")
    count, size = 24, table.nbytes

    def stream() -> pa.RecordBatchReader:
        def batches() -> Iterator[pa.RecordBatch]:
            for _ in range(count):
                # A copy of all buffers.
                written = pa.BufferOutputStream()
                with pa.ipc.new_stream(written, table.schema) as writer:
                    writer.write_table(table.combine_chunks())
                yield pa.ipc.open_stream(written.getvalue()).read_next_batch()

        return pa.RecordBatchReader.from_batches(table.schema, batches())

    policy.decide(stream())
    calls = (lambda: policy.decide(stream(), threads=2), lambda: cloudauth.replay(policy, stream(), threads=2))
    for call in calls:
        kept = []
        growth = peak_growth(lambda: kept.append(call()))
        assert growth < count * size / 2, f"{growth / size:.1f} of {count} batches"


def test_the_lock_of_the_interpreter_is_released(large: pa.Table) -> None:
    policy, rows = cloudauth.Policy.load("builtin:onboarding"), large.slice(0, 100_000)
    done, seen = threading.Event(), []

    def watch() -> None:
        while not done.is_set():
            seen.append(time.perf_counter())
            time.sleep(0)

    def longest_pause() -> float:
        """The longest time without the watcher in a call, as a share of the call."""
        before, start = len(seen), time.perf_counter()
        policy.decide(rows, threads=1)
        end = time.perf_counter()
        points = [start, *(at for at in seen[before:] if start < at < end), end]
        return max(late - early for early, late in zip(points, points[1:])) / (end - start)

    interval = sys.getswitchinterval()
    # A thread keeps the lock for a minute unless it releases it.
    sys.setswitchinterval(60)
    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        # The system may let the watcher wait during one call. PyArrow releases the lock for a moment too, at the start of each.
        assert any(longest_pause() < 0.8 for _ in range(100))
    finally:
        done.set()
        watcher.join()
        sys.setswitchinterval(interval)
