// SPDX-License-Identifier: Apache-2.0

package feature

// #include <libfeature.h>
// #include <stdlib.h>
import "C"

import (
	"time"
	"unsafe"
)

// The Arrow C interfaces by address, for any Arrow library. The module
// bindings/go/arrowfeature does the same for arrow-go, without pointers.

// ArrowOptions says how to write an Arrow stream.
type ArrowOptions struct {
	SkipInvalid bool          // reject invalid rows one by one
	Columns     string        // "column" or "column = name_in_the_stream", separated by commas; empty: all
	CommitRows  uint64        // rows of one commit, fewer in the last; 0: the whole stream is one commit
	Wait        time.Duration // longest wait for another writer; 0: the store's
	Sources     []Source      // where the rows come from; not with CommitRows
}

// ScanOptions says how to scan a view.
type ScanOptions struct {
	OneSnapshot bool          // all of it from one commit
	Fill        Fill          // what is served for a cell without a current value
	ChunkRows   int           // rows of a record batch, at most; 0: 16384
	From        string        // key literals, separated by commas: the first key
	To          string        // the key before which the scan ends
	MaxAge      time.Duration // of the one snapshot; 0: a minute
}

// JoinOptions says how to join labels.
type JoinOptions struct {
	Flags     ExportFlag // columns of states and timestamps besides
	Timestamp string     // the labels' column of times; empty: event_timestamp
	ChunkRows int        // labels that are sorted and read together, at most; 0: 1048576
}

// ChangesArrowOptions says which changes of a view to read.
type ChangesArrowOptions struct {
	Before    bool   // columns of the row before the change too
	Since     uint64 // the commits after this sequence; 0: from the store's first one on
	Until     uint64 // the last one; 0: the newest when the call is made
	ChunkRows int    // rows of a record batch, at most; 0: 16384
}

// WriteArrow writes a stream of Arrow record batches into one view. The stream is
// a *struct ArrowArrayStream in C memory; it is moved: released by the call,
// whatever the answer. With CommitRows a failure leaves the commits before it,
// which the commit reports even so.
func (s *Store) WriteArrow(view string, operation Operation, stream unsafe.Pointer, options *ArrowOptions) (Commit, error) {
	if options == nil {
		options = &ArrowOptions{}
	}
	c := (*C.struct_ArrowArrayStream)(stream)
	commit := newCommit()
	isMoved := false
	defer func() {
		if !isMoved { // without a store this does nothing but release it
			C.feature_store_write_arrow(nil, nil, 0, c, nil, nil, nil)
		}
	}()
	name, err := text("view", view)
	if err != nil {
		return Commit{}, err
	}
	wait, err := milliseconds("Wait", options.Wait)
	if err != nil {
		return Commit{}, err
	}
	columns, err := cText("Columns", options.Columns)
	if err != nil {
		return Commit{}, err
	}
	defer C.free(unsafe.Pointer(columns))
	sources, err := newSources(options.Sources)
	if err != nil {
		return Commit{}, err
	}
	defer sources.free()
	o := C.struct_feature_arrow_options{sources: unsafe.SliceData(sources), source_count: C.uint32_t(len(sources)),
		columns: columns, commit_rows: C.uint64_t(options.CommitRows), wait_ms: wait}
	o.struct_size = C.uint32_t(unsafe.Sizeof(o))
	if options.SkipInvalid {
		o.flags = C.uint32_t(WriteSkipInvalid)
	}
	err = s.call(func(h *C.feature_store, e *C.struct_feature_error) C.feature_status {
		isMoved = true
		return C.feature_store_write_arrow(h, name, C.int32_t(operation), c, &o, &commit, e)
	})
	return goCommit(&commit), err
}

// ScanArrow makes an Arrow stream of all rows of one view, in key order: join
// keys, event_timestamp, then the features asked for. The stream is a *struct
// ArrowArrayStream in C memory, zeroed or released; whoever has it releases it.
// It may outlive the store: it then fails with "closed". The stream does not keep
// the store open: a Store that is collected is closed, so hold on to it until the
// stream is released (runtime.KeepAlive).
func (s *Store) ScanArrow(features string, stream unsafe.Pointer, options *ScanOptions) error {
	source, err := text("features", features)
	if err != nil {
		return err
	}
	return withScan(options, func(o *C.struct_feature_scan_options) error {
		return s.call(func(h *C.feature_store, e *C.struct_feature_error) C.feature_status {
			return C.feature_store_scan_arrow(h, source, o, (*C.struct_ArrowArrayStream)(stream), e)
		})
	})
}

// withScan calls what scans with options as the library takes them.
func withScan(options *ScanOptions, scan func(*C.struct_feature_scan_options) error) error {
	if options == nil {
		options = &ScanOptions{}
	}
	rows, err := uint32Of("ChunkRows", int64(options.ChunkRows))
	if err != nil {
		return err
	}
	age, err := milliseconds("MaxAge", options.MaxAge)
	if err != nil {
		return err
	}
	from, err := cText("From", options.From)
	if err != nil {
		return err
	}
	defer C.free(unsafe.Pointer(from))
	to, err := cText("To", options.To)
	if err != nil {
		return err
	}
	defer C.free(unsafe.Pointer(to))
	o := C.struct_feature_scan_options{
		fill: C.int32_t(options.Fill), chunk_rows: rows, from: from, to: to, max_age_ms: age}
	o.struct_size = C.uint32_t(unsafe.Sizeof(o))
	if options.OneSnapshot {
		o.flags = C.uint32_t(ScanOneSnapshot)
	}
	return scan(&o)
}

// TilesArrow makes an Arrow stream of the states of a view FROM an event, in key
// order: join keys, event_timestamp and _tiles, for MergeTiles of another store.
// The stream is as that of ScanArrow, of one snapshot; Fill is not used.
func (s *Store) TilesArrow(view string, stream unsafe.Pointer, options *ScanOptions) error {
	name, err := text("view", view)
	if err != nil {
		return err
	}
	return withScan(options, func(o *C.struct_feature_scan_options) error {
		return s.call(func(h *C.feature_store, e *C.struct_feature_error) C.feature_status {
			return C.feature_store_tiles_arrow(h, name, o, (*C.struct_ArrowArrayStream)(stream), e)
		})
	})
}

// ChangesArrow makes an Arrow stream of the changes of one view, from the change
// feed, in the order of commits, and returns the sequence that it ends with. What
// ScanArrow says of the stream and the store holds for it too.
func (s *Store) ChangesArrow(features string, stream unsafe.Pointer, options *ChangesArrowOptions) (uint64, error) {
	if options == nil {
		options = &ChangesArrowOptions{}
	}
	source, err := text("features", features)
	if err != nil {
		return 0, err
	}
	rows, err := uint32Of("ChunkRows", int64(options.ChunkRows))
	if err != nil {
		return 0, err
	}
	o := C.struct_feature_changes_arrow_options{
		since: C.uint64_t(options.Since), until: C.uint64_t(options.Until), chunk_rows: rows}
	o.struct_size = C.uint32_t(unsafe.Sizeof(o))
	if options.Before {
		o.flags = C.uint32_t(ChangesBefore)
	}
	var until C.uint64_t
	err = s.call(func(h *C.feature_store, e *C.struct_feature_error) C.feature_status {
		return C.feature_store_changes_arrow(h, source, &o, &until, (*C.struct_ArrowArrayStream)(stream), e)
	})
	return uint64(until), err
}

// MergeTiles merges states that TilesArrow of another store gave into a view, in
// one commit, as if the events behind them had been written before all others.
// options.Sources says where they end and the stream goes on; SkipInvalid is
// refused. The stream is a *struct ArrowArrayStream in C memory; it is moved:
// released by the call, whatever the answer.
func (s *Store) MergeTiles(view string, stream unsafe.Pointer, options *WriteOptions) (Commit, error) {
	if options == nil {
		options = &WriteOptions{}
	}
	c := (*C.struct_ArrowArrayStream)(stream)
	commit := newCommit()
	isMoved := false
	defer func() {
		if !isMoved { // without a store this does nothing but release it
			C.feature_store_merge_tiles(nil, nil, c, nil, nil, nil)
		}
	}()
	name, err := text("view", view)
	if err != nil {
		return Commit{}, err
	}
	wait, err := milliseconds("Wait", options.Wait)
	if err != nil {
		return Commit{}, err
	}
	sources, err := newSources(options.Sources)
	if err != nil {
		return Commit{}, err
	}
	defer sources.free()
	o := C.struct_feature_write_options{sources: unsafe.SliceData(sources), source_count: C.uint32_t(len(sources)), wait_ms: wait}
	o.struct_size = C.uint32_t(unsafe.Sizeof(o))
	if options.SkipInvalid {
		o.flags = C.uint32_t(WriteSkipInvalid)
	}
	err = s.call(func(h *C.feature_store, e *C.struct_feature_error) C.feature_status {
		isMoved = true
		return C.feature_store_merge_tiles(h, name, c, &o, &commit, e)
	})
	return goCommit(&commit), err
}

// JoinArrow joins a stream of labels with features as of each label's own time:
// one row for each, in order, the columns of the labels first and unchanged. Both
// are *struct ArrowArrayStream in C memory; labels is moved, whatever the answer,
// and stream, zeroed or released, becomes the join. Labels are asked for when
// batches are. The join may outlive the query and the store, and does not keep
// them: hold on to the query until it is released (runtime.KeepAlive).
func (q *Query) JoinArrow(labels, stream unsafe.Pointer, options *JoinOptions) error {
	if options == nil {
		options = &JoinOptions{}
	}
	from, isMoved := (*C.struct_ArrowArrayStream)(labels), false
	defer func() {
		if !isMoved { // without a query this does nothing but release it
			C.feature_query_join_arrow(nil, from, nil, nil, nil)
		}
	}()
	rows, err := uint32Of("ChunkRows", int64(options.ChunkRows))
	if err != nil {
		return err
	}
	timestamp, err := cText("Timestamp", options.Timestamp)
	if err != nil {
		return err
	}
	defer C.free(unsafe.Pointer(timestamp))
	if err = q.hold(); err != nil {
		return err
	}
	defer q.handle.release()
	o := C.struct_feature_join_options{
		flags: C.uint32_t(options.Flags), timestamp: timestamp, chunk_rows: rows}
	o.struct_size = C.uint32_t(unsafe.Sizeof(o))
	isMoved = true
	var e C.struct_feature_error
	return check(C.feature_query_join_arrow(q.handle.c, from, &o, (*C.struct_ArrowArrayStream)(stream), &e), &e)
}

// ExportArrow copies the answer of the last Read into one Arrow struct array with
// a child per column. Schema and array are C memory, zeroed or released; whoever
// has them releases them, at any time and on any thread.
func (r *Request) ExportArrow(flags ExportFlag, schema, array unsafe.Pointer) error {
	if err := r.enter(); err != nil {
		return err
	}
	defer r.leave()
	return check(C.feature_request_export_arrow(r.c, C.uint32_t(flags),
		(*C.struct_ArrowSchema)(schema), (*C.struct_ArrowArray)(array), r.error), r.error)
}

// cText is s in C memory, NULL for the empty one: a struct that is passed to C
// must not hold pointers to Go's.
func cText(what, s string) (*C.char, error) {
	if _, err := text(what, s); err != nil || s == "" {
		return nil, err
	}
	return C.CString(s), nil
}
