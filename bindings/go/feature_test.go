// SPDX-License-Identifier: Apache-2.0

package feature_test

import (
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	feature "github.com/libfeature/libfeature/bindings/go"
)

func TestAReadAnswersWhatWasWrittenInEveryType(t *testing.T) {
	store := open(t)
	commit := writeDrivers(t, store)
	if commit.Applied != 3 || commit.Sequence != 2 || commit.Time.IsZero() {
		t.Fatalf("the commit is %+v", commit)
	}
	r := readDrivers(t, store, &feature.QueryOptions{Fill: feature.FillStale}, 3, 1)
	if r.Rows() != 2 || r.Commit() != 2 || !r.Now().Equal(noon) {
		t.Fatal(r.Rows(), r.Commit(), r.Now())
	}

	equal(t, must(feature.Values[float32](r, "conv_rate"))(t), []float32{0.75, 0.25})
	equal(t, must(feature.Values[float64](r, "acc_rate"))(t), []float64{2.5, 1.5})
	equal(t, must(feature.Values[int64](r, "avg_daily_trips"))(t), []int64{30, 10})
	equal(t, must(feature.Values[int32](r, "level"))(t), []int32{3, -1})
	equal(t, must(feature.Values[int64](r, "seen"))(t), []int64{-1, 1_000_000})
	equal(t, must(feature.Values[float32](r, "embedding"))(t), []float32{4, 5, 6, 1, 2, 3})
	equal(t, must(feature.Values[float64](r, "scores"))(t), []float64{1, 2})

	equal(t, must(feature.Copy[bool](r, "active"))(t), []bool{true, true})
	equal(t, must(feature.Copy[string](r, "city"))(t), []string{"a\x00b", "Zürich"})
	equal(t, must(feature.Copy[time.Time](r, "seen"))(t), []time.Time{time.UnixMicro(-1).UTC(), time.Unix(1, 0).UTC()})
	equal(t, must(feature.Copy[float32](r, "embedding"))(t), []float32{4, 5, 6, 1, 2, 3})
	for column, want := range map[string]any{
		"photo": [][]byte{{}, {0, 255}},
		"city":  [][]byte{[]byte("a\x00b"), []byte("Zürich")},
	} {
		if got := must(feature.Copy[[]byte](r, column))(t); !reflect.DeepEqual(got, want) {
			t.Fatalf("%s: got %v, wanted %v", column, got, want)
		}
	}
	if got := must(feature.CopyLists[float64](r, "scores"))(t); !reflect.DeepEqual(got, [][]float64{{}, {1, 2}}) {
		t.Fatal(got)
	}
	if got := must(feature.CopyLists[string](r, "tags"))(t); !reflect.DeepEqual(got, [][]string{{"x"}, {"gold", ""}}) {
		t.Fatal(got)
	}
}

func TestAnEventCountsWithoutBeingStored(t *testing.T) {
	store := open(t)
	must(store.Apply(`CREATE EVENT pay (driver_id INT64, x INT64);
CREATE FEATURE VIEW w (n = COUNT(*) OVER '1 hour') FOR driver FROM pay;`, nil))(t)
	b := must(store.Batch("pay", feature.Event, "driver_id", "event_timestamp", "x"))(t)
	defer b.Close()
	at := noon.UnixMicro()
	for _, err := range []error{
		feature.Set(b, "driver_id", []int64{1, 9}, nil),
		feature.Set(b, "event_timestamp", []int64{at, at}, nil),
		feature.Set(b, "x", []int64{5, 6}, nil),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	q := must(store.Query("w(n)", nil))(t)
	defer q.Close()
	r := must(q.Request())(t)
	defer r.Close()
	read := func(events *feature.Batch) []int64 {
		if err := r.SetEvents(events); err != nil {
			t.Fatal(err)
		}
		if err := r.Read(); err != nil {
			t.Fatal(err)
		}
		return must(feature.Copy[int64](r, "n"))(t)
	}
	if err := feature.SetKey(r, "driver_id", []int64{1, 2}, nil); err != nil {
		t.Fatal(err)
	}
	equal(t, read(b), []int64{1, 0})
	if from, to, err := r.Window("n", 0); err != nil || from != at-3_600_000_000 || to != at+1 {
		t.Fatal(from, to, err)
	}
	if _, _, err := r.Window("m", 0); err == nil {
		t.Fatal("there is no column m")
	}
	equal(t, read(nil), []int64{0, 0})
}

func TestAColumnGivesItsValuesOneByOne(t *testing.T) {
	store := open(t)
	writeDrivers(t, store)
	r := readDrivers(t, store, nil, 1, 2, 404)
	for column, want := range map[string][]any{
		"conv_rate": {float32(0.25), float32(0.5), float32(0.5)},
		"acc_rate":  {1.5, nil, nil},
		"level":     {int32(-1), nil, nil},
		"active":    {true, nil, nil},
		"city":      {"Zürich", "nowhere", "nowhere"},
		"photo":     {[]byte{0, 255}, nil, nil},
		"seen":      {time.Unix(1, 0).UTC(), nil, nil},
		"embedding": {[]float32{1, 2, 3}, nil, nil},
		"scores":    {[]float64{1, 2}, nil, nil},
		"tags":      {[]string{"gold", ""}, nil, nil},
	} {
		c := must(r.Column(column))(t)
		for row := range want {
			if got := c.Value(row); !reflect.DeepEqual(got, want[row]) {
				t.Errorf("%s, row %d: got %#v, wanted %#v", column, row, got, want[row])
			}
			if c.Valid(row) != (want[row] != nil) {
				t.Errorf("%s, row %d: valid is %v", column, row, c.Valid(row))
			}
		}
	}
	city := must(r.Column("city"))(t)
	if string(city.Bytes(0)) != "Zürich" || city.Defaulted(0) || !city.Defaulted(1) || city.NullCount != 0 {
		t.Fatal("city is not as written")
	}
	if scores := must(r.Column("scores"))(t); scores.NullCount != 2 || scores.Bytes(0) != nil {
		t.Fatal("scores are not as written")
	}
}

func TestStatesTellMissingNullAndExpiredRowsApart(t *testing.T) {
	store := open(t)
	writeDrivers(t, store)
	query := must(store.Query("driver_stats(conv_rate)", &feature.QueryOptions{Fill: feature.FillNulls}))(t)
	r := must(query.Request())(t)
	defer r.Close()
	check(t, feature.SetKey(r, "driver_id", []int64{1, 2, 3, 4, 5}, []bool{true, true, true, true, false}))
	check(t, r.Read())
	equal(t, must(r.States("driver_stats"))(t), []feature.State{feature.StatePresent, feature.StateNull,
		feature.StateOutsideMaxAge, feature.StateNotFound, feature.StateNoKey})
	equal(t, must(r.Timestamps("driver_stats"))(t), []int64{noon.UnixMicro(), noon.UnixMicro(),
		noon.Add(-3 * time.Hour).UnixMicro(), math.MinInt64, math.MinInt64})
	c := must(r.Column("conv_rate"))(t)
	if c.NullCount != 4 || !c.Valid(0) || c.Valid(2) {
		t.Fatal("FillNulls fills")
	}
}

func TestAsOfAsksEachRowAtItsOwnTime(t *testing.T) {
	store := open(t)
	writeDrivers(t, store)
	r := readDrivers(t, store, nil, 1, 1)
	check(t, r.SetAsOf([]int64{noon.UnixMicro() - 1, noon.UnixMicro()}))
	check(t, r.Read())
	equal(t, must(r.States("driver_stats"))(t), []feature.State{feature.StateNoHistory, feature.StatePresent})
	check(t, r.SetNewest())
	check(t, r.Read())
	equal(t, must(r.States("driver_stats"))(t), []feature.State{feature.StatePresent, feature.StatePresent})
	refused(t, r.SetAsOf(nil), feature.StatusInvalid, "argument")
	refused(t, r.SetAsOf([]int64{math.MinInt64}), feature.StatusInvalid, "argument")
}

func TestAMatrixIsRowMajorAndPadded(t *testing.T) {
	store := open(t)
	writeDrivers(t, store)
	query := must(store.Query("score_v1", &feature.QueryOptions{Matrix: true}))(t)
	if query.MatrixWidth() != 4 || query.Fingerprint() == 0 {
		t.Fatal(query.MatrixWidth(), query.Fingerprint())
	}
	r := must(query.Request())(t)
	defer r.Close()
	check(t, feature.SetKey(r, "driver_id", []int32{1, 404}, nil)) // INT32 widens
	check(t, feature.SetKey(r, "other_id", []int64{1}, nil))       // one for both
	matrix := []float32{9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9}
	check(t, r.ReadMatrix(matrix, 5))
	if !math.IsNaN(float64(matrix[7])) {
		t.Fatal("a null is no NaN")
	}
	matrix[7] = -7
	equal(t, matrix, []float32{0.25, 10, 1, -1, 9, 0.5, 7, -7, -1, 9, 9})
	equal(t, must(r.States("other"))(t), []feature.State{feature.StatePresent, feature.StatePresent})
	_, err := r.Column("conv_rate")
	refused(t, err, feature.StatusInvalid, "argument")
}

func TestNoReadAllocatesInASteadyState(t *testing.T) {
	store := open(t)
	writeDrivers(t, store)
	ids := []int64{1, 2, 3, 404}
	query := must(store.Query("score_v1", &feature.QueryOptions{Matrix: true}))(t)
	request := must(query.Request())(t)
	defer request.Close()
	matrix := make([]float32, len(ids)*query.MatrixWidth())
	valid := []bool{true, true, false, true}
	never := func(name string, f func()) {
		t.Helper()
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
	never("SetKey and ReadMatrix", func() {
		check(t, feature.SetKey(request, "driver_id", ids, valid))
		check(t, feature.SetKey(request, "other_id", ids, nil))
		check(t, request.ReadMatrix(matrix, query.MatrixWidth()))
	})
	never("Read, Values, States and Timestamps", func() {
		check(t, feature.SetKey(request, "driver_id", ids, nil))
		check(t, request.Read())
		rates, err := feature.Values[float32](request, "conv_rate")
		check(t, err)
		states, err := request.States("other")
		check(t, err)
		times, err := request.Timestamps("other")
		check(t, err)
		column, err := request.Column("active")
		check(t, err)
		if len(rates)+len(states)+len(times)+column.Rows != 16 {
			t.Fatal("the answer is short")
		}
	})

	cards := must(store.Query("card_stats(spent)", nil))(t)
	card := must(cards.Request())(t)
	defer card.Close()
	names, banks := []string{"c-1", "c-2"}, [][]byte{{1}, {2}}
	never("SetKey of texts", func() {
		check(t, feature.SetKey(card, "card_id", names, nil))
		check(t, feature.SetKey(card, "bank", banks, nil))
		check(t, card.Read())
	})
}

func TestSeveralViewsAreOneCommit(t *testing.T) {
	store := open(t)
	trips := must(store.Batch("driver_stats", feature.Patch, "driver_id", "avg_daily_trips"))(t)
	cards := must(store.Batch("card_stats", feature.Upsert, "card_id", "bank", "spent"))(t)
	defer trips.Close()
	defer cards.Close()
	for round := int64(1); round <= 2; round++ { // Clear keeps the memory
		check(t, feature.Set(trips, "driver_id", []int64{5}, nil))
		check(t, feature.Set(trips, "avg_daily_trips", []int32{int32(round)}, nil))
		check(t, feature.Set(cards, "card_id", []string{"c-1"}, nil))
		check(t, feature.Set(cards, "bank", []string{"\xff\x00"}, nil)) // BYTES from a string
		check(t, feature.Set(cards, "spent", []int64{100 * round}, nil))
		commit := must(store.Write(nil, trips, cards))(t)
		if commit.Applied != 2 || commit.Sequence != 1+uint64(round) {
			t.Fatalf("the commit is %+v", commit)
		}
		equal(t, cards.Outcomes(), []feature.Outcome{feature.OutcomeApplied})
		check(t, trips.Clear())
		check(t, cards.Clear())
		if cards.Outcomes() != nil {
			t.Fatal("a cleared batch has outcomes")
		}
	}
	query := must(store.Query("card_stats(spent)", nil))(t)
	r := must(query.Request())(t)
	defer r.Close()
	check(t, feature.SetKey(r, "card_id", []string{"c-1", "c-2"}, nil))
	check(t, feature.SetKey(r, "bank", [][]byte{{255, 0}}, nil))
	check(t, r.Read())
	equal(t, must(feature.Values[int64](r, "spent"))(t), []int64{200, 0})
	check(t, r.SetKeyTexts("card_id", feature.Texts{Bytes: []byte("--c-2c-1"), Offsets: []int32{2, 5, 8}}, nil))
	check(t, r.Read())
	equal(t, must(feature.Values[int64](r, "spent"))(t), []int64{0, 200})
}

func TestOutcomesTellRowsApart(t *testing.T) {
	store := open(t)
	writeDrivers(t, store)
	batch := must(store.Batch("driver_stats", feature.Patch, "driver_id", "event_timestamp", "city"))(t)
	defer batch.Close()
	check(t, feature.Set(batch, "driver_id", []int64{1, 1, 1, 8}, nil))
	check(t, feature.Set(batch, "event_timestamp",
		[]time.Time{noon.Add(-time.Hour), noon, noon.Add(48 * time.Hour), noon}, nil))
	check(t, feature.Set(batch, "city", []string{"late", "new", "future", "\xff"}, nil))

	_, err := store.Write(nil, batch)
	detail := refused(t, err, feature.StatusInvalid, "argument")
	if detail.Row != 3 || detail.Batch != 0 {
		t.Fatalf("row %d, batch %d", detail.Row, detail.Batch)
	}
	commit := must(store.Write(&feature.WriteOptions{SkipInvalid: true, Wait: time.Second}, batch))(t)
	if commit.Applied != 1 || commit.Late != 1 || commit.Future != 1 || commit.Rejected != 1 {
		t.Fatalf("the commit is %+v", commit)
	}
	equal(t, batch.Outcomes(), []feature.Outcome{feature.OutcomeLate, feature.OutcomeApplied,
		feature.OutcomeFuture, feature.OutcomeRejected})
	refused(t, batch.Problem(3), feature.StatusInvalid, "argument")
	check(t, batch.Problem(1))
}

func TestDefinitionsArePlannedAppliedAndDescribed(t *testing.T) {
	store := open(t)
	if plan := must(store.Plan("CREATE ENTITY shop (shop_id STRING);"))(t); !strings.Contains(plan, "shop") {
		t.Fatal(plan)
	}
	text := must(store.Describe(""))(t)
	commit := must(store.Apply(text, &feature.ApplyOptions{Expect: 1}))(t)
	if commit.Sequence != 1 {
		t.Fatal("what was described changes something")
	}
	if one := must(store.Describe("score_v1"))(t); !strings.HasPrefix(one, "CREATE FEATURE SERVICE score_v1") {
		t.Fatal(one)
	}
	_, err := store.Apply("", &feature.ApplyOptions{Expect: 9})
	refused(t, err, feature.StatusConflict, "catalog-version")
	_, err = store.Apply("CREATE FEATURE VIEW driver_stats (conv_rate STRING) FOR driver WITH (ttl = '2 hours');", nil)
	if detail := refused(t, err, feature.StatusConflict, "definition"); detail.Line != 1 || detail.Column == 0 {
		t.Fatalf("%+v", detail)
	}
	if !errors.Is(err, feature.ErrConflict) || errors.Is(err, feature.ErrInvalid) {
		t.Fatal(err)
	}
}

func TestQueriesDescribeThemselves(t *testing.T) {
	query := must(open(t).Query("score_v1", nil))(t)
	defer query.Close()
	names := func(fields []feature.Field) (names []string) {
		for _, f := range fields {
			names = append(names, f.Name)
		}
		return names
	}
	equal(t, names(query.Keys()), []string{"driver_id", "other_id"})
	equal(t, names(query.Columns()), []string{"conv_rate", "avg_daily_trips", "active", "other__level"})
	equal(t, names(query.Views()), []string{"driver_stats", "other"})
	if f := query.Columns()[3]; f.Type != feature.TypeInt32 || f.View != 1 || f.Role != feature.RoleFeature || f.Width != 1 {
		t.Fatalf("%+v", f)
	}
	if f := query.Keys()[0]; !f.NotNull || f.Role != feature.RoleJoinKey {
		t.Fatalf("%+v", f)
	}
}

func TestStatsAndMetricsCount(t *testing.T) {
	store := open(t)
	writeDrivers(t, store)
	readDrivers(t, store, nil, 1, 2)
	stats := must(store.Stats())(t)
	if stats.Rows != 3 || stats.Sequence != 2 || stats.Views != 2 || stats.Reads != 1 || stats.ReadRows != 2 ||
		stats.MapSize != 1<<30 || stats.CommitTime.IsZero() {
		t.Fatalf("%+v", stats)
	}
	if stats.PageSize == 0 || stats.Immutable || stats.HeldSnapshots != 0 || stats.WriteTimeouts != 0 ||
		stats.MaxSize != 0 || stats.OldestReaderLag != 0 {
		t.Fatalf("%+v", stats)
	}
	if metrics := must(store.Metrics())(t); !strings.HasSuffix(metrics, "# EOF\n") {
		t.Fatal(metrics)
	}
	check(t, store.Sync())
	if feature.Version() < 100 {
		t.Fatal(feature.Version())
	}
}

func TestAStoreIsOpenedAsAsked(t *testing.T) {
	path := t.TempDir() + "/store"
	_, err := feature.Open(path, nil)
	refused(t, err, feature.StatusNotFound, "no-store")
	store := openAt(t, path)
	second := must(feature.Open(path, &feature.Options{Sync: feature.SyncLastTxn}))(t)
	defer second.Close()
	check(t, store.Close())
	if must(second.Stats())(t).Views != 2 {
		t.Fatal("the second handle does not see the views")
	}
	for _, options := range []feature.Options{
		{Create: true, ReadOnly: true}, {Sync: 7}, {Mode: 0o1000}, {MaxReaders: -1}, {MaxReaders: 1 << 40},
		{WriteWait: -time.Second}, {WriteWait: 1 << 62}, {MaxRowSize: 1 << 40},
	} {
		_, err := feature.Open(path, &options)
		refused(t, err, feature.StatusInvalid, "argument")
	}
}
