// SPDX-License-Identifier: Apache-2.0

package feature_test

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	feature "github.com/libfeature/libfeature/bindings/go"
)

const definitions = `
CREATE ENTITY driver (driver_id INT64);
CREATE ENTITY card (card_id STRING, bank BYTES);
CREATE FEATURE VIEW driver_stats (
    conv_rate       FLOAT32 DEFAULT 0.5,
    acc_rate        FLOAT64,
    avg_daily_trips INT64 DEFAULT 7,
    level           INT32,
    active          BOOL,
    city            STRING DEFAULT 'nowhere',
    photo           BYTES,
    seen            TIMESTAMP,
    embedding       FLOAT32[3],
    scores          FLOAT64[],
    tags            STRING[]
) FOR driver WITH (ttl = '2 hours');
CREATE FEATURE VIEW card_stats (spent INT64 DEFAULT 0) FOR card;
CREATE FEATURE SERVICE score_v1 AS
    driver_stats(conv_rate, avg_daily_trips, active),
    driver_stats(level) AS other (driver_id AS other_id);
`

// noon is the clock of every test.
var noon = time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC)

// open makes a store in a fresh directory, with the definitions in it.
func open(t testing.TB) *feature.Store {
	t.Helper()
	return openAt(t, filepath.Join(t.TempDir(), "store"))
}

func openAt(t testing.TB, path string) *feature.Store {
	t.Helper()
	store := must(feature.Open(path, &feature.Options{Create: true, FixedNow: noon, Sync: feature.SyncLastTxn, MapSize: 1 << 30}))(t)
	t.Cleanup(func() { store.Close() })
	must(store.Apply(definitions, nil))(t)
	return store
}

// must stops the test at an error: must(call(…))(t).
func must[T any](value T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// refused wants an *Error of that status and reason, and returns it.
func refused(t testing.TB, err error, status feature.Status, reason string) *feature.Error {
	t.Helper()
	var detail *feature.Error
	if !errors.As(err, &detail) {
		t.Fatalf("got %v, wanted %v %s", err, status, reason)
	}
	if !errors.Is(err, status) || detail.Reason != reason || detail.Message == "" {
		t.Fatalf("got %v, wanted %v %s", err, status, reason)
	}
	return detail
}

func equal[T comparable](t testing.TB, got, want []T) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("got %v, wanted %v", got, want)
	}
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("got %v, wanted %v", got, want)
		}
	}
}

// writeDrivers writes three rows of driver_stats: 1 in full, 2 with nulls only,
// 3 full and three hours old.
func writeDrivers(t testing.TB, store *feature.Store) feature.Commit {
	t.Helper()
	batch := must(store.Batch("driver_stats", feature.Upsert))(t)
	defer batch.Close()
	full := []bool{true, false, true}
	check(t, feature.Set(batch, "driver_id", []int64{1, 2, 3}, nil))
	check(t, feature.Set(batch, "event_timestamp", []time.Time{noon, noon, noon.Add(-3 * time.Hour)}, nil))
	check(t, feature.Set(batch, "conv_rate", []float32{0.25, 0, 0.75}, full))
	check(t, feature.Set(batch, "acc_rate", []float64{1.5, 0, 2.5}, full))
	check(t, feature.Set(batch, "avg_daily_trips", []int64{10, 0, 30}, full))
	check(t, feature.Set(batch, "level", []int32{-1, 0, 3}, full))
	check(t, feature.Set(batch, "active", []bool{true, false, true}, full))
	check(t, feature.Set(batch, "city", []string{"Zürich", "", "a\x00b"}, full))
	check(t, feature.Set(batch, "photo", [][]byte{{0, 255}, nil, {}}, full))
	check(t, feature.Set(batch, "seen", []int64{1_000_000, 0, -1}, full))
	check(t, feature.Set(batch, "embedding", []float32{1, 2, 3, 0, 0, 0, 4, 5, 6}, full))
	check(t, feature.SetList(batch, "scores", [][]float64{{1, 2}, nil, {}}, full))
	check(t, feature.SetList(batch, "tags", [][]string{{"gold", ""}, nil, {"x"}}, full))
	return must(store.Write(nil, batch))(t)
}

func readDrivers(t testing.TB, store *feature.Store, options *feature.QueryOptions, keys ...int64) *feature.Request {
	t.Helper()
	query := must(store.Query("driver_stats(*)", options))(t)
	request := must(query.Request())(t)
	t.Cleanup(func() { request.Close(); query.Close() })
	check(t, feature.SetKey(request, "driver_id", keys, nil))
	check(t, request.Read())
	return request
}
