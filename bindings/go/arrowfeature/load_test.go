// SPDX-License-Identifier: Apache-2.0

package arrowfeature_test

import (
	"context"
	"errors"
	"testing"
	"time"

	feature "github.com/libfeature/libfeature/bindings/go"
	"github.com/libfeature/libfeature/bindings/go/arrowfeature"
)

func TestStatesOfABatchAreSwappedIn(t *testing.T) {
	batch, live := open(t), open(t)
	for _, store := range []*feature.Store{batch, live} {
		_, err := store.Apply(spending+"STORE WITH (changes = '90 days');", nil)
		check(t, err)
	}
	pay(t, batch, 7, 10, 2*time.Hour)
	pay(t, live, 8, 100, time.Hour) // the batch does not know of it, and it is before the cut
	load, err := live.BeginLoad("spend", nil)
	check(t, err)
	defer load.Close()
	tiles, err := arrowfeature.Tiles(context.Background(), batch, "spend", nil)
	check(t, err)
	defer tiles.Release()
	check(t, arrowfeature.Append(context.Background(), load, tiles, ""))
	pay(t, live, 7, 5, time.Minute) // it is after the cut
	report, err := load.Commit()
	check(t, err)
	if report.Rows != 1 || report.CaughtUp != 1 {
		t.Fatalf("%+v", report)
	}
	query, err := live.Query("spend(*)", nil)
	check(t, err)
	defer query.Close()
	request, err := query.Request()
	check(t, err)
	defer request.Close()
	check(t, feature.SetKey(request, "card_id", []int64{7, 8}, nil))
	check(t, request.Read())
	spent, err := feature.Values[int64](request, "spent")
	check(t, err)
	states, err := request.States("spend")
	check(t, err)
	if spent[0] != 15 || states[1] != feature.StateNotFound {
		t.Fatalf("spent %v, %v", spent, states)
	}
}

func TestAFailingReaderLeavesTheVersionThatServes(t *testing.T) {
	store := open(t)
	load, err := store.BeginLoad("stats", nil)
	check(t, err)
	defer load.Close()
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	scan, err := arrowfeature.Scan(context.Background(), store, "stats(*)", nil)
	check(t, err)
	defer scan.Release()
	if err = arrowfeature.Append(gone, load, scan, ""); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	refused(t, arrowfeature.Append(context.Background(), load, nil, ""), feature.StatusInvalid, "argument")
	check(t, load.Abort())
}
