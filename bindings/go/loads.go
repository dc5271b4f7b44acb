// SPDX-License-Identifier: Apache-2.0

package feature

// #include <libfeature.h>
// #include <stdlib.h>
import "C"

import (
	"runtime"
	"time"
	"unsafe"
)

// LoadOptions says how to load a view.
type LoadOptions struct {
	ID             string        // names the load, so that the same one is committed once; empty: it has no name
	Fingerprint    string        // of what is loaded: another one under a known ID is a conflict
	Cut            uint64        // commit up to which the rows know what was written; 0: the newest one when the load begins
	Time           time.Time     // of rows without one; zero: that of the cut
	Sources        []Source      // up to where the rows know the sources; without Cut they say what the cut is
	LastWins       bool          // of several rows of one key the last one counts, and none is refused
	Force          bool          // a gate that fails is recorded and passed
	Sorted         bool          // refuse a row whose key does not come after those before
	RowsPerSecond  uint64        // 0: no limit
	BytesPerSecond uint64        // of encoded rows; 0: no limit
	Memory         uint64        // bytes to sort in; 0: 64 MiB
	Check          string        // rules that have to hold, besides those of the view: "rows >= 1000; nulls(a) = 0"
	Directory      string        // of the files that sorting takes; empty: the store's
	Wait           time.Duration // longest wait for another writer, each time; 0: the store's
}

// LoadReport is what a load or a rollback did.
type LoadReport struct {
	Number      uint64        // of the load in this store
	Rows        uint64        // that were loaded
	Bytes       uint64        // of them, encoded, with their keys
	Sequence    uint64        // of the commit that swapped the versions; 0: there was none
	Time        time.Time     // of that commit
	Cut         uint64        // commit up to which the rows knew what was written
	CaughtUp    uint64        // changes since then, taken from the change feed
	Swap        time.Duration // in which nobody else could write
	Gates       uint64        // rules that were asked
	GatesFailed uint64        // and said no
	Duplicate   bool          // a load of this ID was committed before: this is its report
	Forced      bool          // a gate failed, and was passed all the same
}

// Load is a whole new version of a view, on its way beside the one that serves.
// For one goroutine at a time.
type Load struct {
	guard
	handle  *C.feature_load
	store   *Store // keeps the store from being closed as forgotten
	cleanup runtime.Cleanup
}

// loadOptions is options as the library takes them; free afterwards.
func loadOptions(options *LoadOptions) (o C.struct_feature_load_options, free func(), err error) {
	var kept []unsafe.Pointer
	var listed cSources
	free = func() {
		for _, p := range kept {
			C.free(p)
		}
		listed.free()
	}
	o.struct_size = C.uint32_t(unsafe.Sizeof(o))
	if options == nil {
		return o, free, nil
	}
	for _, t := range []struct {
		what, value string
		to          **C.char
	}{{"ID", options.ID, &o.id}, {"Fingerprint", options.Fingerprint, &o.fingerprint}, {"Directory", options.Directory, &o.directory}, {"Check", options.Check, &o.check}} {
		if *t.to, err = cText(t.what, t.value); err != nil {
			return o, free, err
		}
		kept = append(kept, unsafe.Pointer(*t.to))
	}
	if listed, err = newSources(options.Sources); err != nil {
		return o, free, err
	}
	if o.wait_ms, err = milliseconds("Wait", options.Wait); err != nil {
		return o, free, err
	}
	o.sources, o.source_count = unsafe.SliceData(listed), C.uint32_t(len(listed))
	o.cut = C.uint64_t(options.Cut)
	if !options.Time.IsZero() {
		o.time = C.int64_t(options.Time.UnixMicro())
	}
	o.rows_per_second, o.bytes_per_second = C.uint64_t(options.RowsPerSecond), C.uint64_t(options.BytesPerSecond)
	o.memory = C.uint64_t(options.Memory)
	for flag, isSet := range map[LoadFlag]bool{LoadLastWins: options.LastWins, LoadForce: options.Force, LoadSorted: options.Sorted} {
		if isSet {
			o.flags |= C.uint32_t(flag)
		}
	}
	return o, free, nil
}

// BeginLoad begins to load a view. Until Commit nobody sees anything of it, and
// the version that serves is read and written as before.
func (s *Store) BeginLoad(view string, options *LoadOptions) (*Load, error) {
	name, err := text("view", view)
	if err != nil {
		return nil, err
	}
	o, free, err := loadOptions(options)
	defer free()
	if err != nil {
		return nil, err
	}
	l := &Load{store: s}
	err = s.call(func(h *C.feature_store, e *C.struct_feature_error) C.feature_status {
		return C.feature_load_begin(h, name, &o, &l.handle, e)
	})
	if err != nil {
		return nil, err
	}
	l.cleanup = runtime.AddCleanup(l, func(h *C.feature_load) { C.feature_load_free(h) }, l.handle)
	l.open("load")
	return l, nil
}

// use makes one call of the library.
func (l *Load) use(f func(e *C.struct_feature_error) C.feature_status) error {
	if err := l.enter(); err != nil {
		return err
	}
	defer l.leave()
	var e C.struct_feature_error
	return check(f(&e), &e)
}

// Append appends the rows of a batch for the view, or of events for the event of a
// view FROM one. The batch can be cleared, filled and appended again.
func (l *Load) Append(b *Batch) error {
	if err := b.hold(0); err != nil {
		return err
	}
	defer b.leave()
	return l.use(func(e *C.struct_feature_error) C.feature_status {
		return C.feature_load_append(l.handle, b.handle, e)
	})
}

// AppendArrow appends the rows of a stream of Arrow record batches; columns is as
// ArrowOptions.Columns. The stream is a *struct ArrowArrayStream in C memory; it is
// moved: released by the call, whatever the answer.
func (l *Load) AppendArrow(stream unsafe.Pointer, columns string) error {
	c := (*C.struct_ArrowArrayStream)(stream)
	isMoved := false
	defer func() {
		if !isMoved { // without a load this does nothing but release it
			C.feature_load_append_arrow(nil, c, nil, nil)
		}
	}()
	list, err := cText("columns", columns)
	if err != nil {
		return err
	}
	defer C.free(unsafe.Pointer(list))
	o := C.struct_feature_arrow_options{columns: list}
	o.struct_size = C.uint32_t(unsafe.Sizeof(o))
	return l.use(func(e *C.struct_feature_error) C.feature_status {
		isMoved = true
		return C.feature_load_append_arrow(l.handle, c, &o, e)
	})
}

// Status says how far the load is; of one whose ID was committed before, what that
// one did.
func (l *Load) Status() (LoadReport, error) {
	r := newLoadReport()
	err := l.use(func(e *C.struct_feature_error) C.feature_status { return C.feature_load_status(l.handle, &r, e) })
	return goLoadReport(&r), err
}

// Commit asks the gates, catches up with what was written since the cut, and swaps
// the new version in with one commit. After a failure the old version serves on.
func (l *Load) Commit() (LoadReport, error) {
	r := newLoadReport()
	err := l.use(func(e *C.struct_feature_error) C.feature_status { return C.feature_load_commit(l.handle, &r, e) })
	return goLoadReport(&r), err
}

// Abort gives the load up and removes what it has built.
func (l *Load) Abort() error {
	return l.use(func(e *C.struct_feature_error) C.feature_status { return C.feature_load_abort(l.handle, e) })
}

// Close frees the load, and gives it up where it was not committed. It always
// returns nil and may be repeated.
func (l *Load) Close() error {
	return l.close(func() {
		l.cleanup.Stop()
		C.feature_load_free(l.handle)
	})
}

// Loads lists the loads of one view, or of all for the empty name, the newest
// first, a line of JSON each.
func (s *Store) Loads(view string) (string, error) {
	name, err := text("view", view)
	if err != nil {
		return "", err
	}
	if view == "" {
		name = nil
	}
	return s.text(func(h *C.feature_store, out **C.char, e *C.struct_feature_error) C.feature_status {
		return C.feature_store_loads(h, name, out, e)
	})
}

// DiscardLoad removes what an interrupted load of a view has left; the empty id
// means all of them.
func (s *Store) DiscardLoad(view, id string) error {
	name, err := text("view", view)
	if err != nil {
		return err
	}
	load, err := text("id", id)
	if err != nil {
		return err
	}
	if id == "" {
		load = nil
	}
	return s.call(func(h *C.feature_store, e *C.struct_feature_error) C.feature_status {
		return C.feature_store_discard_load(h, name, load, e)
	})
}

// RollbackOptions says how to roll back.
type RollbackOptions struct {
	ID      string        // of the load whose version to go back to
	Version uint32        // to go back to, as Loads gives it; neither: the one that was replaced last
	AsItWas bool          // without what was written since the version was replaced: that is lost
	Wait    time.Duration // longest wait for another writer, each time; 0: the store's
}

// Rollback goes back to the version of a view that the last swap replaced, or to
// another one that is kept, caught up with what was written since. The version that
// served is kept: a second one undoes the first.
func (s *Store) Rollback(view string, options *RollbackOptions) (LoadReport, error) {
	if options == nil {
		options = &RollbackOptions{}
	}
	name, err := text("view", view)
	if err != nil {
		return LoadReport{}, err
	}
	wait, err := milliseconds("Wait", options.Wait)
	if err != nil {
		return LoadReport{}, err
	}
	id, err := cText("ID", options.ID)
	if err != nil {
		return LoadReport{}, err
	}
	defer C.free(unsafe.Pointer(id))
	o := C.struct_feature_rollback_options{wait_ms: wait, version: C.uint32_t(options.Version), id: id}
	o.struct_size = C.uint32_t(unsafe.Sizeof(o))
	if options.AsItWas {
		o.flags = C.uint32_t(RollbackAsItWas)
	}
	r := newLoadReport()
	err = s.call(func(h *C.feature_store, e *C.struct_feature_error) C.feature_status {
		return C.feature_store_rollback(h, name, &o, &r, e)
	})
	return goLoadReport(&r), err
}

func newLoadReport() C.struct_feature_load_report {
	var r C.struct_feature_load_report
	r.struct_size = C.uint32_t(unsafe.Sizeof(r))
	return r
}

func goLoadReport(r *C.struct_feature_load_report) LoadReport {
	return LoadReport{
		Number:      uint64(r.number),
		Rows:        uint64(r.rows),
		Bytes:       uint64(r.bytes),
		Sequence:    uint64(r.sequence),
		Time:        goTime(int64(r.time)),
		Cut:         uint64(r.cut),
		CaughtUp:    uint64(r.caught_up),
		Swap:        time.Duration(r.swap_us) * time.Microsecond,
		Gates:       uint64(r.gates),
		GatesFailed: uint64(r.gates_failed),
		Duplicate:   LoadedFlag(r.flags)&LoadedDuplicate != 0,
		Forced:      LoadedFlag(r.flags)&LoadedForced != 0,
	}
}
