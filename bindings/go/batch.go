// SPDX-License-Identifier: Apache-2.0

package feature

// #include <libfeature.h>
import "C"

import (
	"runtime"
	"slices"
	"strings"
)

// Batch is rows to write into one view, column by column: see [Set] and
// [SetList]. For one goroutine at a time.
type Batch struct {
	guard
	handle  *C.feature_batch
	store   *Store // keeps the store from being closed as forgotten
	columns fields
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
	b.columns = askFields(func(i C.uint32_t, f *C.struct_feature_field) C.feature_status {
		return C.feature_batch_column(b.handle, i, f, nil)
	})
	return b, nil
}

// Columns describes the columns of the batch, in their order.
func (b *Batch) Columns() []Field { return slices.Clone(b.columns.all) }

// Rows returns how many rows the column that was set last had.
func (b *Batch) Rows() int { return b.rows }

// hold is enter for a write, in which a batch may be missing or stand twice.
func (b *Batch) hold(index int) error {
	e := &Error{Status: StatusInvalid, Reason: "argument", Message: "the batch is nil", Batch: index, Row: -1}
	if b != nil {
		err := b.enter()
		if err == nil || err == ErrClosed {
			return err
		}
		e.Reason, e.Message = "concurrent", "the batch is in use by another goroutine, or given twice"
	}
	return e
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
	return b.close(func() {
		b.cleanup.Stop()
		C.feature_batch_free(b.handle)
	})
}
