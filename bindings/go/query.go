// SPDX-License-Identifier: Apache-2.0

package feature

// #include <libfeature.h>
import "C"

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// Query is a prepared read: names resolved to keys and columns. It never changes
// and is for any number of goroutines at once.
type Query struct {
	handle               *queryHandle
	store                *Store // keeps the store from being closed as forgotten
	keys, columns, views fields
	width                int
	fingerprint          uint64
	cleanup              runtime.Cleanup
	mutex                sync.Mutex // of the one below
	closed               bool
}

// queryHandle is freed with the last of the query and its requests, which the
// garbage collector may find in any order.
type queryHandle struct {
	c     *C.feature_query
	users atomic.Int32
}

func (h *queryHandle) release() {
	if h.users.Add(-1) == 0 {
		C.feature_query_free(h.c)
	}
}

// Query resolves the features once, so that reads look up no names: references
// (view:feature), views (view(a, b AS c) AS alias (key AS other), with * for all)
// and feature services, separated by commas. Columns are named by feature, or
// alias__feature where there is an alias.
func (s *Store) Query(features string, options *QueryOptions) (*Query, error) {
	source, err := text("features", features)
	if err != nil {
		return nil, err
	}
	o, h := options.c(), &queryHandle{}
	err = s.call(func(store *C.feature_store, e *C.struct_feature_error) C.feature_status {
		return C.feature_query_create(store, source, &o, &h.c, e)
	})
	if err != nil {
		return nil, err
	}
	h.users.Store(1)
	q := &Query{handle: h, store: s}
	q.cleanup = runtime.AddCleanup(q, (*queryHandle).release, h)
	q.keys = askFields(func(i C.uint32_t, f *C.struct_feature_field) C.feature_status {
		return C.feature_query_key(h.c, i, f, nil)
	})
	q.columns = askFields(func(i C.uint32_t, f *C.struct_feature_field) C.feature_status {
		return C.feature_query_column(h.c, i, f, nil)
	})
	q.views = askFields(func(i C.uint32_t, f *C.struct_feature_field) C.feature_status {
		return C.feature_query_view(h.c, i, f, nil)
	})
	q.width = int(C.feature_query_matrix_width(h.c))
	q.fingerprint = uint64(C.feature_query_fingerprint(h.c))
	return q, nil
}

// Keys describes the join keys that a request has to set.
func (q *Query) Keys() []Field { return slices.Clone(q.keys.all) }

// Columns describes the columns that a request answers.
func (q *Query) Columns() []Field { return slices.Clone(q.columns.all) }

// Views names the views, by alias where there is one.
func (q *Query) Views() []Field { return slices.Clone(q.views.all) }

// MatrixWidth tells how many floats a row of the matrix has; 0 where the query
// was not made for one.
func (q *Query) MatrixWidth() int { return q.width }

// Fingerprint stands for the keys and columns: their names, types and order.
// Store it beside a model; equal numbers mean the same inputs.
func (q *Query) Fingerprint() uint64 { return q.fingerprint }

// Close ends the query. Its requests go on until they are closed themselves. It
// always returns nil and may be repeated.
func (q *Query) Close() error {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	if !q.closed && q.handle != nil {
		q.closed = true
		q.cleanup.Stop()
		q.handle.release()
	}
	return nil
}

// hold counts one more request.
func (q *Query) hold() error {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	if q.closed || q.handle == nil {
		return ErrClosed
	}
	q.handle.users.Add(1)
	return nil
}
