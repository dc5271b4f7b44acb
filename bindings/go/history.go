// SPDX-License-Identifier: Apache-2.0

package feature

// #include <libfeature.h>
import "C"

import (
	"math"
	"runtime"
	"time"
	"unsafe"
)

// Versions of rows.

// HistoryOptions says which versions Query.HistoryArrow lists.
type HistoryOptions struct {
	Since     time.Time     // event timestamps from it on; the zero time: all
	Until     time.Time     // event timestamps up to it; the zero time: all
	Last      int           // the newest of each key, so many; 0: all
	ChunkRows int           // rows of a record batch, at most; 0: 16384
	MaxAge    time.Duration // how long the stream may keep its snapshot; 0: a minute
}

// HistoryReport says how far back the history of a view goes.
type HistoryReport struct {
	Sequence uint64    // the commit that the stream is of
	Since    time.Time // commit time from which on history is kept; zero: nothing was written yet
	Horizon  time.Time // event timestamp before which versions were dropped by age; zero: none was
}

// KeyColumn is one column of keys for Query.HistoryArrow; Keys makes it.
type KeyColumn struct {
	pack func(*packer, *Field) (packed, error)
}

// Keys is a column of keys: one value for every row, or one per row, as for
// SetKey. valid tells which keys are not null; nil: none is null.
func Keys[T Value](values []T, valid []bool) KeyColumn {
	return KeyColumn{func(k *packer, field *Field) (packed, error) { return pack(k, field, values, valid) }}
}

// HistoryArrow makes an Arrow stream of the versions of some rows, key by key, of
// each the newest first: the join keys, event_timestamp, _sequence, _commit_time,
// _operation, _written, and the features as they were written. The query is of one
// view with history, and there is a column of keys for each of its keys, in their
// order. The stream is a *struct ArrowArrayStream in C memory, zeroed or released.
// It may outlive the query and the store, and does not keep them: hold on to the
// query until it is released (runtime.KeepAlive).
func (q *Query) HistoryArrow(stream unsafe.Pointer, options *HistoryOptions, keys ...KeyColumn) (HistoryReport, error) {
	o, err := options.c()
	if err != nil {
		return HistoryReport{}, err
	}
	if err = q.hold(); err != nil {
		return HistoryReport{}, err
	}
	defer q.handle.release()
	var pins runtime.Pinner
	defer pins.Unpin()
	columns := make([]C.struct_feature_column, max(len(keys), 1)) // no key is no NULL
	memory := make([]packer, len(keys))
	for i, key := range keys {
		if key.pack == nil || i >= len(q.keys.all) {
			return HistoryReport{}, invalid("argument", "a column of keys for each of the %d keys is needed", len(q.keys.all))
		}
		p, err := key.pack(&memory[i], &q.keys.all[i])
		if err != nil {
			return HistoryReport{}, err
		}
		columns[i] = p.pinned(&pins)
	}
	var report C.struct_feature_history_report
	report.struct_size = C.uint32_t(unsafe.Sizeof(report))
	var e C.struct_feature_error
	err = check(C.feature_query_history(q.handle.c, unsafe.SliceData(columns), C.uint32_t(len(keys)), &o, &report,
		(*C.struct_ArrowArrayStream)(stream), &e), &e)
	if err != nil {
		return HistoryReport{}, err
	}
	return HistoryReport{Sequence: uint64(report.sequence), Since: reportTime(report.since),
		Horizon: reportTime(report.horizon)}, nil
}

// pinned is the column as C has it, whose buffers stay where they are.
func (p *packed) pinned(pins *runtime.Pinner) C.struct_feature_column {
	c := C.struct_feature_column{_type: p.kind, width: 1, rows: p.rows}
	if p.values != nil {
		pins.Pin(p.values)
		c.values = p.values
	}
	if len(p.offsets) > 0 {
		pins.Pin(unsafe.SliceData(p.offsets))
		c.offsets = unsafe.SliceData(p.offsets)
	}
	if len(p.validity) > 0 {
		pins.Pin(unsafe.SliceData(p.validity))
		c.validity = unsafe.SliceData(p.validity)
	}
	return c
}

func (o *HistoryOptions) c() (c C.struct_feature_history_options, err error) {
	c.struct_size = C.uint32_t(unsafe.Sizeof(c))
	if o == nil {
		return c, nil
	}
	for _, bound := range []struct {
		what string
		time time.Time
		to   *C.int64_t
	}{{"Since", o.Since, &c.since}, {"Until", o.Until, &c.until}} {
		if bound.time.IsZero() {
			continue
		}
		if *bound.to = C.int64_t(bound.time.UnixMicro()); *bound.to == 0 {
			return c, invalid("argument", "%s: the first microsecond of 1970 stands for all; take the one beside it", bound.what)
		}
	}
	if c.last, err = uint32Of("Last", int64(o.Last)); err != nil {
		return c, err
	}
	if c.chunk_rows, err = uint32Of("ChunkRows", int64(o.ChunkRows)); err != nil {
		return c, err
	}
	c.max_age_ms, err = milliseconds("MaxAge", o.MaxAge)
	return c, err
}

// reportTime is a time for which the library has INT64_MIN where there is none.
func reportTime(microseconds C.int64_t) time.Time {
	if microseconds == math.MinInt64 {
		return time.Time{}
	}
	return time.UnixMicro(int64(microseconds)).UTC()
}
