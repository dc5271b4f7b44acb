# SPDX-License-Identifier: Apache-2.0
"""Source offsets, the change feed, followers, stores that nobody writes."""

from __future__ import annotations

import os
import pickle
import threading
from pathlib import Path
from typing import Any, Iterator, List

import pytest

import libfeature as lf

from conftest import NOON

TRIPS = """
STORE WITH (changes = '3 days');
CREATE ENTITY trip (trip_id INT64);
CREATE FEATURE VIEW trips (n INT64, name STRING, rate FLOAT64) FOR trip
    WITH (history = '90 days');
"""


@pytest.fixture
def leader(tmp_path: Path) -> Iterator[lf.Store]:
    with lf.Store.open(
        tmp_path / "leader", create=True, fixed_now=NOON
    ) as opened:
        opened.apply(TRIPS)
        yield opened


@pytest.fixture
def replica(tmp_path: Path) -> Iterator[lf.Store]:
    with lf.Store.open(
        tmp_path / "replica", create=True, fixed_now=NOON
    ) as opened:
        yield opened


def write(store: lf.Store, key: int, n: int, **options: Any) -> lf.Commit:
    rows = {"trip_id": [key], "event_timestamp": NOON, "n": [n]}
    return store.write("trips", rows, "upsert", **options)


def follow_all(leader: lf.Store, replica: lf.Store) -> int:
    count = 0
    for record in leader.changes(replica.stats().sequence):
        commit = replica.follow(record)
        assert (commit.sequence, commit.time) == (record.sequence, record.time)
        count += 1
    return count


def content(store: lf.Store) -> List[Any]:
    """All that a reader can see, at all times."""
    query = store.query("trips(*)")
    seen: List[Any] = [store.describe(), store.stats().rows]
    for second in range(-2, 3):
        at = NOON.timestamp() * 1e6 + second
        rows = query.read({"trip_id": list(range(8))}, int(at))
        seen += [rows.column(name) for name in rows.columns]
        seen.append(rows.states().tolist())
    return seen


def reason(call: Any, kind: Any) -> str:
    with pytest.raises(kind) as caught:
        call()
    return str(caught.value.reason)


def test_a_source_is_written_once(leader: lf.Store) -> None:
    with pytest.raises(lf.NotFound):
        leader.offset("orders", 3)
    first = lf.Source("orders", 3, 0, 10, b"a\0b")
    assert write(leader, 1, 1, sources=[first]).applied == 1
    again = write(leader, 1, 2, sources=[first])
    assert (again.applied, again.duplicate, again.sequence) == (0, 1, 2)
    assert leader.offset("orders", 3) == lf.SourceOffset(10, b"a\0b")
    across = lf.Source("orders", 3, 5, 15)
    assert (
        reason(lambda: write(leader, 1, 2, sources=[across]), lf.Conflict)
        == "overlap"
    )
    both = [lf.Source("orders", 3, 10, 20), lf.Source("zürich", 0, 0, 2**63)]
    assert write(leader, 1, 3, sources=both).applied == 1
    assert leader.offset("orders", 3) == (20, b"")
    assert leader.offset("zürich") == (2**63, b"")


def test_every_way_of_writing_takes_sources(leader: lf.Store) -> None:
    rows = {"trip_id": [1], "n": [1]}
    batch = leader.batch("trips", "patch", ["trip_id", "n"])
    batch.set("trip_id", [2])
    batch.set("n", [2])
    assert batch.write(sources=[lf.Source("a", 0, 0, 1)]).applied == 1
    with leader.batches(sources=[lf.Source("a", 0, 1, 2)]) as batches:
        batches.patch("trips", rows)
    assert batches.commit.applied == 1
    with leader.batches(sources=[lf.Source("a", 0, 2, 3)]) as batches:
        pass
    assert batches.commit.sequence == 4
    gone = leader.delete("trips", {"trip_id": [2]}, sources=[("a", 0, 3, 4, b"")])
    assert gone.applied == 1
    pa = pytest.importorskip("pyarrow")
    for applied in (1, 0):
        source = lf.Source("a", 0, 4, 5, b"file 7")
        commit = leader.write(
            "trips", pa.table(rows), "patch", sources=[source]
        )
        assert (commit.applied, commit.duplicate) == (applied, 1 - applied)
    assert leader.offset("a") == (5, b"file 7")


@pytest.mark.parametrize(
    "source",
    [
        7,
        ("a", 0, 0),
        ("", 0, 0, 1, b""),
        ("a\0b", 0, 0, 1, b""),
        ("a", -1, 0, 1, b""),
        ("a", 1 << 32, 0, 1, b""),
        ("a", 0, 1.5, 2, b""),
        ("a", 0, 2, 1, b""),
        ("a", 0, 0, 1 << 64, b""),
        ("a", 0, 0, 1, "text"),
        (None, 0, 0, 1, b""),
    ],
)
def test_a_wrong_source_is_refused(leader: lf.Store, source: Any) -> None:
    with pytest.raises(lf.Invalid):
        write(leader, 1, 1, sources=[source])
    assert leader.stats().sequence == 1
    for arguments in (("",), ("a\0",), (None,), ("a", -1), ("a", 1 << 32)):
        with pytest.raises(lf.Invalid):
            leader.offset(*arguments)


def test_a_follower_holds_the_same(
    leader: lf.Store, replica: lf.Store
) -> None:
    for n in range(1, 20):
        write(leader, n % 5, n, sources=[lf.Source("t", 0, n - 1, n, b"%d" % n)])
    assert follow_all(leader, replica) == 20
    leader.delete("trips", {"trip_id": [3], "event_timestamp": [NOON]})
    leader.apply(TRIPS.replace("n INT64,", "n INT64, late BOOL,"))
    write(leader, 7, 99)
    assert follow_all(leader, replica) == 3
    assert follow_all(leader, replica) == 0
    assert content(leader) == content(replica)
    assert replica.offset("t") == (19, b"19")
    assert reason(lambda: write(replica, 1, 1), lf.Conflict) == "follower"
    assert content(leader) == content(replica)


def test_a_promoted_follower_refuses_the_old_leader(
    leader: lf.Store, replica: lf.Store
) -> None:
    follow_all(leader, replica)
    assert leader.promote() == 1  # who follows nobody
    assert replica.promote() == 2
    write(leader, 1, 1)
    write(replica, 1, 2)
    (record,) = leader.changes(1)
    assert reason(lambda: replica.follow(record), lf.Conflict) == "epoch"
    assert replica.query("trips:n").read([1]).column("n") == [2]


def test_a_record_is_missing_damaged_or_none(
    leader: lf.Store, replica: lf.Store
) -> None:
    write(leader, 1, 1)
    write(leader, 1, 2)
    first, _, third = leader.changes()
    replica.follow(first)
    assert replica.follow(first.bytes).sequence == 1
    assert reason(lambda: replica.follow(third), lf.Gap) == "gap"
    broken = bytearray(third.bytes)
    broken[len(broken) // 2] ^= 1
    with pytest.raises(lf.Corrupt):
        replica.follow(broken)
    for wrong in ("text", 7, None):
        with pytest.raises(lf.Invalid):
            replica.follow(wrong)  # type: ignore[arg-type]
    with pytest.raises(lf.Corrupt):
        replica.follow(b"")
    assert replica.stats().sequence == 1


def test_a_feed_begins_where_it_was_turned_on(filled: lf.Store) -> None:
    assert reason(filled.changes, lf.NotFound) == "no-feed"
    filled.apply("STORE WITH (changes = '3 days');")
    assert reason(filled.changes, lf.Gap) == "feed-truncated"
    assert [record.sequence for record in filled.changes(2)] == [3]
    assert reason(lambda: filled.changes(9), lf.Conflict) == "epoch"


def test_a_record_is_json_and_a_dict(leader: lf.Store) -> None:
    write(leader, 5, 42, sources=[lf.Source("t", 1, 0, 7)])
    feed = leader.changes()
    definitions, row = feed
    assert feed.dict(definitions)["changes"][0]["kind"]
    found = feed.dict(row)
    assert found["sequence"] == row.sequence == 2
    (change,) = found["changes"]
    assert change["operation"] == "UPSERT" and change["view"] == "trips"
    assert change["key"] == {"trip_id": 5} and change["after"]["n"] == 42
    assert found["sources"][0]["name"] == "t"
    assert feed.json(row.bytes) == feed.json(row)
    with pytest.raises(lf.Corrupt):
        feed.json(b"x")


def test_a_consumer_resumes(leader: lf.Store) -> None:
    write(leader, 1, 1)
    assert (
        reason(lambda: leader.changes(consumer="mail", resume=True), lf.NotFound)
        == "name"
    )
    with leader.changes(consumer="mail", claim_ms=60000) as feed:
        with pytest.raises(lf.Invalid):
            feed.acknowledge(1)  # not read yet
        record = next(feed)
        feed.acknowledge(record)
        for wrong in (-1, 1 << 64, "1"):
            with pytest.raises(lf.Invalid):
                feed.acknowledge(wrong)  # type: ignore[arg-type]
    assert feed.closed
    again = leader.changes(consumer="mail", resume=True)
    assert [record.sequence for record in again] == [2]
    with pytest.raises(lf.Invalid):
        leader.changes().acknowledge(0)


@pytest.mark.parametrize(
    "options",
    [
        {"since": -1},
        {"since": 2**64 - 1},
        {"since": "1"},
        {"consumer": "a b"},
        {"consumer": "a\0"},
        {"consumer": ""},
        {"claim_ms": 5},
        {"resume": True},
        {"consumer": "a", "resume": True, "since": 1},
    ],
)
def test_wrong_options_are_refused(leader: lf.Store, options: Any) -> None:
    with pytest.raises(lf.Invalid):
        leader.changes(**options)


def test_an_ended_feed_goes_on(leader: lf.Store) -> None:
    feed = leader.changes(1)
    assert list(feed) == [] and feed.read(0.01) is None
    write(leader, 1, 1)
    assert [record.sequence for record in feed] == [2]
    assert list(feed.follow(0)) == []


def test_who_waits_is_woken(leader: lf.Store) -> None:
    feed, seen = leader.changes(1), []

    def wait() -> None:
        for record in feed.follow():
            seen.append(record.sequence)
            if len(seen) == 5:
                return

    thread = threading.Thread(target=wait)
    thread.start()
    for n in range(5):
        write(leader, n, n)
    thread.join(60)
    assert seen == [2, 3, 4, 5, 6]


def test_a_close_ends_a_wait(leader: lf.Store) -> None:
    for follow in (True, False):
        feed, ends, inside = leader.changes(1), [], threading.Event()

        def wait() -> None:
            inside.set()
            try:
                if follow:
                    assert list(feed.follow()) == []
                else:
                    feed.read(None)
                ends.append("quietly")
            except lf.Closed:
                ends.append("closed")

        thread = threading.Thread(target=wait)
        thread.start()
        inside.wait(60)
        feed.close()
        feed.close()
        thread.join(60)
        # Who was closed before he began has nothing to follow either.
        assert ends == ["quietly" if follow else "closed"]


def test_a_store_may_be_closed_first(leader: lf.Store) -> None:
    feed = leader.changes()
    record = next(feed)
    leader.close()
    calls: List[Any] = [
        lambda: feed.read(),
        lambda: feed.read(5),
        lambda: list(feed.follow()),
        lambda: leader.changes(),
        lambda: leader.follow(record),
        leader.promote,
        lambda: leader.offset("a"),
    ]
    for call in calls:
        assert reason(call, lf.Closed) == "closed"
    feed.close()
    for call in (feed.read, feed.__enter__, lambda: feed.json(record)):
        assert reason(call, lf.Closed) == "closed"
    assert repr(feed) == "<libfeature.Changes, closed>"


def test_a_feed_is_for_one_thread_and_one_process(leader: lf.Store) -> None:
    feed = leader.changes()
    with feed._held():
        with pytest.raises(lf.Invalid):
            feed.read()
    with pytest.raises(TypeError):
        pickle.dumps(feed)
    child = os.fork()
    if not child:
        try:
            feed.read()
        except lf.Invalid as error:
            os._exit(0 if error.reason == "forked" else 1)
        finally:
            os._exit(2)
    assert os.waitpid(child, 0)[1] == 0
    assert len(list(feed)) == 1


def test_threads_write_while_a_follower_keeps_up(
    leader: lf.Store, replica: lf.Store
) -> None:
    applied: List[int] = []

    def ingest(partition: int) -> None:
        for at in range(20):
            for _ in range(2):
                source = lf.Source("topic", partition, at, at + 1)
                commit = write(leader, partition, at, sources=[source])
                applied.append(commit.applied)

    threads = [
        threading.Thread(target=ingest, args=(partition,))
        for partition in range(4)
    ]
    for thread in threads:
        thread.start()
    for record in leader.changes().follow(60):
        replica.follow(record)
        if record.sequence == 81:
            break
    for thread in threads:
        thread.join()
    assert sum(applied) == 80
    assert content(leader) == content(replica)
    assert [replica.offset("topic", one).next for one in range(4)] == [20] * 4


def test_a_store_that_nobody_writes(tmp_path: Path, leader: lf.Store) -> None:
    write(leader, 1, 5)
    leader.close()
    held = tmp_path / "leader"
    (held / "lock.mdb").unlink(missing_ok=True)
    for file in held.iterdir():
        file.chmod(0o400)
    before = sorted(file.name for file in held.iterdir())
    with lf.Store.open(held, immutable=True, fixed_now=NOON) as store:
        assert store.query("trips:n").read([1]).column("n") == [5]
        assert store.stats().flags & 4
        with pytest.raises(lf.Error):
            write(store, 1, 1)
    assert sorted(file.name for file in held.iterdir()) == before
