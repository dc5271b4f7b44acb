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

// Request is the keys of one read and the memory of its answer, used again from
// read to read. For one goroutine at a time; a sync.Pool suits.
type Request struct {
	guard
	requestHandle
	query   *Query
	rows    []int // of each key, -1 until it is set
	asOf    int
	fetched bool // the columns are those of the last read
	pack    packer
	cleanup runtime.Cleanup
}

// requestHandle is what has to be freed. The error and the columns are C memory:
// in Go's they would be zeroed, and checked, at each call.
type requestHandle struct {
	c       *C.feature_request
	query   *queryHandle
	error   *C.struct_feature_error
	columns *C.struct_feature_column
}

func (h requestHandle) free() {
	C.feature_request_free(h.c)
	C.free(unsafe.Pointer(h.columns))
	C.free(unsafe.Pointer(h.error))
	h.query.release()
}

// Request makes a request. Once a read of some size has been answered, reads up
// to that size allocate nothing.
func (q *Query) Request() (*Request, error) {
	if err := q.hold(); err != nil {
		return nil, err
	}
	r := &Request{query: q, rows: make([]int, len(q.keys))}
	r.requestHandle = requestHandle{
		query:   q.handle,
		error:   (*C.struct_feature_error)(C.calloc(1, C.sizeof_struct_feature_error)),
		columns: (*C.struct_feature_column)(C.calloc(C.size_t(len(q.columns)), C.sizeof_struct_feature_column)),
	}
	if r.error == nil || r.columns == nil {
		r.free()
		return nil, &Error{Status: StatusNoMemory, Reason: "memory", Message: "no memory for a request", Row: -1}
	}
	if err := check(C.feature_request_create(q.handle.c, &r.c, r.error), r.error); err != nil {
		r.free()
		return nil, err
	}
	r.unset()
	r.open("request")
	r.cleanup = runtime.AddCleanup(r, requestHandle.free, r.requestHandle)
	return r, nil
}

// Query returns the query the request was made from.
func (r *Request) Query() *Query { return r.query }

func (r *Request) unset() {
	for i := range r.rows {
		r.rows[i] = -1
	}
	r.asOf, r.fetched = -1, false
}

// setKey hands a packed key to the library.
func (r *Request) setKey(key int, p *packed) error {
	status := C.feature_request_set_key(r.c, C.uint32_t(key), p.kind, p.values,
		unsafe.SliceData(p.offsets), unsafe.SliceData(p.validity), p.rows, r.error)
	if status != C.FEATURE_OK {
		return check(status, r.error)
	}
	r.rows[key] = int(p.rows)
	return nil
}

// SetAsOf asks for the answer as of a time, in microseconds since 1970 UTC: one
// for all rows, or one per row. The times stay until they are set again, or taken
// back by SetNewest.
func (r *Request) SetAsOf(times []int64) error {
	if len(times) == 0 {
		return invalid("argument", "there are no times; SetNewest goes back to the newest values")
	}
	return r.setAsOf(times)
}

// SetNewest goes back to the newest values, whatever their event timestamp.
func (r *Request) SetNewest() error { return r.setAsOf(nil) }

func (r *Request) setAsOf(times []int64) error {
	rows, err := uint32Of("times", int64(len(times)))
	if err != nil {
		return err
	}
	if err := r.enter(); err != nil {
		return err
	}
	defer r.leave()
	status := C.feature_request_set_as_of(r.c, (*C.int64_t)(unsafe.SliceData(times)), rows, r.error)
	if status != C.FEATURE_OK {
		return check(status, r.error)
	}
	if r.asOf = len(times); times == nil {
		r.asOf = -1
	}
	return nil
}

// Read reads all keys from one snapshot into columns: see [Values], [Copy] and
// [Request.Column]. After a failure the request holds no answer.
func (r *Request) Read() error {
	if err := r.enter(); err != nil {
		return err
	}
	defer r.leave()
	r.fetched = false
	return check(C.feature_request_read(r.c, r.error), r.error)
}

// ReadMatrix reads all keys from one snapshot into a dense row-major matrix,
// whose rows are stride floats apart. Numbers and booleans are cast, vectors
// flattened, a timestamp is its age in seconds, a null is NaN. On failure the
// matrix is untouched, and the request holds no answer.
func (r *Request) ReadMatrix(matrix []float32, stride int) error {
	if err := r.enter(); err != nil {
		return err
	}
	defer r.leave()
	if stride < r.query.width || stride < 0 {
		return invalid("argument", "the stride is %d, a row has %d floats", stride, r.query.width)
	}
	if rows := r.rowsToRead(); rows > 0 && stride > 0 && len(matrix)/stride < rows {
		return invalid("argument", "the matrix has %d floats, %d rows of %d need more", len(matrix), rows, stride)
	}
	if matrix == nil {
		matrix = []float32{} // no rows; the library wants an address even so
	}
	r.fetched = false
	status := C.feature_request_read_matrix(r.c, (*C.float)(unsafe.SliceData(matrix)), C.size_t(stride), r.error)
	return check(status, r.error)
}

// rowsToRead is what the library will make of the keys that are set: at least as
// many as it writes.
func (r *Request) rowsToRead() int {
	most := max(r.asOf, 0)
	for _, rows := range r.rows {
		if rows == 0 || r.asOf == 0 {
			return 0
		}
		most = max(most, rows)
	}
	return most
}

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
	i, ok := r.query.viewIndex[name]
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

// Clear forgets keys, as-of times and the answer, and keeps the memory.
func (r *Request) Clear() error {
	if err := r.enter(); err != nil {
		return err
	}
	defer r.leave()
	C.feature_request_clear(r.c)
	r.unset()
	return nil
}

// Close frees the request and what was borrowed from it. It always returns nil
// and may be repeated.
func (r *Request) Close() error {
	r.close(func() {
		r.cleanup.Stop()
		r.free()
	})
	return nil
}
