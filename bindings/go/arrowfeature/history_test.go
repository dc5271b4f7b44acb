// SPDX-License-Identifier: Apache-2.0

package arrowfeature_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/array"

	feature "github.com/libfeature/libfeature/bindings/go"
	"github.com/libfeature/libfeature/bindings/go/arrowfeature"
)

// kept has a view with history and a feed: three versions of (1, "x"), one of
// (2, "y").
func kept(t testing.TB) *feature.Store {
	t.Helper()
	store, err := feature.Open(filepath.Join(t.TempDir(), "store"),
		&feature.Options{Create: true, FixedNow: noon}) // a feed gives what is durable
	check(t, err)
	t.Cleanup(func() { store.Close() })
	_, err = store.Apply(`STORE WITH (changes = '3 days');
		CREATE ENTITY trip (id INT64, leg STRING);
		CREATE FEATURE VIEW trips (n INT64) FOR trip WITH (history = '9 days');
		CREATE FEATURE VIEW plain (n INT64) FOR trip;`, nil)
	check(t, err)
	for i, leg := range []string{"x", "x", "x", "y"} {
		batch, err := store.Batch("trips", feature.Upsert)
		check(t, err)
		check(t, feature.Set(batch, "id", []int64{int64(1 + i/3)}, nil))
		check(t, feature.Set(batch, "leg", []string{leg}, nil))
		check(t, feature.Set(batch, "event_timestamp", []time.Time{noon.Add(time.Duration(i) * time.Second)}, nil))
		check(t, feature.Set(batch, "n", []int64{int64(10 + i)}, nil))
		_, err = store.Write(nil, batch)
		check(t, err)
	}
	return store
}

// drain is the int64 cells of one column, and whatever ended the reader.
func drain(reader array.RecordReader, column string) (all []int64, err error) {
	defer reader.Release()
	for reader.Next() {
		i := reader.Schema().FieldIndices(column)[0]
		all = append(all, reader.RecordBatch().Column(i).(*array.Int64).Int64Values()...)
	}
	return all, reader.Err()
}

func TestVersionsAreListedTheNewestFirst(t *testing.T) {
	store, ctx := kept(t), context.Background()
	query, err := store.Query("trips(*)", nil)
	check(t, err)
	legs := []string{"y", "x", "gone"}
	for _, c := range []struct {
		options *feature.HistoryOptions
		keys    []feature.KeyColumn
		wanted  []int64
	}{
		{nil, []feature.KeyColumn{feature.Keys([]int64{2, 1, 1}, nil), feature.Keys(legs, nil)}, []int64{13, 12, 11, 10}},
		{&feature.HistoryOptions{Last: 1, ChunkRows: 1, MaxAge: time.Hour},
			[]feature.KeyColumn{feature.Keys([]int64{2, 1, 1}, nil), feature.Keys(legs, nil)}, []int64{13, 12}},
		{&feature.HistoryOptions{Since: noon.Add(time.Second), Until: noon.Add(time.Second)},
			[]feature.KeyColumn{feature.Keys([]int64{1}, nil), feature.Keys(legs, nil)}, []int64{11}},
		{nil, []feature.KeyColumn{feature.Keys([]int64{1}, nil), feature.Keys(legs, []bool{true, false, true})}, nil},
	} {
		reader, report, err := arrowfeature.History(ctx, query, c.options, c.keys...)
		check(t, err)
		stats, err := store.Stats()
		check(t, err)
		if report.Sequence != stats.Sequence || report.Since.IsZero() || !report.Horizon.IsZero() {
			t.Fatalf("%+v", report)
		}
		if got, err := drain(reader, "n"); err != nil || !slices.Equal(got, c.wanted) {
			t.Fatal(got, err)
		}
	}
}

func TestWhatCannotBeListedIsRefused(t *testing.T) {
	store, ctx := kept(t), context.Background()
	query, err := store.Query("trips(*)", nil)
	check(t, err)
	id, leg := feature.Keys([]int64{1}, nil), feature.Keys([]string{"x"}, nil)
	for _, keys := range [][]feature.KeyColumn{nil, {id}, {id, leg, leg}, {leg, id}, {id, {}},
		{feature.Keys([]int64{1, 2}, nil), feature.Keys([]string{"x", "y", "z"}, nil)}} {
		_, _, err = arrowfeature.History(ctx, query, nil, keys...)
		refused(t, err, feature.StatusInvalid, "argument")
	}
	for _, options := range []feature.HistoryOptions{{Last: -1}, {ChunkRows: -1}, {MaxAge: -time.Hour}, {Since: time.UnixMicro(0)}} {
		_, _, err = arrowfeature.History(ctx, query, &options, id, leg)
		refused(t, err, feature.StatusInvalid, "argument")
	}
	plain, err := store.Query("plain(*)", nil)
	check(t, err)
	_, _, err = arrowfeature.History(ctx, plain, nil, id, leg)
	refused(t, err, feature.StatusNotFound, "history")
	check(t, query.Close())
	_, _, err = arrowfeature.History(ctx, query, nil, id, leg)
	if !errors.Is(err, feature.ErrClosed) {
		t.Fatal(err)
	}
}

func TestChangesOfAViewAreRead(t *testing.T) {
	store, ctx := kept(t), context.Background()
	reader, until, err := arrowfeature.Changes(ctx, store, "trips(*)", nil)
	check(t, err)
	if got, err := drain(reader, "n"); err != nil || until != 5 || !slices.Equal(got, []int64{10, 11, 12, 13}) {
		t.Fatal(got, until, err)
	}
	reader, until, err = arrowfeature.Changes(ctx, store, "trips(*)",
		&feature.ChangesArrowOptions{Since: 2, Until: 3, ChunkRows: 1, Before: true})
	check(t, err)
	if !reader.Schema().HasField("before.n") {
		t.Fatal(reader.Schema())
	}
	if got, err := drain(reader, "_seq"); err != nil || until != 3 || !slices.Equal(got, []int64{3}) {
		t.Fatal(got, until, err)
	}
	_, _, err = arrowfeature.Changes(ctx, store, "trips(*)", &feature.ChangesArrowOptions{Since: 99})
	refused(t, err, feature.StatusConflict, "epoch")
	_, _, err = arrowfeature.Changes(ctx, store, "trips(*)", &feature.ChangesArrowOptions{ChunkRows: -1})
	refused(t, err, feature.StatusInvalid, "argument")
	reader, _, err = arrowfeature.Changes(ctx, store, "trips(*)", &feature.ChangesArrowOptions{ChunkRows: 1})
	check(t, err)
	check(t, store.Close())
	if _, err = drain(reader, "n"); !errors.Is(err, feature.ErrClosed) {
		t.Fatal(err)
	}
}
