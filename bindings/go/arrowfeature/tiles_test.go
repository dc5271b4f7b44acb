// SPDX-License-Identifier: Apache-2.0

package arrowfeature_test

import (
	"context"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	feature "github.com/libfeature/libfeature/bindings/go"
	"github.com/libfeature/libfeature/bindings/go/arrowfeature"
)

const spending = `
CREATE ENTITY card (card_id INT64);
CREATE EVENT payment (card_id INT64, amount INT64);
CREATE FEATURE VIEW spend (n = COUNT(*), spent = SUM(amount)) FOR card FROM payment;
`

var payment = arrow.NewSchema([]arrow.Field{
	{Name: "card_id", Type: arrow.PrimitiveTypes.Int64},
	{Name: "amount", Type: arrow.PrimitiveTypes.Int64},
	{Name: "event_timestamp", Type: &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}},
}, nil)

func pay(t *testing.T, store *feature.Store, card, amount int64, ago time.Duration) {
	t.Helper()
	made := array.NewRecordBuilder(checked(t), payment)
	defer made.Release()
	made.Field(0).(*array.Int64Builder).Append(card)
	made.Field(1).(*array.Int64Builder).Append(amount)
	made.Field(2).(*array.TimestampBuilder).Append(arrow.Timestamp(noon.Add(-ago).UnixMicro()))
	batch := made.NewRecordBatch()
	defer batch.Release()
	reader, err := array.NewRecordReader(payment, []arrow.RecordBatch{batch})
	check(t, err)
	defer reader.Release()
	_, err = arrowfeature.Write(context.Background(), store, "payment", feature.Event, reader, nil)
	check(t, err)
}

func ship(t *testing.T, from, to *feature.Store) feature.Commit {
	t.Helper()
	tiles, err := arrowfeature.Tiles(context.Background(), from, "spend", nil)
	check(t, err)
	defer tiles.Release()
	cut := []feature.Source{{Name: "payments", Next: 2}}
	commit, err := arrowfeature.MergeTiles(context.Background(), to, "spend", tiles, &feature.WriteOptions{Sources: cut})
	check(t, err)
	return commit
}

func TestTilesOfOneStoreMergeIntoAnother(t *testing.T) {
	batch, live := open(t), open(t)
	for _, store := range []*feature.Store{batch, live} {
		_, err := store.Apply(spending, nil)
		check(t, err)
	}
	pay(t, batch, 7, 10, 2*time.Hour)
	pay(t, batch, 8, 20, time.Hour)
	pay(t, live, 7, 5, time.Minute)
	if commit := ship(t, batch, live); commit.Applied != 2 {
		t.Fatalf("merged %+v", commit)
	}
	if commit := ship(t, batch, live); commit.Duplicate != 2 || commit.Applied != 0 {
		t.Fatalf("again: %+v", commit)
	}
	query, err := live.Query("spend(*)", nil)
	check(t, err)
	defer query.Close()
	request, err := query.Request()
	check(t, err)
	defer request.Close()
	check(t, feature.SetKey(request, "card_id", []int64{7, 8}, nil))
	check(t, request.Read())
	n, err := feature.Values[int64](request, "n")
	check(t, err)
	spent, err := feature.Values[int64](request, "spent")
	check(t, err)
	if n[0] != 2 || spent[0] != 15 || n[1] != 1 || spent[1] != 20 {
		t.Fatalf("got %v %v", n, spent)
	}
	_, err = arrowfeature.Tiles(context.Background(), live, "stats", nil)
	refused(t, err, feature.StatusInvalid, "argument")
}
