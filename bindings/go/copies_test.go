// SPDX-License-Identifier: Apache-2.0

package feature_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	feature "github.com/libfeature/libfeature/bindings/go"
)

// flip changes one byte of a file; at counts from the end when it is negative.
func flip(t testing.TB, file string, at int) {
	t.Helper()
	all := must(os.ReadFile(file))(t)
	if at < 0 {
		at += len(all)
	}
	all[at] ^= 4
	check(t, os.WriteFile(file, all, 0o600))
}

func TestVerifyFindsDamage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store")
	store := openAt(t, path)
	writeDrivers(t, store)
	store.Close()
	good := must(feature.Verify(path, nil))(t)
	if !good.Good() || good.Rows != 3 || good.Lines != nil || good.PageSize == 0 {
		t.Fatalf("%+v", good)
	}
	data := filepath.Join(path, "data.mdb")
	flip(t, data, bytes.Index(must(os.ReadFile(data))(t), []byte("gold")))
	bad := must(feature.Verify(path, nil))(t)
	if bad.Good() || bad.RowFindings != 1 || len(bad.Lines) != int(bad.Findings) {
		t.Fatalf("%+v", bad)
	}
	bad = must(feature.Verify(path, &feature.VerifyOptions{JSON: true, MaxLines: 1}))(t)
	if !strings.HasPrefix(bad.Lines[0], "{") {
		t.Fatalf("%+v", bad)
	}
	_, err := feature.Verify(path+"none", nil)
	refused(t, err, feature.StatusNotFound, "no-store")
	_, err = feature.Verify("a\x00b", nil)
	refused(t, err, feature.StatusInvalid, "argument")
}

func TestASnapshotIsRestored(t *testing.T) {
	ctx, folder := context.Background(), t.TempDir()
	file, copied := filepath.Join(folder, "a.snapshot"), filepath.Join(folder, "copy")
	store := open(t)
	writeDrivers(t, store)
	var progress feature.Progress
	written := must(store.Snapshot(ctx, file, &feature.SnapshotOptions{Level: 3, Workers: 1, Progress: &progress}))(t)
	if written.Rows != 3 || written.Views != 2 || written.Sequence != 2 || written.Time != noon.Add(1000) {
		t.Fatalf("%+v", written)
	}
	if progress.Rows() != 3 || progress.TotalRows() != 3 || progress.Bytes() != written.Bytes {
		t.Fatal(progress.Rows(), progress.TotalRows(), progress.Bytes())
	}
	checked := must(feature.CheckSnapshot(ctx, file, &progress))(t)
	if checked.Rows != 3 || checked.Size != 0 || progress.Rows() != 3 {
		t.Fatalf("%+v", checked)
	}
	made := must(feature.Restore(ctx, file, copied, nil))(t)
	if made.Sequence != 2 || made.Size == 0 || made.SourceSize != written.Size {
		t.Fatalf("%+v", made)
	}
	second := must(feature.Open(copied, &feature.Options{FixedNow: noon}))(t)
	defer second.Close()
	r := readDrivers(t, second, nil, 1)
	cities := must(feature.Copy[string](r, "city"))(t)
	equal(t, cities, []string{"Zürich"})
	_, err := feature.Restore(ctx, file, copied, nil)
	refused(t, err, feature.StatusConflict, "in-use")
	_, err = feature.Compact(ctx, copied, nil)
	refused(t, err, feature.StatusBusy, "in-use")
	check(t, second.Close())
	if compacted := must(feature.Compact(ctx, copied, nil))(t); compacted.Rows != 3 {
		t.Fatalf("%+v", compacted)
	}
	if again := must(feature.Verify(copied, nil))(t); !again.Good() {
		t.Fatalf("%+v", again)
	}
}

func TestAFlippedByteIsRefused(t *testing.T) {
	ctx, folder := context.Background(), t.TempDir()
	file, copied := filepath.Join(folder, "a.snapshot"), filepath.Join(folder, "copy")
	store := open(t)
	writeDrivers(t, store)
	must(store.Snapshot(ctx, file, nil))(t)
	for _, at := range []int{0, 100, -1} {
		flip(t, file, at)
		_, err := feature.Restore(ctx, file, copied, nil)
		if !errors.Is(err, feature.ErrCorrupt) {
			t.Fatal(err)
		}
		if _, err = feature.CheckSnapshot(ctx, file, nil); !errors.Is(err, feature.ErrCorrupt) {
			t.Fatal(err)
		}
		if _, err = os.Stat(copied); !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		flip(t, file, at)
	}
	must(feature.CheckSnapshot(ctx, file, nil))(t)
}

func TestAContextEndsACopy(t *testing.T) {
	folder := t.TempDir()
	file, copied := filepath.Join(folder, "a.snapshot"), filepath.Join(folder, "copy")
	store := open(t)
	writeDrivers(t, store)
	must(store.Snapshot(context.Background(), file, nil))(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, taken := store.Snapshot(ctx, file+"2", nil)
	_, restored := feature.Restore(ctx, file, copied, nil)
	_, checked := feature.CheckSnapshot(ctx, file, nil)
	check(t, store.Close())
	for _, err := range []error{taken, restored, checked} {
		refused(t, err, feature.StatusBusy, "cancelled")
		if !errors.Is(err, context.Canceled) || !errors.Is(err, feature.ErrBusy) {
			t.Fatal(err)
		}
	}
	for _, name := range []string{file + "2", copied} {
		if _, err := os.Stat(name); !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
	_, err := store.Snapshot(context.Background(), file, nil)
	if !errors.Is(err, feature.ErrClosed) {
		t.Fatal(err)
	}
}

func TestOptionsOfCopiesAreChecked(t *testing.T) {
	ctx, folder := context.Background(), t.TempDir()
	store := open(t)
	for _, options := range []feature.SnapshotOptions{{Level: -1}, {Level: 1 << 40}, {Level: 20}, {Workers: -1}, {Workers: 99}} {
		_, err := store.Snapshot(ctx, filepath.Join(folder, "a"), &options)
		refused(t, err, feature.StatusInvalid, "argument")
	}
	_, err := store.Snapshot(ctx, "a\x00", nil)
	refused(t, err, feature.StatusInvalid, "argument")
	_, err = feature.Restore(ctx, filepath.Join(folder, "none"), filepath.Join(folder, "copy"), nil)
	refused(t, err, feature.StatusNotFound, "no-file")
}
