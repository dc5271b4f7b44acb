// SPDX-License-Identifier: Apache-2.0

package feature_test

import (
	"context"
	"errors"
	"math"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	feature "github.com/libfeature/libfeature/bindings/go"
)

func TestWrongNamesAndTextsAreNamed(t *testing.T) {
	store := open(t)
	_, err := store.Plan("CREATE ENTITY a\x00b")
	if d := refused(t, err, feature.StatusInvalid, "argument"); !strings.Contains(d.Message, "a NUL at byte 15") {
		t.Fatal(d)
	}
	_, err = store.Apply("a\x00", nil)
	refused(t, err, feature.StatusInvalid, "argument")
	_, err = store.Describe("driver\x00")
	refused(t, err, feature.StatusInvalid, "argument")
	_, err = store.Describe("nobody")
	refused(t, err, feature.StatusNotFound, "name")
	_, err = feature.Open("\x00", nil)
	refused(t, err, feature.StatusInvalid, "argument")
	_, err = feature.Open("", nil)
	refused(t, err, feature.StatusInvalid, "argument")
	_, err = store.Query("driver_stats(*)\x00", nil)
	refused(t, err, feature.StatusInvalid, "argument")
	_, err = store.Query("driver_stats(nothing)", nil)
	refused(t, err, feature.StatusNotFound, "name")
	_, err = store.Query("driver_stats(city)", &feature.QueryOptions{Matrix: true})
	refused(t, err, feature.StatusInvalid, "argument")
	_, err = store.Query("driver_stats(city)", &feature.QueryOptions{Fill: 9})
	refused(t, err, feature.StatusInvalid, "argument")
	_, err = store.Batch("driver_stats", feature.Upsert, "driver_id", "ci\x00ty")
	refused(t, err, feature.StatusInvalid, "argument")
	_, err = store.Batch("driver_stats\x00", feature.Upsert)
	refused(t, err, feature.StatusInvalid, "argument")
	_, err = store.Batch("driver_stats", feature.Upsert, []string{}...)
	refused(t, err, feature.StatusInvalid, "argument")
	_, err = store.Batch("driver_stats", 99)
	refused(t, err, feature.StatusInvalid, "argument")
	_, err = store.Batch("driver_stats", feature.Event)
	refused(t, err, feature.StatusInvalid, "argument")
}

func TestWrongColumnsOfABatchAreNamed(t *testing.T) {
	store := open(t)
	b := must(store.Batch("driver_stats", feature.Upsert))(t)
	defer b.Close()
	for name, err := range map[string]error{
		"type":          feature.Set(b, "conv_rate", []float64{1}, nil),
		"text":          feature.Set(b, "conv_rate", []string{"1"}, nil),
		"bool":          feature.Set(b, "conv_rate", []bool{true}, nil),
		"time":          feature.Set(b, "level", []time.Time{noon}, nil),
		"validity":      feature.Set(b, "conv_rate", []float32{1, 2}, []bool{true}),
		"no rows":       feature.Set(b, "conv_rate", []float32{1, 2}, []bool{}),
		"vector":        feature.Set(b, "embedding", []float32{1, 2, 3, 4}, nil),
		"no list":       feature.SetList(b, "conv_rate", [][]float32{{1}}, nil),
		"a list":        feature.Set(b, "scores", []float64{1}, nil),
		"type in list":  feature.SetList(b, "scores", [][]bool{{true}}, nil),
		"list validity": feature.SetList(b, "scores", [][]float64{{1}}, []bool{true, true}),
	} {
		if err == nil {
			t.Errorf("%s is accepted", name)
			continue
		}
		refused(t, err, feature.StatusInvalid, "argument")
	}
	refused(t, feature.Set(b, "conv\x00", []float32{1}, nil), feature.StatusNotFound, "name")
	refused(t, feature.SetList(b, "nobody", [][]float32{{1}}, nil), feature.StatusNotFound, "name")
	refused(t, b.Problem(-1), feature.StatusInvalid, "argument")
	refused(t, b.Problem(1<<33), feature.StatusInvalid, "argument")
	_, err := store.Write(nil, nil)
	if d := refused(t, err, feature.StatusInvalid, "argument"); d.Batch != 0 {
		t.Fatal(d)
	}
	_, err = store.Write(nil, b, b)
	if d := refused(t, err, feature.StatusInvalid, "concurrent"); d.Batch != 1 {
		t.Fatal(d)
	}
	_, err = store.Write(&feature.WriteOptions{Wait: -1 * time.Second}, b)
	refused(t, err, feature.StatusInvalid, "argument")
	_, err = open(t).Write(nil, b)
	refused(t, err, feature.StatusInvalid, "argument")
}

func TestNilSlicesAreNoRows(t *testing.T) {
	store := open(t)
	b := must(store.Batch("driver_stats", feature.Upsert))(t)
	defer b.Close()
	check(t, feature.Set(b, "driver_id", []int64(nil), nil))
	check(t, feature.Set(b, "event_timestamp", []time.Time(nil), []bool{}))
	check(t, feature.Set(b, "conv_rate", []float32(nil), nil))
	check(t, feature.Set(b, "acc_rate", []float64{}, nil))
	check(t, feature.Set(b, "avg_daily_trips", []int64{}, nil))
	check(t, feature.Set(b, "level", []int32{}, nil))
	check(t, feature.Set(b, "active", []bool(nil), nil))
	check(t, feature.Set(b, "city", []string(nil), nil))
	check(t, feature.Set(b, "photo", [][]byte(nil), nil))
	check(t, feature.Set(b, "seen", []time.Time{}, nil))
	check(t, feature.Set(b, "embedding", []float32{}, nil))
	check(t, feature.SetList(b, "scores", [][]float64(nil), nil))
	check(t, feature.SetList(b, "tags", [][]string(nil), nil))
	if c := must(store.Write(nil, b))(t); c.Applied != 0 || c.Sequence != 1 {
		t.Fatalf("%+v", c)
	}
	must(store.Write(nil))(t)

	r := readDrivers(t, store, nil)
	if r.Rows() != 0 {
		t.Fatal(r.Rows())
	}
	equal(t, must(feature.Values[float32](r, "embedding"))(t), nil)
	equal(t, must(feature.Values[float64](r, "scores"))(t), nil)
	equal(t, must(feature.Copy[string](r, "city"))(t), nil)
	equal(t, must(feature.Copy[bool](r, "active"))(t), nil)
	if len(must(feature.CopyLists[string](r, "tags"))(t)) != 0 {
		t.Fatal("a list out of nothing")
	}
	equal(t, must(r.States("driver_stats"))(t), nil)

	query := must(store.Query("score_v1", &feature.QueryOptions{Matrix: true}))(t)
	m := must(query.Request())(t)
	defer m.Close()
	check(t, feature.SetKey(m, "driver_id", []int64(nil), nil))
	check(t, feature.SetKey(m, "other_id", []int64{1}, nil))
	check(t, m.ReadMatrix(nil, 4))
	check(t, feature.SetKey(m, "driver_id", []int64{1, 2}, nil))
	refused(t, m.ReadMatrix(nil, 4), feature.StatusInvalid, "argument")
}

func TestWrongReadsAreNamed(t *testing.T) {
	store := open(t)
	writeDrivers(t, store)
	query := must(store.Query("score_v1", &feature.QueryOptions{Matrix: true}))(t)
	r := must(query.Request())(t)
	defer r.Close()
	invalid := func(err error) {
		t.Helper()
		refused(t, err, feature.StatusInvalid, "argument")
	}
	invalid(r.Read()) // no key is set
	_, err := r.States("driver_stats")
	invalid(err)
	_, err = r.Timestamps("driver_stats")
	invalid(err)
	_, err = feature.Values[float32](r, "conv_rate")
	invalid(err)
	if r.Rows() != 0 || r.Commit() != 0 || !r.Now().IsZero() {
		t.Fatal("an answer before a read")
	}
	invalid(feature.SetKey(r, "driver_id", []float32{1}, nil))
	invalid(feature.SetKey(r, "driver_id", []string{"1"}, nil))
	invalid(feature.SetKey(r, "driver_id", []int64{1, 2}, []bool{true}))
	refused(t, feature.SetKey(r, "nobody", []int64{1}, nil), feature.StatusNotFound, "name")

	check(t, feature.SetKey(r, "driver_id", []int64{1, 2, 3}, nil))
	check(t, feature.SetKey(r, "other_id", []int64{1, 2}, nil))
	invalid(r.Read()) // unequal rows
	check(t, feature.SetKey(r, "other_id", []int64{1}, nil))
	matrix := make([]float32, 12)
	invalid(r.ReadMatrix(matrix[:11], 4))
	invalid(r.ReadMatrix(matrix, 3))
	invalid(r.ReadMatrix(matrix, -4))
	invalid(r.ReadMatrix(matrix, 5))
	invalid(r.ReadMatrix(matrix, math.MaxInt))
	equal(t, matrix, make([]float32, 12))
	check(t, r.ReadMatrix(matrix, 4))
	check(t, r.Read())
	_, err = feature.Values[int64](r, "conv_rate")
	invalid(err)
	_, err = feature.Copy[string](r, "conv_rate")
	invalid(err)
	_, err = feature.CopyLists[float32](r, "conv_rate")
	invalid(err)
	_, err = feature.Values[int64](r, "nobody")
	refused(t, err, feature.StatusNotFound, "name")
	_, err = r.Column("nobody")
	refused(t, err, feature.StatusNotFound, "name")
	_, err = r.States("nobody")
	refused(t, err, feature.StatusNotFound, "name")
	check(t, r.Clear())
	invalid(r.Read())

	all := readDrivers(t, store, nil, 1)
	invalid(all.ReadMatrix(matrix, 12)) // the query was made for none
	_, err = feature.Copy[string](all, "tags")
	invalid(err)

	cards := must(store.Query("card_stats(spent)", nil))(t)
	card := must(cards.Request())(t)
	defer card.Close()
	invalid(feature.SetKey(card, "card_id", []string{"\xff"}, nil))
	check(t, feature.SetKey(card, "card_id", []string{"a\x00b"}, nil)) // a key may hold a NUL
	for _, texts := range []feature.Texts{
		{}, {[]byte("ab"), []int32{}}, {[]byte("ab"), []int32{0, 3}}, {[]byte("ab"), []int32{0, 2, 1}}, {[]byte("ab"), []int32{-1, 2}},
		{[]byte("ab"), []int32{0, 9, 2}}, {[]byte("ab"), []int32{1 << 30, 2}}, {nil, []int32{1}}, {[]byte("\xff"), []int32{0, 1}},
	} {
		invalid(card.SetKeyTexts("card_id", texts, nil))
	}
	invalid(card.SetKeyTexts("card_id", feature.Texts{[]byte("ab"), []int32{0, 1, 2}}, []bool{true}))
	refused(t, card.SetKeyTexts("nobody", feature.Texts{nil, []int32{0}}, nil), feature.StatusNotFound, "name")
	refused(t, r.SetKeyTexts("driver_id", feature.Texts{nil, []int32{0}}, nil), feature.StatusInvalid, "argument")
}

func TestEverythingAnswersClosedAfterClose(t *testing.T) {
	store := open(t)
	query := must(store.Query("score_v1", &feature.QueryOptions{Matrix: true}))(t)
	request := must(query.Request())(t)
	batch := must(store.Batch("driver_stats", feature.Delete))(t)
	matrix := make([]float32, 4)
	check(t, feature.SetKey(request, "driver_id", []int64{1}, nil))
	check(t, feature.SetKey(request, "other_id", []int64{1}, nil))

	check(t, query.Close()) // its request goes on
	check(t, request.ReadMatrix(matrix, 4))
	_, err := query.Request()
	refused(t, err, feature.StatusInvalid, "closed")

	calls := func() map[string]error {
		_, apply := store.Apply("", nil)
		_, describe := store.Describe("")
		_, newBatch := store.Batch("driver_stats", feature.Delete)
		_, newQuery := store.Query("score_v1", nil)
		_, stats := store.Stats()
		_, write := store.Write(nil, batch)
		return map[string]error{
			"apply": apply, "describe": describe, "new batch": newBatch, "new query": newQuery, "stats": stats,
			"write": write, "sync": store.Sync(),
			"set":    feature.Set(batch, "driver_id", []int64{1}, nil),
			"key":    feature.SetKey(request, "driver_id", []int64{1}, nil),
			"as of":  request.SetAsOf([]int64{1}),
			"read":   request.Read(),
			"matrix": request.ReadMatrix(matrix, 4),
		}
	}
	wantClosed := func() {
		t.Helper()
		for name, err := range calls() {
			if !errors.Is(err, feature.ErrClosed) || !errors.Is(err, feature.ErrInvalid) {
				t.Errorf("%s: got %v, wanted closed", name, err)
			}
		}
	}
	for range 2 {
		check(t, store.Close())
		wantClosed()
	}
	for range 2 {
		check(t, request.Close())
		check(t, batch.Close())
		check(t, query.Close())
		wantClosed()
	}
	if errors.Is(request.Read(), context.Canceled) || errors.Is(request.Read(), &feature.Error{}) {
		t.Fatal("closed is something else too")
	}
	if request.Rows() != 0 || batch.Outcomes() != nil || !errors.Is(request.Clear(), feature.ErrClosed) ||
		!errors.Is(batch.Clear(), feature.ErrClosed) || !errors.Is(batch.Problem(0), feature.ErrClosed) {
		t.Fatal("a closed child answers")
	}
	var zero feature.Request
	refused(t, zero.Read(), feature.StatusInvalid, "closed")
	_, err = new(feature.Query).Request()
	refused(t, err, feature.StatusInvalid, "closed")
}

// In these tests the race detector, and the C library under it, are the judges.

func TestCloseWhileOthersReadAndWrite(t *testing.T) {
	for range 20 {
		store := open(t)
		query := must(store.Query("score_v1", nil))(t)
		var group sync.WaitGroup
		var started sync.WaitGroup
		for range 4 {
			group.Add(2)
			started.Add(2)
			go func() {
				defer group.Done()
				request, err := query.Request()
				started.Done()
				for err == nil {
					if err = feature.SetKey(request, "driver_id", []int64{1, 2}, nil); err == nil {
						err = feature.SetKey(request, "other_id", []int64{1}, nil)
					}
					if err == nil {
						err = request.Read()
					}
				}
				closed(t, err)
				request.Close()
			}()
			go func() {
				defer group.Done()
				batch, err := store.Batch("driver_stats", feature.Patch, "driver_id", "level")
				started.Done()
				for err == nil {
					if err = feature.Set(batch, "driver_id", []int64{1}, nil); err == nil {
						err = feature.Set(batch, "level", []int32{1}, nil)
					}
					if err == nil {
						_, err = store.Write(nil, batch)
					}
				}
				closed(t, err)
				batch.Close()
			}()
		}
		started.Wait()
		group.Add(2)
		for range 2 {
			go func() {
				defer group.Done()
				store.Close()
				query.Close()
			}()
		}
		group.Wait()
	}
}

func closed(t *testing.T, err error) {
	if !errors.Is(err, feature.ErrClosed) {
		t.Errorf("got %v, wanted closed", err)
	}
}

func TestOneRequestInManyGoroutinesIsRefusedOrRight(t *testing.T) {
	store := open(t)
	writeDrivers(t, store)
	r := readDrivers(t, store, nil, 1)
	batch := must(store.Batch("driver_stats", feature.Delete))(t)
	var group sync.WaitGroup
	for i := range 4 {
		group.Add(1)
		go func() {
			defer group.Done()
			for range 200 {
				for _, err := range []error{
					feature.SetKey(r, "driver_id", []int64{1, 2, 3}[:1+i%3], nil), r.Read(), r.SetNewest(), r.Clear(),
					feature.Set(batch, "driver_id", []int64{1}, nil), batch.Clear(),
				} {
					var detail *feature.Error
					if errors.As(err, &detail) && detail.Reason != "concurrent" && detail.Reason != "argument" &&
						detail.Reason != "closed" {
						t.Errorf("got %v", err)
					}
				}
				r.Rows()
				feature.Copy[string](r, "city")
				if i == 3 {
					runtime.Gosched()
				}
			}
			if i == 0 {
				r.Close()
				batch.Close()
			}
		}()
	}
	group.Wait()
}

func TestWhatIsForgottenIsReleased(t *testing.T) {
	store := open(t)
	writeDrivers(t, store)
	for range 50 {
		query := must(store.Query("driver_stats(*)", nil))(t)
		request := must(query.Request())(t)
		batch := must(store.Batch("driver_stats", feature.Delete))(t)
		check(t, feature.SetKey(request, "driver_id", []int64{1, 2}, nil))
		check(t, request.Read())
		check(t, feature.Set(batch, "driver_id", []int64{77}, nil))
		runtime.GC()
	}
	path := t.TempDir() + "/forgotten"
	query := must(openForgotten(t, path).Query("driver_stats(*)", nil))(t)
	for range 3 {
		runtime.GC()
	}
	must(query.Request())(t) // a query keeps its store open
}

func openForgotten(t *testing.T, path string) *feature.Store {
	store := must(feature.Open(path, &feature.Options{Create: true, MapSize: 1 << 28}))(t)
	must(store.Apply(definitions, nil))(t)
	return store
}
