// SPDX-License-Identifier: Apache-2.0

package arrowfeature_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	feature "github.com/libfeature/libfeature/bindings/go"
	"github.com/libfeature/libfeature/bindings/go/arrowfeature"
)

var errDry = errors.New("the lake is dry")

// labels are batches of keys 1, 2, 3 ... at noon, each second one a minute before;
// after the last it fails where failure is not nil.
func labels(t testing.TB, batches, rows int, failure error) array.RecordReader {
	t.Helper()
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "note", Type: arrow.BinaryTypes.String},
		{Name: "driver_id", Type: arrow.PrimitiveTypes.Int64},
		{Name: "at", Type: &arrow.TimestampType{Unit: arrow.Millisecond, TimeZone: "UTC"}},
	}, nil)
	builder := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer builder.Release()
	var made []arrow.RecordBatch
	for batch := range batches {
		for row := range rows {
			id := batch*rows + row + 1
			at := noon.Add(-time.Duration(id%2) * time.Minute)
			builder.Field(0).(*array.StringBuilder).Append(fmt.Sprintf("label %d", id))
			builder.Field(1).(*array.Int64Builder).Append(int64(id))
			builder.Field(2).(*array.TimestampBuilder).Append(arrow.Timestamp(at.UnixMilli()))
		}
		made = append(made, builder.NewRecordBatch())
	}
	reader, err := array.NewRecordReader(schema, made)
	check(t, err)
	for _, batch := range made {
		batch.Release()
	}
	return &failing{reader, failure}
}

type failing struct {
	array.RecordReader
	failure error
}

func (f *failing) Err() error { return f.failure }

func joinable(t testing.TB) (*feature.Store, *feature.Query) {
	t.Helper()
	store := open(t)
	batch, err := store.Batch("stats", feature.Upsert, "driver_id", "event_timestamp", "trips")
	check(t, err)
	ids, times, trips := []int64{}, []int64{}, []int64{}
	for id := range int64(50) {
		ids, times, trips = append(ids, id), append(times, noon.UnixMicro()), append(trips, 10*id)
	}
	check(t, feature.Set(batch, "driver_id", ids, nil))
	check(t, feature.Set(batch, "event_timestamp", times, nil))
	check(t, feature.Set(batch, "trips", trips, nil))
	_, err = store.Write(nil, batch)
	check(t, err)
	query, err := store.Query("stats:trips", nil)
	check(t, err)
	return store, query
}

func TestLabelsComeBackInOrderWithFeatures(t *testing.T) {
	_, query := joinable(t)
	given := labels(t, 3, 7, nil)
	defer given.Release()
	joined, err := arrowfeature.Join(context.Background(), query, given,
		&feature.JoinOptions{Timestamp: "at", ChunkRows: 5, Flags: feature.ExportStates})
	check(t, err)
	defer joined.Release()
	check(t, query.Close()) // the join goes on
	id := int64(0)
	for joined.Next() {
		batch := joined.RecordBatch()
		for row := range int(batch.NumRows()) {
			id++
			note := batch.Column(0).(*array.String).Value(row)
			trips, state := batch.Column(3).(*array.Int64), batch.Column(4).(*array.Int32).Value(row)
			if note != fmt.Sprintf("label %d", id) || batch.Column(1).(*array.Int64).Value(row) != id {
				t.Fatalf("row %d is %s", id, note)
			}
			if id%2 == 1 && (trips.IsValid(row) || state != int32(feature.StateNoHistory)) {
				t.Fatalf("row %d: trips of noon were known before", id)
			}
			if id%2 == 0 && (trips.Value(row) != 10*id || state != int32(feature.StatePresent)) {
				t.Fatalf("row %d: %d trips", id, trips.Value(row))
			}
		}
	}
	check(t, joined.Err())
	if id != 21 {
		t.Fatalf("%d rows of 21", id)
	}
}

func TestAFailureOfTheLabelsIsFound(t *testing.T) {
	_, query := joinable(t)
	given := labels(t, 1, 3, errDry)
	defer given.Release()
	joined, err := arrowfeature.Join(context.Background(), query, given, &feature.JoinOptions{Timestamp: "at"})
	check(t, err)
	defer joined.Release()
	for joined.Next() {
	}
	if !errors.Is(joined.Err(), errDry) || !strings.Contains(joined.Err().Error(), "the lake is dry") {
		t.Fatalf("got %v", joined.Err())
	}
}

func TestAJoinThatCannotBeIsRefused(t *testing.T) {
	_, query := joinable(t)
	given := labels(t, 1, 3, nil)
	defer given.Release()
	_, err := arrowfeature.Join(context.Background(), query, given, nil)
	refused(t, err, feature.StatusNotFound, "name")
	_, err = arrowfeature.Join(context.Background(), nil, given, nil)
	refused(t, err, feature.StatusInvalid, "argument")
}
