// SPDX-License-Identifier: Apache-2.0

package arrowfeature

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/cdata"

	feature "github.com/libfeature/libfeature/bindings/go"
)

// Write writes all record batches of a reader into one view: one commit, or with
// options.CommitRows several, of which a failure leaves those before it; the
// commit reports what was kept even so. The context is looked at before each
// batch. The reader may read this very store. It stays the caller's to release.
//
// A batch whose columns are not those of the reader's schema is refused.
//
// What the reader fails with is found in the error by errors.Is and errors.As,
// beside the library's own.
func Write(ctx context.Context, store *feature.Store, view string, operation feature.Operation,
	reader array.RecordReader, options *feature.ArrowOptions) (feature.Commit, error) {
	return send(ctx, reader, func(stream unsafe.Pointer) (feature.Commit, error) {
		return store.WriteArrow(view, operation, stream, options)
	})
}

// MergeTiles merges states that Tiles of another store gave into a view, in one
// commit, as if the events behind them had been written before all others.
// options.Sources says where they end and the stream goes on. For the reader and
// the context, see Write.
func MergeTiles(ctx context.Context, store *feature.Store, view string,
	reader array.RecordReader, options *feature.WriteOptions) (feature.Commit, error) {
	return send(ctx, reader, func(stream unsafe.Pointer) (feature.Commit, error) {
		return store.MergeTiles(view, stream, options)
	})
}

// Append appends all record batches of a reader to a load; columns is as
// feature.ArrowOptions.Columns. For the reader and the context, see Write.
func Append(ctx context.Context, load *feature.Load, reader array.RecordReader, columns string) error {
	_, err := send(ctx, reader, func(stream unsafe.Pointer) (feature.Commit, error) {
		return feature.Commit{}, load.AppendArrow(stream, columns)
	})
	return err
}

// send calls what takes a stream with one of a reader's batches.
func send(ctx context.Context, reader array.RecordReader,
	take func(stream unsafe.Pointer) (feature.Commit, error)) (feature.Commit, error) {
	if reader == nil {
		return feature.Commit{}, &feature.Error{
			Status: feature.StatusInvalid, Reason: "argument", Message: "the reader is nil", Row: -1}
	}
	w := &watched{RecordReader: reader, ctx: ctx}
	defer w.pins.Unpin()
	if err := w.check(); err != nil {
		return feature.Commit{}, err
	}
	stream := zeroed[cdata.CArrowArrayStream]()
	defer free(stream)
	cdata.ExportRecordReader(w, stream)
	commit, err := take(unsafe.Pointer(stream))
	if w.refused != nil {
		return commit, w.refused
	}
	if err != nil && w.Err() != nil {
		err = &failure{err, w.Err()}
	}
	return commit, err
}

// failure is the library's error, and the producer's behind it.
type failure struct{ answer, producer error }

func (f *failure) Error() string   { return f.answer.Error() }
func (f *failure) Unwrap() []error { return []error{f.answer, f.producer} }

// watched is a reader that stops with its context, whose batches C may look at,
// and whose panics do not cross C.
type watched struct {
	array.RecordReader
	ctx     context.Context
	keeps   bool // C holds on to batches it was given
	schema  *arrow.Schema
	current arrow.RecordBatch
	pins    runtime.Pinner // of the current batch
	err     error
	refused *feature.Error // a batch of another schema
}

// check asks for the schema while there is no C on the stack.
func (w *watched) check() (err error) {
	schema := zeroed[cdata.CArrowSchema]()
	defer free(schema)
	defer func() {
		if p := recover(); p != nil {
			err = &feature.Error{Status: feature.StatusUnsupported, Reason: "arrow-type", Row: -1,
				Message: fmt.Sprintf("the schema cannot be exported: %v", p)}
		}
	}()
	if w.schema = w.RecordReader.Schema(); w.schema == nil {
		return &feature.Error{Status: feature.StatusInvalid, Reason: "arrow", Message: "the reader has no schema", Row: -1}
	}
	cdata.ExportArrowSchema(w.schema, schema)
	cdata.ReleaseCArrowSchema(schema)
	return nil
}

func (w *watched) Schema() *arrow.Schema          { return w.schema }
func (w *watched) RecordBatch() arrow.RecordBatch { return w.current }

func (w *watched) Next() (isMore bool) {
	defer func() {
		if p := recover(); p != nil {
			isMore, w.err = false, fmt.Errorf("arrowfeature: the reader panicked: %v", p)
		}
	}()
	if !w.keeps {
		w.pins.Unpin() // the library has released that batch
	}
	if w.err == nil {
		w.err = w.ctx.Err()
	}
	if w.err != nil || !w.RecordReader.Next() {
		return false
	}
	w.current = w.RecordReader.RecordBatch()
	if w.refused = w.compare(); w.refused != nil {
		w.err = w.refused
		return false
	}
	for _, column := range w.current.Columns() {
		w.pin(column.Data())
	}
	return true
}

// compare finds a batch whose columns are not those of the reader's schema: C has
// only the schema to go by, and would read its buffers as something else.
func (w *watched) compare() *feature.Error {
	columns, fields := w.current.Columns(), w.schema.Fields()
	found := ""
	if len(columns) != len(fields) {
		found = fmt.Sprintf("has %d columns, the reader's schema %d", len(columns), len(fields))
	}
	for i := 0; found == "" && i < len(fields); i++ {
		name, kind := w.current.ColumnName(i), columns[i].DataType()
		if name != fields[i].Name || !arrow.TypeEqual(kind, fields[i].Type) {
			found = fmt.Sprintf("has the column %s %s where the reader's schema has %s %s",
				name, kind, fields[i].Name, fields[i].Type)
		}
	}
	if found == "" {
		return nil
	}
	return &feature.Error{Status: feature.StatusInvalid, Reason: "arrow", Message: "a batch " + found, Row: -1}
}

// pin keeps buffers that are Go memory where they are, which is what Go asks for
// pointers to it that lie in C memory.
func (w *watched) pin(data arrow.ArrayData) {
	for _, buffer := range data.Buffers() {
		if buffer != nil && buffer.Len() > 0 {
			w.pins.Pin(unsafe.SliceData(buffer.Bytes()))
		}
	}
	for _, child := range data.Children() {
		w.pin(child)
	}
	if data.DataType().ID() == arrow.DICTIONARY {
		w.pin(data.Dictionary())
	}
}

// Err also asks for the text, as C does right after: that may panic, too.
func (w *watched) Err() (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = errors.Join(w.err, fmt.Errorf("arrowfeature: the reader panicked: %v", p))
		}
	}()
	if err = errors.Join(w.err, w.RecordReader.Err()); err != nil {
		_ = err.Error()
	}
	return err
}

// The reader is the caller's for longer than C has the stream, so that C has
// nothing to count, and no Release of the reader's to call.
func (w *watched) Retain()  {}
func (w *watched) Release() {}

// Read copies the answer of the last request.Read into a record batch: a column
// per column, and what the flags ask for besides. Release it; it outlives the
// request.
func Read(request *feature.Request, flags feature.ExportFlag) (arrow.RecordBatch, error) {
	schema, exported := zeroed[cdata.CArrowSchema](), zeroed[cdata.CArrowArray]()
	defer free(schema)
	defer free(exported)
	if err := request.ExportArrow(flags, unsafe.Pointer(schema), unsafe.Pointer(exported)); err != nil {
		return nil, err
	}
	batch, err := cdata.ImportCRecordBatch(exported, schema)
	if err != nil {
		cdata.ReleaseCArrowArray(exported)
	}
	return batch, err
}
