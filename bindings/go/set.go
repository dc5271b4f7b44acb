// SPDX-License-Identifier: Apache-2.0

package feature

// #include <libfeature.h>
import "C"

import (
	"time"
	"unsafe"
)

// What goes in: keys and times of a request, columns of a batch.

// Value is what a key or a column of a batch can be set from, and what an answer
// can be copied to. Strings and byte slices serve both STRING and BYTES; a
// TIMESTAMP is a time or int64 microseconds since 1970 UTC.
type Value interface {
	~bool | ~int32 | ~int64 | ~float32 | ~float64 | ~string | ~[]byte | time.Time
}

// SetKey sets one join key of a request, for all its rows: one value for every
// row, or one per row. valid tells which keys are not null; nil: none is null.
// Keys stay until they are set again or the request is cleared.
func SetKey[T Value](r *Request, key string, values []T, valid []bool) error {
	if err := r.enter(); err != nil {
		return err
	}
	defer r.leave()
	i, ok := r.query.keys.index[key]
	if !ok {
		return noSuch("query", "key", key)
	}
	p, err := pack(&r.pack, &r.query.keys.all[i], values, valid)
	if err != nil {
		return err
	}
	return r.setKey(i, &p)
}

// Texts are texts or bytes as Arrow has them: text i is Bytes[Offsets[i]:Offsets[i+1]],
// so that there is one offset more than there are texts.
type Texts struct {
	Bytes   []byte
	Offsets []int32
}

// SetKeyTexts is SetKey for texts that lie one behind the other already: nothing
// is laid out anew.
func (r *Request) SetKeyTexts(key string, texts Texts, valid []bool) error {
	if err := r.enter(); err != nil {
		return err
	}
	defer r.leave()
	i, ok := r.query.keys.index[key]
	if !ok {
		return noSuch("query", "key", key)
	}
	field := &r.query.keys.all[i]
	rows := len(texts.Offsets) - 1
	if rows < 0 || int(texts.Offsets[rows]) > len(texts.Bytes) {
		return invalid("argument", "column %q: the offsets do not lie within %d bytes", key, len(texts.Bytes))
	}
	p := packed{kind: C.FEATURE_TYPE_STRING, values: unsafe.Pointer(unsafe.SliceData(texts.Bytes)),
		offsets: unsafe.Slice((*C.int32_t)(unsafe.SliceData(texts.Offsets)), len(texts.Offsets))}
	if field.Type == TypeBytes {
		p.kind = C.FEATURE_TYPE_BYTES
	}
	if err := r.pack.finish(&p, field, rows, valid); err != nil {
		return err
	}
	return r.setKey(i, &p)
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

// SetEvents counts events that are not stored: row i of the batch, made for Event,
// is row i's, or one row is that of all. It is visible from one microsecond after
// its own timestamp on. nil goes back to none.
func (r *Request) SetEvents(events *Batch) error {
	if events == nil {
		return r.setEvents(nil, 0)
	}
	if err := events.enter(); err != nil {
		return err
	}
	defer events.leave()
	return r.setEvents(events.handle, events.rows)
}

func (r *Request) setEvents(handle *C.feature_batch, rows int) error {
	return r.call(func() C.feature_status {
		status := C.feature_request_set_events(r.c, handle, r.error)
		if status == C.FEATURE_OK {
			r.events = rows
		}
		return status
	})
}

func (r *Request) setAsOf(times []int64) error {
	rows, err := uint32Of("times", int64(len(times)))
	if err != nil {
		return err
	}
	return r.call(func() C.feature_status {
		status := C.feature_request_set_as_of(r.c, (*C.int64_t)(unsafe.SliceData(times)), rows, r.error)
		if status == C.FEATURE_OK {
			r.asOf = len(times)
		}
		return status
	})
}

// Set sets one column of a batch. valid tells which rows are not null; nil: none
// is null. A vector T[n] takes rows x n values. Whether the values can be stored
// is checked by Store.Write.
func Set[T Value](b *Batch, column string, values []T, valid []bool) error {
	if err := b.enter(); err != nil {
		return err
	}
	defer b.leave()
	i, ok := b.columns.index[column]
	if !ok {
		return noSuch("batch", "column", column)
	}
	p, err := pack(&b.pack, &b.columns.all[i], values, valid)
	if err != nil {
		return err
	}
	return b.set(i, &p)
}

// SetList sets one list column of a batch: numbers or strings. valid tells which
// lists are not null; a nil list that is valid is an empty one.
func SetList[T Value](b *Batch, column string, lists [][]T, valid []bool) error {
	if err := b.enter(); err != nil {
		return err
	}
	defer b.leave()
	i, ok := b.columns.index[column]
	if !ok {
		return noSuch("batch", "column", column)
	}
	p, err := packLists(&b.pack, &b.columns.all[i], lists, valid)
	if err != nil {
		return err
	}
	return b.set(i, &p)
}

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
