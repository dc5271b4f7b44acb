// SPDX-License-Identifier: Apache-2.0

package feature_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	feature "github.com/libfeature/libfeature/bindings/go"
)

const trips = `
STORE WITH (changes = '3 days');
CREATE ENTITY trip (trip_id INT64);
CREATE FEATURE VIEW trips (n INT64, name STRING) FOR trip WITH (history = '90 days');
`

// openEmpty makes a store whose commits are durable at once: a feed gives no other.
func openEmpty(t testing.TB, path string) *feature.Store {
	t.Helper()
	store := must(feature.Open(path, &feature.Options{Create: true, FixedNow: noon, MapSize: 1 << 30}))(t)
	t.Cleanup(func() { store.Close() })
	return store
}

// pair is a leader with a change feed, and an empty store beside it.
func pair(t testing.TB) (leader, replica *feature.Store) {
	t.Helper()
	folder := t.TempDir()
	leader = openEmpty(t, filepath.Join(folder, "leader"))
	must(leader.Apply(trips, nil))(t)
	return leader, openEmpty(t, filepath.Join(folder, "replica"))
}

func writeTrip(store *feature.Store, key, n int64, sources ...feature.Source) (feature.Commit, error) {
	batch, err := store.Batch("trips", feature.Patch, "trip_id", "event_timestamp", "n")
	if err != nil {
		return feature.Commit{}, err
	}
	defer batch.Close()
	err = errors.Join(feature.Set(batch, "trip_id", []int64{key}, nil),
		feature.Set(batch, "event_timestamp", []time.Time{noon}, nil), feature.Set(batch, "n", []int64{n}, nil))
	if err != nil {
		return feature.Commit{}, err
	}
	return store.Write(&feature.WriteOptions{Sources: sources}, batch)
}

// followAll brings a follower up to date and returns how many records that took.
func followAll(t testing.TB, leader, replica *feature.Store) int {
	t.Helper()
	feed := must(leader.Changes(&feature.ChangesOptions{Since: must(replica.Stats())(t).Sequence}))(t)
	defer feed.Close()
	count := 0
	for record, err := range feed.All() {
		check(t, err)
		commit := must(replica.Follow(record.Bytes))(t)
		if commit.Sequence != record.Sequence || !commit.Time.Equal(record.Time) {
			t.Fatalf("%+v of %d %v", commit, record.Sequence, record.Time)
		}
		count++
	}
	return count
}

// content is what readers see, at all times.
func content(t testing.TB, store *feature.Store) []any {
	t.Helper()
	query := must(store.Query("trips(*)", nil))(t)
	defer query.Close()
	request := must(query.Request())(t)
	defer request.Close()
	check(t, feature.SetKey(request, "trip_id", []int64{0, 1, 2, 3, 4, 5, 6, 7}, nil))
	seen := []any{must(store.Describe(""))(t), must(store.Stats())(t).Rows}
	for at := int64(-2); at < 3; at++ {
		check(t, request.SetAsOf([]int64{noon.UnixMicro() + at}))
		check(t, request.Read())
		seen = append(seen, must(feature.Copy[int64](request, "n"))(t), must(feature.Copy[string](request, "name"))(t),
			append([]feature.State(nil), must(request.States("trips"))(t)...))
	}
	return seen
}

func TestASourceIsWrittenOnce(t *testing.T) {
	leader, _ := pair(t)
	_, err := leader.Offset("orders", 3)
	refused(t, err, feature.StatusNotFound, "name")
	first := feature.Source{Name: "orders", Partition: 3, Next: 10, Position: []byte("a\x00b")}
	if c := must(writeTrip(leader, 1, 1, first))(t); c.Applied != 1 || c.Sequence != 2 {
		t.Fatalf("%+v", c)
	}
	if c := must(writeTrip(leader, 1, 2, first))(t); c.Duplicate != 1 || c.Sequence != 2 {
		t.Fatalf("%+v", c)
	}
	if o := must(leader.Offset("orders", 3))(t); o.Next != 10 || string(o.Position) != "a\x00b" {
		t.Fatalf("%+v", o)
	}
	_, err = writeTrip(leader, 1, 2, feature.Source{Name: "orders", Partition: 3, First: 5, Next: 15})
	refused(t, err, feature.StatusConflict, "overlap")
	both := []feature.Source{{Name: "orders", Partition: 3, First: 10, Next: 20}, {Name: "zürich", Next: 1 << 63}}
	if c := must(writeTrip(leader, 1, 3, both...))(t); c.Applied != 1 {
		t.Fatalf("%+v", c)
	}
	if o := must(leader.Offset("zürich", 0))(t); o.Next != 1<<63 || len(o.Position) != 0 {
		t.Fatalf("%+v", o)
	}
	// An offset alone is a commit.
	alone := &feature.WriteOptions{Sources: []feature.Source{{Name: "alone", Next: 1}}}
	if c := must(leader.Write(alone))(t); c.Sequence != 4 {
		t.Fatalf("%+v", c)
	}
	for _, wrong := range []feature.Source{{}, {Name: "a\x00"}, {Name: "a", First: 2, Next: 1}} {
		_, err := writeTrip(leader, 1, 4, feature.Source{Name: "b", Next: 1, Position: []byte("x")}, wrong)
		refused(t, err, feature.StatusInvalid, "argument")
		_, err = leader.Offset(wrong.Name, 0)
		if !errors.Is(err, feature.ErrInvalid) && !errors.Is(err, feature.ErrNotFound) {
			t.Fatal(err)
		}
	}
	if s := must(leader.Stats())(t); s.Sequence != 4 {
		t.Fatalf("%+v", s)
	}
}

func TestAFollowerHoldsTheSame(t *testing.T) {
	leader, replica := pair(t)
	for n := int64(1); n < 20; n++ {
		must(writeTrip(leader, n%5, n, feature.Source{Name: "t", First: uint64(n - 1), Next: uint64(n), Position: []byte{byte(n)}}))(t)
	}
	if n := followAll(t, leader, replica); n != 20 {
		t.Fatal(n)
	}
	must(leader.Apply("CREATE FEATURE VIEW more (x BOOL) FOR trip;", nil))(t)
	must(writeTrip(leader, 7, 99))(t)
	if n := followAll(t, leader, replica); n != 2 {
		t.Fatal(n)
	}
	if n := followAll(t, leader, replica); n != 0 {
		t.Fatal(n)
	}
	if got, want := content(t, replica), content(t, leader); !reflect.DeepEqual(got, want) {
		t.Fatalf("got %v, wanted %v", got, want)
	}
	if o := must(replica.Offset("t", 0))(t); o.Next != 19 || len(o.Position) != 1 || o.Position[0] != 19 {
		t.Fatalf("%+v", o)
	}
	_, err := writeTrip(replica, 1, 1)
	refused(t, err, feature.StatusConflict, "follower")
	if got, want := content(t, replica), content(t, leader); !reflect.DeepEqual(got, want) {
		t.Fatalf("got %v, wanted %v", got, want)
	}
}

func TestAPromotedFollowerRefusesTheOldLeader(t *testing.T) {
	leader, replica := pair(t)
	followAll(t, leader, replica)
	if epoch := must(leader.Promote())(t); epoch != 1 { // who follows nobody
		t.Fatal(epoch)
	}
	if epoch := must(replica.Promote())(t); epoch != 2 {
		t.Fatal(epoch)
	}
	must(writeTrip(leader, 1, 1))(t)
	must(writeTrip(replica, 1, 2))(t)
	feed := must(leader.Changes(&feature.ChangesOptions{Since: 1}))(t)
	defer feed.Close()
	_, err := replica.Follow(must(feed.Next())(t).Bytes)
	refused(t, err, feature.StatusConflict, "epoch")
}

func TestARecordIsMissingOrDamaged(t *testing.T) {
	leader, replica := pair(t)
	must(writeTrip(leader, 1, 1))(t)
	must(writeTrip(leader, 1, 2))(t)
	feed := must(leader.Changes(nil))(t)
	defer feed.Close()
	var records [][]byte
	for record, err := range feed.All() {
		check(t, err)
		records = append(records, record.Bytes)
	}
	for range 2 { // the second time changes nothing
		if c := must(replica.Follow(records[0]))(t); c.Sequence != 1 {
			t.Fatalf("%+v", c)
		}
	}
	_, err := replica.Follow(records[2])
	refused(t, err, feature.StatusGap, "gap")
	records[1][len(records[1])/2] ^= 1
	_, err = replica.Follow(records[1])
	if !errors.Is(err, feature.ErrCorrupt) {
		t.Fatal(err)
	}
	_, err = replica.Follow(nil)
	refused(t, err, feature.StatusInvalid, "argument")
	_, err = replica.Follow([]byte{})
	refused(t, err, feature.StatusCorrupt, "structure")
	if s := must(replica.Stats())(t); s.Sequence != 1 {
		t.Fatalf("%+v", s)
	}
}

func TestAFeedBeginsWhereItWasTurnedOn(t *testing.T) {
	store := open(t)
	_, err := store.Changes(nil)
	refused(t, err, feature.StatusNotFound, "no-feed")
	must(store.Apply("STORE WITH (changes = '3 days');", nil))(t)
	_, err = store.Changes(nil)
	refused(t, err, feature.StatusGap, "feed-truncated")
	_, err = store.Changes(&feature.ChangesOptions{Since: 9})
	refused(t, err, feature.StatusConflict, "epoch")
	for _, wrong := range []feature.ChangesOptions{{Resume: true}, {Consumer: "a b"}, {Consumer: "a\x00"}, {Claim: 1},
		{Consumer: "a", Claim: -1}, {Consumer: "a", Resume: true, Since: 1}, {Since: 1<<64 - 1}} {
		_, err = store.Changes(&wrong)
		refused(t, err, feature.StatusInvalid, "argument")
	}
}

func TestARecordIsJSON(t *testing.T) {
	leader, _ := pair(t)
	must(writeTrip(leader, 5, 42))(t)
	feed := must(leader.Changes(&feature.ChangesOptions{Since: 1}))(t)
	defer feed.Close()
	record := must(feed.Next())(t)
	var found struct {
		Sequence uint64
		Changes  []struct {
			Operation, View string
			Key, After      map[string]any
		}
	}
	check(t, json.Unmarshal(must(feed.JSON(record.Bytes))(t), &found))
	if c := found.Changes[0]; found.Sequence != 2 || c.View != "trips" || c.Operation != "PATCH" ||
		c.Key["trip_id"] != 5.0 || c.After["n"] != 42.0 {
		t.Fatalf("%+v", found)
	}
	_, err := feed.JSON([]byte("x"))
	refused(t, err, feature.StatusCorrupt, "structure")
}

func TestAConsumerResumes(t *testing.T) {
	leader, _ := pair(t)
	must(writeTrip(leader, 1, 1))(t)
	resume := &feature.ChangesOptions{Consumer: "mail", Resume: true}
	_, err := leader.Changes(resume)
	refused(t, err, feature.StatusNotFound, "name")
	feed := must(leader.Changes(&feature.ChangesOptions{Consumer: "mail", Claim: time.Hour}))(t)
	refused(t, feed.Acknowledge(1), feature.StatusInvalid, "argument") // not read yet
	record := must(feed.Next())(t)
	check(t, feed.Acknowledge(record.Sequence))
	check(t, feed.Close())
	feed = must(leader.Changes(resume))(t)
	defer feed.Close()
	if record = must(feed.Next())(t); record.Sequence != 2 {
		t.Fatal(record.Sequence)
	}
	unnamed := must(leader.Changes(nil))(t)
	defer unnamed.Close()
	refused(t, unnamed.Acknowledge(0), feature.StatusInvalid, "argument")
}

func TestWhoWaitsIsWokenOrCancelled(t *testing.T) {
	leader, _ := pair(t)
	feed := must(leader.Changes(&feature.ChangesOptions{Since: 1}))(t)
	defer feed.Close()
	ctx, cancel := context.WithCancel(context.Background())
	seen := make(chan uint64)
	done := make(chan error)
	go func() {
		for record, err := range feed.Follow(ctx) {
			if err != nil {
				done <- err
				return
			}
			seen <- record.Sequence
		}
	}()
	for n := range int64(5) {
		must(writeTrip(leader, n, n))(t)
		if got := <-seen; got != uint64(n+2) {
			t.Fatal(got)
		}
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if record := must(feed.Next())(t); record != nil {
		t.Fatal(record)
	}
	_, err := feed.Wait(ctx)
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}

func TestACloseEndsAWait(t *testing.T) {
	for _, what := range []string{"feed", "store"} {
		leader, _ := pair(t)
		feed := must(leader.Changes(&feature.ChangesOptions{Since: 1}))(t)
		done := make(chan error)
		go func() {
			_, err := feed.Wait(context.Background())
			done <- err
		}()
		if what == "feed" {
			check(t, feed.Close())
		} else {
			check(t, leader.Close())
		}
		if err := <-done; !errors.Is(err, feature.ErrClosed) {
			t.Fatal(what, err)
		}
		_, err := feed.Next()
		if !errors.Is(err, feature.ErrClosed) {
			t.Fatal(what, err)
		}
		check(t, feed.Close())
		check(t, feed.Close())
		if _, err = feed.JSON(nil); !errors.Is(err, feature.ErrClosed) || !errors.Is(feed.Acknowledge(0), feature.ErrClosed) {
			t.Fatal(what, err)
		}
	}
	leader, _ := pair(t)
	check(t, leader.Close())
	_, opened := leader.Changes(nil)
	_, followed := leader.Follow([]byte{1})
	_, promoted := leader.Promote()
	_, asked := leader.Offset("a", 0)
	for _, err := range []error{opened, followed, promoted, asked} {
		if !errors.Is(err, feature.ErrClosed) {
			t.Fatal(err)
		}
	}
}

func TestAFeedIsForOneGoroutine(t *testing.T) {
	leader, _ := pair(t)
	feed := must(leader.Changes(nil))(t)
	defer feed.Close()
	for range feed.All() {
		_, err := feed.Next() // between two records it is free
		check(t, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() {
		for { // until it is the first
			var detail *feature.Error
			if _, err := feed.Wait(ctx); !errors.As(err, &detail) || detail.Reason != "concurrent" {
				done <- err
				return
			}
		}
	}()
	var err error
	for err == nil { // until the other one is
		_, err = feed.Next()
	}
	refused(t, err, feature.StatusInvalid, "concurrent")
	cancel()
	if err = <-done; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}

func TestWritersOfPartitionsAndAFollower(t *testing.T) {
	leader, replica := pair(t)
	var applied atomic.Uint64
	var writers sync.WaitGroup
	for partition := range uint32(4) {
		writers.Add(1)
		go func() {
			defer writers.Done()
			for at := range uint64(20) {
				for range 2 {
					commit, err := writeTrip(leader, int64(partition), int64(at),
						feature.Source{Name: "topic", Partition: partition, First: at, Next: at + 1})
					if err != nil {
						t.Error(err)
					}
					applied.Add(commit.Applied)
				}
			}
		}()
	}
	feed := must(leader.Changes(nil))(t)
	defer feed.Close()
	for record, err := range feed.Follow(context.Background()) {
		check(t, err)
		must(replica.Follow(record.Bytes))(t)
		if record.Sequence == 81 {
			break
		}
	}
	writers.Wait()
	if applied.Load() != 80 || followAll(t, leader, replica) != 0 {
		t.Fatal(applied.Load())
	}
	if got, want := content(t, replica), content(t, leader); !reflect.DeepEqual(got, want) {
		t.Fatalf("got %v, wanted %v", got, want)
	}
}

func TestAStoreThatNobodyWrites(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store")
	store := openAt(t, path)
	writeDrivers(t, store)
	check(t, store.Close())
	before := len(must(os.ReadDir(path))(t))
	held := must(feature.Open(path, &feature.Options{Immutable: true, FixedNow: noon}))(t)
	defer held.Close()
	r := readDrivers(t, held, nil, 1)
	equal(t, must(feature.Copy[string](r, "city"))(t), []string{"Zürich"})
	if s := must(held.Stats())(t); !s.Immutable {
		t.Fatalf("%+v", s)
	}
	if _, err := held.Apply("CREATE ENTITY x (k INT64);", nil); err == nil {
		t.Fatal("a promise was broken")
	}
	if after := len(must(os.ReadDir(path))(t)); after != before {
		t.Fatal(before, after)
	}
}
