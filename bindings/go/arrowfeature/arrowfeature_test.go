// SPDX-License-Identifier: Apache-2.0

package arrowfeature_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	feature "github.com/libfeature/libfeature/bindings/go"
	"github.com/libfeature/libfeature/bindings/go/arrowfeature"
)

var noon = time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC)

const definitions = `
CREATE ENTITY driver (driver_id INT64);
CREATE FEATURE VIEW stats (
    rate FLOAT32, trips INT64 DEFAULT 7, active BOOL, city STRING, photo BYTES, seen TIMESTAMP,
    embedding FLOAT32[2], scores FLOAT64[], tags STRING[]
) FOR driver;
CREATE FEATURE VIEW copies (
    rate FLOAT32, trips INT64 DEFAULT 7, active BOOL, city STRING, photo BYTES, seen TIMESTAMP,
    embedding FLOAT32[2], scores FLOAT64[], tags STRING[]
) FOR driver;
`

func open(t testing.TB) *feature.Store {
	t.Helper()
	store, err := feature.Open(filepath.Join(t.TempDir(), "store"),
		&feature.Options{Create: true, FixedNow: noon, Sync: feature.SyncLastTxn, MapSize: 1 << 30})
	check(t, err)
	t.Cleanup(func() { store.Close() })
	_, err = store.Apply(definitions, nil)
	check(t, err)
	return store
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func refused(t testing.TB, err error, status feature.Status, reason string) {
	t.Helper()
	var detail *feature.Error
	if !errors.As(err, &detail) || detail.Status != status || detail.Reason != reason {
		t.Fatalf("got %v, wanted %v %s", err, status, reason)
	}
}

// checked is an allocator that wants everything back.
func checked(t testing.TB) memory.Allocator {
	mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
	t.Cleanup(func() { mem.AssertSize(t.(*testing.T), 0) })
	return mem
}

var schema = arrow.NewSchema([]arrow.Field{
	{Name: "driver_id", Type: arrow.PrimitiveTypes.Int64},
	{Name: "event_timestamp", Type: &arrow.TimestampType{Unit: arrow.Millisecond, TimeZone: "Europe/Zurich"}},
	{Name: "rate", Type: arrow.PrimitiveTypes.Float32, Nullable: true},
	{Name: "active", Type: arrow.FixedWidthTypes.Boolean, Nullable: true},
	{Name: "city", Type: &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}, Nullable: true},
	{Name: "photo", Type: arrow.BinaryTypes.LargeBinary, Nullable: true},
	{Name: "embedding", Type: arrow.FixedSizeListOf(2, arrow.PrimitiveTypes.Float32), Nullable: true},
	{Name: "scores", Type: arrow.ListOf(arrow.PrimitiveTypes.Float64), Nullable: true},
	{Name: "tags", Type: arrow.LargeListOf(arrow.BinaryTypes.String), Nullable: true},
	{Name: "trips", Type: arrow.PrimitiveTypes.Uint8, Nullable: true},
	{Name: "seen", Type: arrow.FixedWidthTypes.Date32, Nullable: true},
}, nil)

const batchOf = `[
	{"driver_id": %d, "event_timestamp": "2024-05-01 10:00:00", "rate": 0.5, "active": true, "city": "Bern", "photo": "AP8=",
	 "embedding": [1, 2], "scores": [1.5, 2.5], "tags": ["gold", ""], "trips": 200, "seen": "1970-01-02"},
	{"driver_id": %d, "event_timestamp": "2024-05-01 10:00:00"}
]`

// batches makes n batches of two rows: drivers 1 and 2, 3 and 4, …
func batches(t testing.TB, mem memory.Allocator, n int) (all []arrow.RecordBatch) {
	t.Helper()
	for i := range n {
		batch, _, err := array.RecordFromJSON(mem, schema, strings.NewReader(fmt.Sprintf(batchOf, 2*i+1, 2*i+2)))
		check(t, err)
		all = append(all, batch)
		t.Cleanup(batch.Release)
	}
	return all
}

func readerOf(t testing.TB, all []arrow.RecordBatch) array.RecordReader {
	t.Helper()
	reader, err := array.NewRecordReader(schema, all)
	check(t, err)
	t.Cleanup(reader.Release)
	return reader
}

func TestAWrittenStreamIsScannedBack(t *testing.T) {
	store, ctx := open(t), context.Background()
	commit, err := arrowfeature.Write(ctx, store, "stats", feature.Upsert, readerOf(t, batches(t, checked(t), 3)), nil)
	check(t, err)
	if commit.Sequence != 2 || commit.Applied != 6 {
		t.Fatalf("%+v", commit)
	}

	reader, err := arrowfeature.Scan(ctx, store, "stats(*)", &feature.ScanOptions{ChunkRows: 4})
	check(t, err)
	defer reader.Release()
	var rows []string
	for reader.Next() {
		if reader.RecordBatch().NumRows() > 4 {
			t.Fatal("a batch is too large")
		}
		text, err := reader.RecordBatch().MarshalJSON()
		check(t, err)
		rows = append(rows, strings.Split(strings.Trim(string(text), "[]\n"), "\n")...)
	}
	check(t, reader.Err())
	if len(rows) != 6 {
		t.Fatal(rows)
	}
	want := []string{
		`{"active":true,"city":"Bern","driver_id":5,"embedding":[1,2],"event_timestamp":"2024-05-01T10:00:00Z",` +
			`"photo":"AP8=","rate":0.5,"scores":[1.5,2.5],"seen":"1970-01-02T00:00:00Z","tags":["gold",""],"trips":200}`,
		`{"active":null,"city":null,"driver_id":6,"embedding":null,"event_timestamp":"2024-05-01T10:00:00Z",` +
			`"photo":null,"rate":null,"scores":null,"seen":null,"tags":null,"trips":7}`,
	}
	for i := range want {
		if got := strings.Trim(rows[4+i], ", "); got != want[i] {
			t.Errorf("row %d: got %s\nwanted %s", 4+i, got, want[i])
		}
	}
	if reader.Next() || reader.Err() != nil {
		t.Fatal("the end is not the end")
	}
}

func TestAScanIsWrittenIntoTheSameStore(t *testing.T) {
	store, ctx := open(t), context.Background()
	_, err := arrowfeature.Write(ctx, store, "stats", feature.Upsert, readerOf(t, batches(t, checked(t), 3)), nil)
	check(t, err)
	for _, options := range []*feature.ArrowOptions{nil, {CommitRows: 2}} {
		reader, err := arrowfeature.Scan(ctx, store, "stats(*)", &feature.ScanOptions{ChunkRows: 2})
		check(t, err)
		commit, err := arrowfeature.Write(ctx, store, "copies", feature.Upsert, reader, options)
		check(t, err)
		if commit.Applied != 6 {
			t.Fatalf("%+v", commit)
		}
		reader.Release()
	}
	stats, err := store.Stats()
	check(t, err)
	if stats.Rows != 12 || stats.Sequence != 6 {
		t.Fatalf("%+v", stats)
	}
}

func TestAnAnswerIsARecordBatch(t *testing.T) {
	store, ctx := open(t), context.Background()
	_, err := arrowfeature.Write(ctx, store, "stats", feature.Upsert, readerOf(t, batches(t, checked(t), 1)), nil)
	check(t, err)
	query, err := store.Query("stats(city, tags)", nil)
	check(t, err)
	request, err := query.Request()
	check(t, err)
	_, err = arrowfeature.Read(request, 0)
	refused(t, err, feature.StatusInvalid, "argument")
	check(t, feature.SetKey(request, "driver_id", []int64{1, 404}, nil))
	check(t, request.Read())
	_, err = arrowfeature.Read(request, 64)
	refused(t, err, feature.StatusInvalid, "argument")
	batch, err := arrowfeature.Read(request, feature.ExportStates|feature.ExportTimestamps)
	check(t, err)
	defer batch.Release()
	request.Close() // the batch outlives it
	query.Close()
	text, err := batch.MarshalJSON()
	check(t, err)
	want := `[{"city":"Bern","stats__event_timestamp":"2024-05-01T10:00:00Z","stats__state":1,"tags":["gold",""]}` + "\n" +
		`,{"city":null,"stats__event_timestamp":null,"stats__state":3,"tags":null}` + "\n]"
	if string(text) != want {
		t.Fatalf("got %s\nwanted %s", text, want)
	}
}

// spoiled is a reader that does something at its third batch.
type spoiled struct {
	array.RecordReader
	at   int
	then func() (bool, error)
	err  error
}

func (s *spoiled) Next() bool {
	if s.at++; s.at == 3 {
		var isMore bool
		if isMore, s.err = s.then(); !isMore {
			return false
		}
	}
	return s.RecordReader.Next()
}

func (s *spoiled) Err() error { return s.err }

// unwell is a reader that panics where C asks it: in Err, and to be released.
type unwell struct {
	array.RecordReader
	ask func() error
}

func (u *unwell) Err() error { return u.ask() }
func (u *unwell) Release()   { panic("not yours") }

// silent is an error whose text panics where it is nil, as pointers' often do.
type silent struct{ text string }

func (s *silent) Error() string { return s.text }

func TestAFailingReaderLeavesWhatWasCommitted(t *testing.T) {
	broken := errors.New("the disk is gone")
	for _, kept := range []uint64{0, 4} {
		store := open(t)
		options := &feature.ArrowOptions{}
		if kept > 0 {
			options.CommitRows = 2
		}
		reader := &spoiled{RecordReader: readerOf(t, batches(t, checked(t), 4)),
			then: func() (bool, error) { return false, broken }}
		commit, err := arrowfeature.Write(context.Background(), store, "stats", feature.Upsert, reader, options)
		refused(t, err, feature.StatusIO, "stream")
		if !errors.Is(err, broken) || !strings.Contains(err.Error(), "the disk is gone") {
			t.Fatal(err)
		}
		stats, err := store.Stats()
		check(t, err)
		if stats.Rows != kept || commit.Applied != kept {
			t.Fatalf("%d rows, %+v", stats.Rows, commit)
		}
	}
}

func TestAContextEndsLongCalls(t *testing.T) {
	store := open(t)
	ctx, cancel := context.WithCancel(context.Background())
	reader := &spoiled{RecordReader: readerOf(t, batches(t, checked(t), 4)),
		then: func() (bool, error) { cancel(); return true, nil }}
	_, err := arrowfeature.Write(ctx, store, "stats", feature.Upsert, reader, nil)
	refused(t, err, feature.StatusIO, "stream")
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	_, err = arrowfeature.Scan(ctx, store, "stats(*)", nil)
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}

	ctx, cancel = context.WithCancel(context.Background())
	_, err = arrowfeature.Write(ctx, store, "stats", feature.Upsert, readerOf(t, batches(t, checked(t), 3)), nil)
	check(t, err)
	scan, err := arrowfeature.Scan(ctx, store, "stats(*)", &feature.ScanOptions{ChunkRows: 2})
	check(t, err)
	defer scan.Release()
	if !scan.Next() {
		t.Fatal(scan.Err())
	}
	cancel()
	if scan.Next() || !errors.Is(scan.Err(), context.Canceled) {
		t.Fatal(scan.Err())
	}
}

func TestAScanOfAClosedStoreFails(t *testing.T) {
	store, ctx := open(t), context.Background()
	_, err := arrowfeature.Write(ctx, store, "stats", feature.Upsert, readerOf(t, batches(t, checked(t), 2)), nil)
	check(t, err)
	scan, err := arrowfeature.Scan(ctx, store, "stats(rate)", &feature.ScanOptions{ChunkRows: 2, OneSnapshot: true})
	check(t, err)
	if !scan.Next() {
		t.Fatal(scan.Err())
	}
	batch := scan.RecordBatch()
	batch.Retain()
	defer batch.Release()
	check(t, store.Close())
	if scan.Next() || !errors.Is(scan.Err(), feature.ErrClosed) {
		t.Fatal(scan.Err())
	}
	if batch.NumRows() != 2 { // what was given stays good
		t.Fatal(batch)
	}
	scan.Release()
	if scan.Next() {
		t.Fatal("a released scan goes on")
	}
	_, err = arrowfeature.Scan(ctx, store, "stats(*)", nil)
	if !errors.Is(err, feature.ErrClosed) {
		t.Fatal(err)
	}
	_, err = arrowfeature.Write(ctx, store, "stats", feature.Upsert, readerOf(t, batches(t, checked(t), 1)), nil)
	if !errors.Is(err, feature.ErrClosed) {
		t.Fatal(err)
	}
}

// closing closes the store in the middle of the stream that is written into it,
// from another goroutine, and reads that store on.
func TestCloseWhileAStreamReadsTheStoreIsNoDeadlock(t *testing.T) {
	store := open(t)
	done := make(chan struct{})
	reader := &spoiled{RecordReader: readerOf(t, batches(t, checked(t), 4)), then: func() (bool, error) {
		go func() {
			store.Close()
			close(done)
		}()
		for {
			if _, err := store.Stats(); err != nil {
				return true, nil
			}
			runtime.Gosched()
		}
	}}
	_, err := arrowfeature.Write(context.Background(), store, "stats", feature.Upsert, reader, nil)
	check(t, err) // it was under way
	<-done
}

func TestBadInputIsNamed(t *testing.T) {
	store, ctx := open(t), context.Background()
	mem := checked(t)
	good := func() array.RecordReader { return readerOf(t, batches(t, mem, 1)) }
	_, err := arrowfeature.Write(ctx, store, "stats", feature.Upsert, nil, nil)
	refused(t, err, feature.StatusInvalid, "argument")
	_, err = arrowfeature.Write(ctx, store, "nobody", feature.Upsert, good(), nil)
	refused(t, err, feature.StatusNotFound, "name")
	_, err = arrowfeature.Write(ctx, store, "stats\x00", feature.Upsert, good(), nil)
	refused(t, err, feature.StatusInvalid, "argument")
	_, err = arrowfeature.Write(ctx, store, "stats", 77, good(), nil)
	refused(t, err, feature.StatusInvalid, "argument")
	_, err = arrowfeature.Write(ctx, store, "stats", feature.Upsert, good(), &feature.ArrowOptions{Columns: "driver_id\x00"})
	refused(t, err, feature.StatusInvalid, "argument")
	_, err = arrowfeature.Write(ctx, store, "stats", feature.Upsert, good(), &feature.ArrowOptions{Wait: -1 * time.Hour})
	refused(t, err, feature.StatusInvalid, "argument")
	_, err = arrowfeature.Write(ctx, store, "stats", feature.Patch, good(),
		&feature.ArrowOptions{Columns: "driver_id, trips = rate"})
	refused(t, err, feature.StatusInvalid, "argument") // 0.5 is no integer

	panics := &spoiled{RecordReader: good(), at: 2, then: func() (bool, error) { panic("no") }}
	_, err = arrowfeature.Write(ctx, store, "stats", feature.Upsert, panics, nil)
	refused(t, err, feature.StatusIO, "stream")

	_, err = arrowfeature.Write(ctx, store, "stats", feature.Upsert, &unwell{good(), func() error { panic("no") }}, nil)
	refused(t, err, feature.StatusIO, "stream")
	_, err = arrowfeature.Write(ctx, store, "stats", feature.Upsert, &unwell{good(), func() error { return (*silent)(nil) }}, nil)
	refused(t, err, feature.StatusIO, "stream")

	_, err = arrowfeature.Scan(ctx, store, "nobody(*)", nil)
	refused(t, err, feature.StatusNotFound, "name")
	_, err = arrowfeature.Scan(ctx, store, "stats(rate), copies(trips)", nil)
	refused(t, err, feature.StatusInvalid, "argument")
	for _, options := range []feature.ScanOptions{{ChunkRows: -1}, {From: "x"}, {To: "1\x00"}, {From: "\x00"},
		{MaxAge: -1 * time.Hour}, {Fill: 9}} {
		_, err = arrowfeature.Scan(ctx, store, "stats(*)", &options)
		refused(t, err, feature.StatusInvalid, "argument")
	}
	odd := arrow.NewSchema([]arrow.Field{{Name: "driver_id", Type: arrow.PrimitiveTypes.Int64},
		{Name: "rate", Type: arrow.MapOf(arrow.BinaryTypes.String, arrow.PrimitiveTypes.Int8)}}, nil)
	none, err := array.NewRecordReader(odd, nil)
	check(t, err)
	defer none.Release()
	_, err = arrowfeature.Write(ctx, store, "stats", feature.Upsert, none, nil)
	refused(t, err, feature.StatusUnsupported, "arrow-type")
}

// mixed is a reader that does not care what its schema says.
type mixed struct {
	array.RecordReader
	all  []arrow.RecordBatch
	next int
}

func (m *mixed) Next() bool                     { m.next++; return m.next <= len(m.all) }
func (m *mixed) RecordBatch() arrow.RecordBatch { return m.all[m.next-1] }

func TestABatchOfAnotherSchemaIsRefused(t *testing.T) {
	store, ctx, mem := open(t), context.Background(), checked(t)
	pair := func(name string, kind arrow.DataType, more ...arrow.Field) *arrow.Schema {
		return arrow.NewSchema(append([]arrow.Field{{Name: "driver_id", Type: arrow.PrimitiveTypes.Int64},
			{Name: name, Type: kind, Nullable: true}}, more...), nil)
	}
	batch := func(schema *arrow.Schema, json string) arrow.RecordBatch {
		made, _, err := array.RecordFromJSON(mem, schema, strings.NewReader(json))
		check(t, err)
		t.Cleanup(made.Release)
		return made
	}
	first := pair("trips", arrow.PrimitiveTypes.Int64)
	good := batch(first, `[{"driver_id": 1, "trips": 5}]`)
	for _, other := range []arrow.RecordBatch{
		batch(pair("trips", arrow.PrimitiveTypes.Int8), `[{"driver_id": 2, "trips": 6}]`),
		batch(pair("trips", arrow.BinaryTypes.String), `[{"driver_id": 2, "trips": "six"}]`),
		batch(pair("scores", arrow.PrimitiveTypes.Int64), `[{"driver_id": 2, "scores": 6}]`),
		batch(pair("trips", arrow.PrimitiveTypes.Int64, arrow.Field{Name: "rate", Type: arrow.PrimitiveTypes.Float32}),
			`[{"driver_id": 2, "trips": 6, "rate": 1}]`),
	} {
		before, err := store.Stats()
		check(t, err)
		reader, err := array.NewRecordReader(first, nil)
		check(t, err)
		_, err = arrowfeature.Write(ctx, store, "stats", feature.Patch,
			&mixed{RecordReader: reader, all: []arrow.RecordBatch{good, other}}, nil)
		refused(t, err, feature.StatusInvalid, "arrow")
		after, err := store.Stats()
		check(t, err)
		if after.Sequence != before.Sequence {
			t.Fatal("something was written")
		}
		commit, err := arrowfeature.Write(ctx, store, "stats", feature.Patch,
			&mixed{RecordReader: reader, all: []arrow.RecordBatch{good, good}}, nil)
		check(t, err)
		if commit.Sequence != before.Sequence+1 {
			t.Fatalf("%+v", commit)
		}
		reader.Release()
	}
}

func TestAReleasedScanHoldsNoSnapshot(t *testing.T) {
	store, ctx := open(t), context.Background()
	_, err := arrowfeature.Write(ctx, store, "stats", feature.Upsert, readerOf(t, batches(t, checked(t), 1)), nil)
	check(t, err)
	for range 100 { // more than may be held at a time
		scan, err := arrowfeature.Scan(ctx, store, "stats(*)", &feature.ScanOptions{OneSnapshot: true, ChunkRows: 1})
		check(t, err)
		if !scan.Next() {
			t.Fatal(scan.Err())
		}
		scan.Release()
	}
}

// collect returns once the cleanups of all that is unreachable have run.
func collect() {
	for range 3 {
		done := make(chan struct{})
		runtime.AddCleanup(new([64]byte), func(c chan struct{}) { close(c) }, done)
		for isDone := false; !isDone; {
			runtime.GC()
			select {
			case <-done:
				isDone = true
			case <-time.After(10 * time.Millisecond):
			}
		}
	}
}

func TestAScanKeepsAForgottenStoreOpen(t *testing.T) {
	path, all := filepath.Join(t.TempDir(), "store"), batches(t, checked(t), 2)
	scan := func() array.RecordReader {
		store, err := feature.Open(path, &feature.Options{Create: true, FixedNow: noon, Sync: feature.SyncLastTxn})
		check(t, err)
		_, err = store.Apply(definitions, nil)
		check(t, err)
		_, err = arrowfeature.Write(context.Background(), store, "stats", feature.Upsert, readerOf(t, all), nil)
		check(t, err)
		scan, err := arrowfeature.Scan(context.Background(), store, "stats(*)", &feature.ScanOptions{ChunkRows: 1})
		check(t, err)
		return scan
	}()
	defer scan.Release()
	for range 4 {
		collect()
		if !scan.Next() {
			t.Fatal(scan.Err())
		}
	}
	if scan.Next() || scan.Err() != nil {
		t.Fatal(scan.Err())
	}
}

func TestAForgottenScanIsReleased(t *testing.T) {
	store, ctx := open(t), context.Background()
	_, err := arrowfeature.Write(ctx, store, "stats", feature.Upsert, readerOf(t, batches(t, checked(t), 1)), nil)
	check(t, err)
	for range 100 { // more than may hold a snapshot at a time
		scan, err := arrowfeature.Scan(ctx, store, "stats(*)", &feature.ScanOptions{OneSnapshot: true, ChunkRows: 1})
		check(t, err)
		scan.Next()
		runtime.GC()
	}
}
