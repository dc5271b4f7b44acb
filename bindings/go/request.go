// SPDX-License-Identifier: Apache-2.0

package feature

// #include <libfeature.h>
// #include <stdlib.h>
import "C"

import (
	"runtime"
	"slices"
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
	events  int
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
	r := &Request{query: q, rows: make([]int, len(q.keys.all))}
	r.requestHandle = requestHandle{
		query:   q.handle,
		error:   (*C.struct_feature_error)(C.calloc(1, C.sizeof_struct_feature_error)),
		columns: (*C.struct_feature_column)(C.calloc(C.size_t(len(q.columns.all)), C.sizeof_struct_feature_column)),
	}
	err := error(&Error{Status: StatusNoMemory, Reason: "memory", Message: "no memory for a request", Row: -1})
	if r.error != nil && r.columns != nil {
		err = check(C.feature_request_create(q.handle.c, &r.c, r.error), r.error)
	}
	if err != nil {
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
	r.asOf, r.events, r.fetched = 0, 0, false
}

// call runs f with the request, which no other goroutine is in meanwhile.
func (r *Request) call(f func() C.feature_status) error {
	if err := r.enter(); err != nil {
		return err
	}
	defer r.leave()
	return check(f(), r.error)
}

// Read reads all keys from one snapshot into columns: see [Values], [Copy] and
// [Request.Column]. After a failure the request holds no answer.
func (r *Request) Read() error {
	return r.call(func() C.feature_status {
		r.fetched = false
		return C.feature_request_read(r.c, r.error)
	})
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
	if slices.Contains(r.rows, 0) {
		return 0
	}
	return max(r.asOf, r.events, slices.Max(r.rows))
}

// Clear forgets keys, as-of times and the answer, and keeps the memory.
func (r *Request) Clear() error {
	return r.call(func() C.feature_status {
		C.feature_request_clear(r.c)
		r.unset()
		return C.FEATURE_OK
	})
}

// Close frees the request and what was borrowed from it. It always returns nil
// and may be repeated.
func (r *Request) Close() error {
	return r.close(func() {
		r.cleanup.Stop()
		r.free()
	})
}
