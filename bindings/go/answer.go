// SPDX-License-Identifier: Apache-2.0

package feature

// #include <libfeature.h>
import "C"

import (
	"slices"
	"time"
	"unsafe"
)

// What a read answers besides its columns, and a write about its rows.

// Rows counts the rows of the last read; 0 before it.
func (r *Request) Rows() int {
	if r.enter() != nil {
		return 0
	}
	defer r.leave()
	return int(C.feature_request_row_count(r.c))
}

// view runs f with the index of a view and the rows of the last read.
func (r *Request) view(name string, f func(view C.uint32_t, rows int) bool) error {
	if err := r.enter(); err != nil {
		return err
	}
	defer r.leave()
	i, ok := r.query.views.index[name]
	if !ok {
		return noSuch("query", "view", name)
	}
	if !f(C.uint32_t(i), int(C.feature_request_row_count(r.c))) {
		return invalid("argument", "the request holds no answer: call Read or ReadMatrix first")
	}
	return nil
}

// States tells what each row of the last read met in one view, by its alias or
// name. Borrowed: see the package's rule on memory.
func (r *Request) States(view string) (states []State, err error) {
	err = r.view(view, func(view C.uint32_t, rows int) bool {
		first := (*State)(C.feature_request_states(r.c, view))
		states = unsafe.Slice(first, rows)
		return first != nil
	})
	return states, err
}

// Timestamps gives the event timestamp of each row of the last read in one view,
// in microseconds since 1970 UTC; math.MinInt64 where no row answered. Borrowed:
// see the package's rule on memory.
func (r *Request) Timestamps(view string) (times []int64, err error) {
	err = r.view(view, func(view C.uint32_t, rows int) bool {
		first := (*int64)(C.feature_request_timestamps(r.c, view))
		times = unsafe.Slice(first, rows)
		return first != nil
	})
	return times, err
}

// Commit tells which commit the last read saw; 0 before the first.
func (r *Request) Commit() uint64 {
	if r.enter() != nil {
		return 0
	}
	defer r.leave()
	return uint64(C.feature_request_commit(r.c))
}

// Now tells which clock the last read used: with the commit, an answer can be
// reproduced. The zero time before the first read.
func (r *Request) Now() time.Time {
	if r.enter() != nil {
		return time.Time{}
	}
	defer r.leave()
	return goTime(int64(C.feature_request_now(r.c)))
}

// Window tells which events a feature of the last read was computed of in a row:
// those with from <= timestamp < to, in microseconds since 1970 UTC.
func (r *Request) Window(column string, row int) (from, to int64, err error) {
	at, err := uint32Of("row", int64(row))
	if err != nil {
		return 0, 0, err
	}
	err = r.call(func() C.feature_status {
		i, ok := r.query.columns.index[column]
		if !ok {
			i = len(r.query.columns.all) // the library says so
		}
		return C.feature_request_window(r.c, C.uint32_t(i), at, (*C.int64_t)(&from), (*C.int64_t)(&to), r.error)
	})
	return from, to, err
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
