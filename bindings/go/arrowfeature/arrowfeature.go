// SPDX-License-Identifier: Apache-2.0

// Package arrowfeature is libfeature's Arrow streams for arrow-go: scans, histories
// and changes of a view, writes of a stream, joins, and answers as record batches.
// It is a module of its own, so that package feature depends on nothing.
package arrowfeature

/*
#include <stdint.h>
#include <stdlib.h>

// Of the Arrow C data and stream interfaces, as published. arrow-go has the same
// structs, but calls a stream only for readers that nobody can release.
#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE
struct ArrowSchema;
struct ArrowArray {
	int64_t length, null_count, offset, n_buffers, n_children;
	const void **buffers;
	struct ArrowArray **children, *dictionary;
	void (*release)(struct ArrowArray *);
	void *private_data;
};
#endif
#ifndef ARROW_C_STREAM_INTERFACE
#define ARROW_C_STREAM_INTERFACE
struct ArrowArrayStream {
	int (*get_schema)(struct ArrowArrayStream *, struct ArrowSchema *out);
	int (*get_next)(struct ArrowArrayStream *, struct ArrowArray *out);
	const char *(*get_last_error)(struct ArrowArrayStream *);
	void (*release)(struct ArrowArrayStream *);
	void *private_data;
};
#endif

static int get_schema(struct ArrowArrayStream *stream, void *out)
{
	return stream->get_schema(stream, out);
}

static int get_next(struct ArrowArrayStream *stream, void *out, int *is_end)
{
	int code = stream->get_next(stream, out);

	*is_end = !code && !((struct ArrowArray *)out)->release;
	return code;
}

static const char *get_last_error(struct ArrowArrayStream *stream)
{
	return stream->get_last_error ? stream->get_last_error(stream) : NULL;
}

static void release(struct ArrowArrayStream *stream)
{
	if (stream && stream->release)
		stream->release(stream);
	free(stream);
}
*/
import "C"

import (
	"context"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/cdata"

	feature "github.com/libfeature/libfeature/bindings/go"
)

// zeroed makes C memory: the interfaces' structs must not lie in Go's, and arrow-go
// wants them zeroed.
func zeroed[T any]() *T {
	p := C.calloc(1, C.size_t(unsafe.Sizeof(*new(T))))
	if p == nil {
		panic("arrowfeature: out of memory") // as Go does for a few bytes
	}
	return (*T)(p)
}

func free[T any](p *T) { C.free(unsafe.Pointer(p)) }

func newStream() *C.struct_ArrowArrayStream { return zeroed[C.struct_ArrowArrayStream]() }

// Scan reads all rows of one view, in key order: join keys, event_timestamp, then
// the features asked for, as in "driver_stats(*)". A batch at a time is in
// memory; by default each is of the newest commit when it is made. The context is
// looked at before each. Release the reader: with OneSnapshot it holds pages of
// the store in use. It keeps a store open that nobody else holds on to. It may
// outlive store.Close, and fails with feature.ErrClosed then.
func Scan(ctx context.Context, store *feature.Store, features string, options *feature.ScanOptions) (array.RecordReader, error) {
	return receive(ctx, store, func(stream unsafe.Pointer) error {
		return store.ScanArrow(features, stream, options)
	})
}

// Tiles reads the states of a view FROM an event, in key order: join keys,
// event_timestamp and _tiles, for MergeTiles of another store. It is of one
// snapshot, and otherwise as Scan.
func Tiles(ctx context.Context, store *feature.Store, view string, options *feature.ScanOptions) (array.RecordReader, error) {
	return receive(ctx, store, func(stream unsafe.Pointer) error {
		return store.TilesArrow(view, stream, options)
	})
}

// receive reads a stream that a call makes.
func receive(ctx context.Context, store *feature.Store, give func(stream unsafe.Pointer) error) (array.RecordReader, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	stream := newStream()
	if err := give(unsafe.Pointer(stream)); err != nil {
		free(stream)
		return nil, err
	}
	return newScan(&scan{ctx: ctx, owner: store, stream: stream})
}

// History lists versions of the rows of some keys, key by key, of each the newest
// first: feature.Query.HistoryArrow has the columns, and a KeyColumn is needed for
// each key of the query. All batches are of one commit, which the report names.
// Release the reader: it holds pages of the store in use.
func History(ctx context.Context, query *feature.Query, options *feature.HistoryOptions,
	keys ...feature.KeyColumn) (array.RecordReader, feature.HistoryReport, error) {
	if err := ctx.Err(); err != nil {
		return nil, feature.HistoryReport{}, err
	}
	stream := newStream()
	report, err := query.HistoryArrow(unsafe.Pointer(stream), options, keys...)
	if err != nil {
		free(stream)
		return nil, report, err
	}
	reader, err := newScan(&scan{ctx: ctx, owner: query, stream: stream})
	return reader, report, err
}

// Changes reads the changes of one view from the change feed, in the order of
// commits, and returns the sequence that the reader ends with: the next call goes
// on there, as Since. No snapshot is held between two batches; where retention is
// faster, the reader fails with feature.ErrGap.
func Changes(ctx context.Context, store *feature.Store, features string,
	options *feature.ChangesArrowOptions) (array.RecordReader, uint64, error) {
	if err := ctx.Err(); err != nil {
		return nil, 0, err
	}
	stream := newStream()
	until, err := store.ChangesArrow(features, unsafe.Pointer(stream), options)
	if err != nil {
		free(stream)
		return nil, 0, err
	}
	reader, err := newScan(&scan{ctx: ctx, owner: store, stream: stream})
	return reader, until, err
}

// newScan asks for the schema of a stream that was just made.
func newScan(r *scan) (array.RecordReader, error) {
	stream := r.stream
	r.references.Store(1)
	r.cleanup = runtime.AddCleanup(r, func(s *C.struct_ArrowArrayStream) { C.release(s) }, stream)
	schema := zeroed[cdata.CArrowSchema]()
	defer free(schema)
	err := r.problem(C.get_schema(stream, unsafe.Pointer(schema)))
	if err == nil {
		r.schema, err = cdata.ImportCArrowSchema(schema)
	}
	if err != nil {
		r.Release()
		return nil, err
	}
	return r, nil
}

// scan is a RecordReader that gives its stream back when it is released, not when
// it is collected.
type scan struct {
	references atomic.Int64
	ctx        context.Context
	owner      any      // its cleanup would close the store under the stream
	labels     *watched // of a join: what it reads
	stream     *C.struct_ArrowArrayStream
	schema     *arrow.Schema
	current    arrow.RecordBatch
	err        error
	cleanup    runtime.Cleanup
}

func (r *scan) Retain() { r.references.Add(1) }

func (r *scan) Release() {
	if r.references.Add(-1) == 0 {
		r.drop()
		r.cleanup.Stop()
		C.release(r.stream)
		r.stream, r.owner = nil, nil
		if r.labels != nil {
			r.labels.pins.Unpin()
		}
	}
}

func (r *scan) Schema() *arrow.Schema          { return r.schema }
func (r *scan) RecordBatch() arrow.RecordBatch { return r.current }
func (r *scan) Record() arrow.RecordBatch      { return r.current }
func (r *scan) Err() error                     { return r.err }

func (r *scan) drop() {
	if r.current != nil {
		r.current.Release()
		r.current = nil
	}
}

func (r *scan) Next() bool {
	defer runtime.KeepAlive(r.owner)
	r.drop()
	if r.err == nil && r.stream == nil {
		r.err = feature.ErrClosed
	}
	if r.err == nil {
		r.err = r.ctx.Err()
	}
	if r.err != nil {
		return false
	}
	next := zeroed[cdata.CArrowArray]()
	defer free(next)
	var isEnd C.int
	if r.err = r.problem(C.get_next(r.stream, unsafe.Pointer(next), &isEnd)); r.err != nil || isEnd != 0 {
		if r.err != nil && r.labels != nil && r.labels.Err() != nil {
			r.err = &failure{r.err, r.labels.Err()}
		}
		return false
	}
	if r.current, r.err = cdata.ImportCRecordBatchWithSchema(next, r.schema); r.err != nil {
		cdata.ReleaseCArrowArray(next)
		return false
	}
	return true
}

// problem makes an error of a stream's answer: an errno, and a text that is the
// library's reason word and its message.
func (r *scan) problem(code C.int) error {
	if code == 0 {
		return nil
	}
	reason, message, _ := strings.Cut(C.GoString(C.get_last_error(r.stream)), ": ")
	return &feature.Error{Status: statusOf(syscall.Errno(code), reason), Reason: reason, Message: message, Row: -1}
}

// statusOf finds the status again, for which there is no errno of its own.
func statusOf(errno syscall.Errno, reason string) feature.Status {
	switch reason {
	case "history", "name", "no-feed", "no-store":
		return feature.StatusNotFound
	case "feed-truncated":
		return feature.StatusGap
	case "definition", "epoch", "in-use", "schema-changed":
		return feature.StatusConflict
	case "checksum", "structure", "truncated":
		return feature.StatusCorrupt
	case "format", "feature-bits", "lmdb-version", "struct-size":
		return feature.StatusVersion
	}
	switch errno {
	case syscall.ENOMEM:
		return feature.StatusNoMemory
	case syscall.EBUSY:
		return feature.StatusBusy
	case syscall.ENOSPC:
		return feature.StatusFull
	case syscall.ENOTSUP:
		return feature.StatusUnsupported
	case syscall.EIO:
		return feature.StatusIO
	}
	return feature.StatusInvalid
}
