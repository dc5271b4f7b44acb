// SPDX-License-Identifier: Apache-2.0

package feature_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	feature "github.com/libfeature/libfeature/bindings/go"
)

func TestUpkeepRemovesWhatIsPastItsTTL(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store")
	store := openAt(t, path)
	writeDrivers(t, store) // the third is an hour past its ttl
	if done := must(store.Maintain(&feature.MaintainOptions{MaxRows: 1, All: true}))(t); done.RowsSeen != 1 || done.PassesLeft == 0 {
		t.Fatalf("%+v", done)
	}
	done := must(store.Maintain(nil))(t)
	if done.RowsExpired != 1 || done.PassesLeft != 0 || done.Sequence != must(store.Stats())(t).Sequence {
		t.Fatalf("%+v", done)
	}
	check(t, store.Close())
	later := must(feature.Open(path, &feature.Options{FixedNow: noon.Add(3 * time.Hour), Sync: feature.SyncLastTxn}))(t)
	defer later.Close()
	done = must(later.Maintain(&feature.MaintainOptions{Budget: time.Hour, Wait: time.Second, All: true}))(t)
	if done.RowsExpired != 2 || must(later.Stats())(t).Rows != 0 {
		t.Fatalf("%+v", done)
	}
	for _, options := range []feature.MaintainOptions{{Budget: -1}, {Wait: -time.Hour}} {
		_, err := later.Maintain(&options)
		refused(t, err, feature.StatusInvalid, "argument")
	}
}

func TestChecksTellWhichRulesHold(t *testing.T) {
	store := open(t)
	writeDrivers(t, store)
	must(store.Apply("CREATE ENTITY one (k INT64); CREATE FEATURE VIEW rules (a INT64) FOR one "+
		"WITH (check = 'rows = 0; age < 1 h')", nil))(t)
	for _, view := range []string{"", "rules"} {
		done := must(store.Check(view))(t)
		if done.Rules != 2 || done.Failed != 1 || !strings.Contains(done.Text, `"rule":"rows = 0","figure":0,"holds":true}`) {
			t.Fatalf("%+v", done)
		}
	}
	_, err := store.Check("nowhere")
	refused(t, err, feature.StatusNotFound, "name")
}

func TestEqualStoresHaveEqualContent(t *testing.T) {
	views := func(store *feature.Store) string {
		head, rest, _ := strings.Cut(must(store.Content())(t), "\n")
		if !strings.HasPrefix(head, "store\t") || !strings.HasPrefix(rest, "view\t") {
			t.Fatalf("%q %q", head, rest)
		}
		return rest
	}
	one, two := open(t), open(t)
	writeDrivers(t, one)
	writeDrivers(t, two)
	if views(one) != views(two) {
		t.Fatal(views(one), views(two))
	}
	writeDrivers(t, two) // the same once more: only the sequence is another
	batch := must(two.Batch("card_stats", feature.Delete, "card_id", "bank"))(t)
	defer batch.Close()
	check(t, feature.Set(batch, "card_id", []string{"a"}, nil))
	check(t, feature.Set(batch, "bank", [][]byte{{1}}, nil))
	must(two.Write(nil, batch))(t)
	if views(one) == views(two) {
		t.Fatal("a delete changes nothing")
	}
	check(t, one.Close())
	_, err := one.Content()
	refused(t, err, feature.StatusInvalid, "closed")
}
