// SPDX-License-Identifier: Apache-2.0

package feature_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	feature "github.com/libfeature/libfeature/bindings/go"
)

// openCards makes a store with a change feed, in which card a has spent 1 and b 1.
func openCards(t *testing.T) *feature.Store {
	t.Helper()
	store := openAt(t, filepath.Join(t.TempDir(), "store"))
	must(store.Apply("STORE WITH (changes = '90 days');", nil))(t)
	batch := cards(t, store, 1, "a", "b")
	must(store.Write(nil, batch))(t)
	return store
}

func cards(t *testing.T, store *feature.Store, spent int64, keys ...string) *feature.Batch {
	t.Helper()
	batch := must(store.Batch("card_stats", feature.Upsert, "card_id", "bank", "spent"))(t)
	t.Cleanup(func() { batch.Close() })
	banks, values := make([][]byte, len(keys)), make([]int64, len(keys))
	for i := range keys {
		banks[i], values[i] = []byte{1}, spent
	}
	check(t, feature.Set(batch, "card_id", keys, nil))
	check(t, feature.Set(batch, "bank", banks, nil))
	check(t, feature.Set(batch, "spent", values, nil))
	return batch
}

// spent is what the cards a to d have spent; 0: no row.
func spent(t *testing.T, store *feature.Store) []int64 {
	t.Helper()
	query := must(store.Query("card_stats:spent", nil))(t)
	defer query.Close()
	request := must(query.Request())(t)
	defer request.Close()
	check(t, feature.SetKey(request, "card_id", []string{"a", "b", "c", "d"}, nil))
	check(t, feature.SetKey(request, "bank", [][]byte{{1}}, nil))
	check(t, request.Read())
	return append([]int64(nil), must(feature.Values[int64](request, "spent"))(t)...)
}

func TestALoadReplacesAndARollbackGoesBack(t *testing.T) {
	store := openCards(t)
	load := must(store.BeginLoad("card_stats", &feature.LoadOptions{ID: "night-1", Fingerprint: "x", Sources: []feature.Source{{Name: "s", Next: 7}}, Cut: 3, Memory: 1 << 20, Wait: time.Second}))(t)
	defer load.Close()
	check(t, load.Append(cards(t, store, 2, "b", "c")))
	must(store.Write(nil, cards(t, store, 3, "d")))(t)
	if status := must(load.Status())(t); status.Rows != 2 || status.Sequence != 0 {
		t.Fatalf("%+v", status)
	}
	report := must(load.Commit())(t)
	if report.Rows != 2 || report.CaughtUp != 1 || report.Duplicate || report.Forced || report.Time.IsZero() {
		t.Fatalf("%+v", report)
	}
	equal(t, spent(t, store), []int64{0, 2, 2, 3})
	if offset := must(store.Offset("s", 0))(t); offset.Next != 7 {
		t.Fatalf("%+v", offset)
	}
	if _, err := store.BeginLoad("card_stats", &feature.LoadOptions{Check: "rows >= "}); err == nil || !strings.Contains(err.Error(), "a number") {
		t.Fatal(err)
	}
	again := must(store.BeginLoad("card_stats", &feature.LoadOptions{ID: "night-1", Fingerprint: "x"}))(t)
	defer again.Close()
	if second := must(again.Commit())(t); !second.Duplicate || second.Sequence != report.Sequence {
		t.Fatalf("%+v", second)
	}
	if lines := must(store.Loads("card_stats"))(t); !strings.Contains(lines, `"id":"night-1"`) || lines != must(store.Loads(""))(t) {
		t.Fatal(lines)
	}
	if back := must(store.Rollback("card_stats", nil))(t); back.Sequence <= report.Sequence {
		t.Fatalf("%+v", back)
	}
	equal(t, spent(t, store), []int64{1, 1, 0, 3})
	must(store.Rollback("card_stats", &feature.RollbackOptions{AsItWas: true, Wait: time.Second}))(t)
	equal(t, spent(t, store), []int64{0, 2, 2, 3})
	must(store.Rollback("card_stats", &feature.RollbackOptions{Version: 1}))(t)
	equal(t, spent(t, store), []int64{1, 1, 0, 3})
	must(store.Rollback("card_stats", &feature.RollbackOptions{ID: "night-1"}))(t)
	equal(t, spent(t, store), []int64{0, 2, 2, 3})
	_, err := store.Rollback("card_stats", &feature.RollbackOptions{ID: "night-2"})
	refused(t, err, feature.StatusNotFound, "no-version")
	_, err = store.Rollback("card_stats", &feature.RollbackOptions{ID: "night-1", Version: 1})
	refused(t, err, feature.StatusInvalid, "argument")
	_, err = store.Rollback("card_stats", &feature.RollbackOptions{ID: "a\x00"})
	refused(t, err, feature.StatusInvalid, "argument")
}

func TestALoadThatIsNotCommittedLeavesNothing(t *testing.T) {
	store := openCards(t)
	load := must(store.BeginLoad("card_stats", nil))(t)
	check(t, load.Append(cards(t, store, 5, "c")))
	_, err := store.BeginLoad("card_stats", &feature.LoadOptions{ID: "second"})
	refused(t, err, feature.StatusBusy, "load")
	check(t, load.Abort())
	check(t, load.Close())
	if err = load.Append(cards(t, store, 5, "c")); !errors.Is(err, feature.ErrClosed) {
		t.Fatal(err)
	}
	equal(t, spent(t, store), []int64{1, 1, 0, 0})

	load = must(store.BeginLoad("card_stats", &feature.LoadOptions{Sorted: true}))(t)
	refused(t, load.Append(cards(t, store, 5, "c", "a")), feature.StatusInvalid, "order")
	check(t, load.Close())
	load = must(store.BeginLoad("card_stats", nil))(t)
	refused(t, load.Append(cards(t, store, 5, "c", "c")), feature.StatusConflict, "duplicate-key")
	check(t, load.Close())
	load = must(store.BeginLoad("card_stats", &feature.LoadOptions{LastWins: true, RowsPerSecond: 1000000, BytesPerSecond: 1 << 30, Time: noon}))(t)
	check(t, load.Append(cards(t, store, 5, "c", "c")))
	if report := must(load.Commit())(t); report.Rows != 1 {
		t.Fatalf("%+v", report)
	}
	check(t, load.Close())
	equal(t, spent(t, store), []int64{0, 0, 5, 0})

	_, err = store.Rollback("driver_stats", nil)
	refused(t, err, feature.StatusNotFound, "no-version")
	refused(t, store.DiscardLoad("card_stats", "x"), feature.StatusNotFound, "load")
	_, err = store.BeginLoad("card_stats", &feature.LoadOptions{ID: "a b"})
	refused(t, err, feature.StatusInvalid, "argument")
	_, err = store.BeginLoad("nothing", nil)
	refused(t, err, feature.StatusNotFound, "name")
	refused(t, (&feature.Load{}).Append(nil), feature.StatusInvalid, "argument")
}
