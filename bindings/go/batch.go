// SPDX-License-Identifier: Apache-2.0

package feature

// #include <libfeature.h>
import "C"

import (
	"runtime"
	"slices"
	"strings"
	"unsafe"
)

// Batch is rows to write into one view, column by column: see [Set] and
// [SetList]. For one goroutine at a time.
type Batch struct {
	guard
	handle  *C.feature_batch
	store   *Store // keeps the store from being closed as forgotten
	columns []Field
	index   map[string]int
	rows    int
	pack    packer
	cleanup runtime.Cleanup
}

// Batch makes an empty batch. The columns are every join key of the view,
// event_timestamp or not (then every row takes the time of its commit), and
// features. Without names they are the join keys, event_timestamp and, save for
// a Delete, every feature.
func (s *Store) Batch(view string, operation Operation, columns ...string) (*Batch, error) {
	name, err := text("view", view)
	if err != nil {
		return nil, err
	}
	list, err := text("columns", strings.Join(columns, ", "))
	if err != nil {
		return nil, err
	}
	if columns == nil {
		list = nil
	}
	b := &Batch{store: s}
	err = s.call(func(h *C.feature_store, e *C.struct_feature_error) C.feature_status {
		return C.feature_batch_create(h, name, list, C.int32_t(operation), &b.handle, e)
	})
	if err != nil {
		return nil, err
	}
	b.cleanup = runtime.AddCleanup(b, func(h *C.feature_batch) { C.feature_batch_free(h) }, b.handle)
	b.open("batch")
	b.columns, b.index = fields(func(i C.uint32_t, f *C.struct_feature_field) C.feature_status {
		return C.feature_batch_column(b.handle, i, f, nil)
	})
	return b, nil
}

// Columns describes the columns of the batch, in their order.
func (b *Batch) Columns() []Field { return slices.Clone(b.columns) }

// Rows returns how many rows the column that was set last had.
func (b *Batch) Rows() int { return b.rows }

// set hands a packed column to the library.
func (b *Batch) set(column int, p *packed) error {
	var e C.struct_feature_error
	var status C.feature_status
	if p.isList {
		status = C.feature_batch_set_list(b.handle, C.uint32_t(column), p.kind, p.values,
			unsafe.SliceData(p.offsets), unsafe.SliceData(p.ends), unsafe.SliceData(p.validity), p.rows, &e)
	} else {
		status = C.feature_batch_set(b.handle, C.uint32_t(column), p.kind, p.values,
			unsafe.SliceData(p.offsets), unsafe.SliceData(p.validity), p.rows, &e)
	}
	if status == C.FEATURE_OK {
		b.rows = int(p.rows)
	}
	return check(status, &e)
}

// Outcomes tells what became of each row in the last write that succeeded; nil
// before a write, and after the batch was set again, cleared or closed.
func (b *Batch) Outcomes() []Outcome {
	if b.enter() != nil {
		return nil
	}
	defer b.leave()
	outcomes := (*Outcome)(C.feature_batch_outcomes(b.handle))
	if outcomes == nil {
		return nil
	}
	return slices.Clone(unsafe.Slice(outcomes, b.rows))
}

// Problem tells why a row was rejected in the last write, as an *Error; nil where
// it was not.
func (b *Batch) Problem(row int) error {
	n, err := uint32Of("row", int64(row))
	if err != nil {
		return err
	}
	if err := b.enter(); err != nil {
		return err
	}
	defer b.leave()
	var e C.struct_feature_error
	return check(C.feature_batch_problem(b.handle, n, &e), &e)
}

// Clear empties the batch and keeps its memory for the next rows.
func (b *Batch) Clear() error {
	if err := b.enter(); err != nil {
		return err
	}
	defer b.leave()
	C.feature_batch_clear(b.handle)
	return nil
}

// Close frees the batch. It always returns nil and may be repeated.
func (b *Batch) Close() error {
	b.close(func() {
		b.cleanup.Stop()
		C.feature_batch_free(b.handle)
	})
	return nil
}
