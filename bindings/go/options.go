// SPDX-License-Identifier: Apache-2.0

package feature

// #include <libfeature.h>
import "C"

import (
	"os"
	"time"
	"unsafe"
)

// What goes in and comes out as a struct, and its form in C.

// Options says how to open a store. The zero value is the default everywhere.
type Options struct {
	Create      bool          // create the store where there is none
	ReadOnly    bool          // this handle never writes
	Immutable   bool          // read without locks what nobody writes, as in an image or on a read-only mount
	AllowRemote bool          // accept a network file system
	Warm        bool          // ask for the file in the page cache
	Sync        Sync          // how durable a commit is
	Mode        os.FileMode   // of new files; 0: 0600, and 0700 for the directory
	MapSize     uint64        // bytes of address space; 0: 1 TiB, or less where that is refused
	MaxReaders  int           // reader slots, set by the first opener; 0: 1024
	WriteWait   time.Duration // longest wait for another writer; 0: 10 s
	MaxRowSize  uint64        // bytes of an encoded row; 0: 1 MiB; up to 64 MiB
	FixedNow    time.Time     // a test's clock; the zero time: the system's
}

// ApplyOptions says how to apply definitions.
type ApplyOptions struct {
	Expect uint64 // catalog version the store must be at; 0: any
}

// WriteOptions says how to write.
type WriteOptions struct {
	SkipInvalid bool          // reject invalid rows one by one
	Wait        time.Duration // longest wait for another writer; 0: the store's
	Sources     []Source      // where the rows come from: each record of a source counts once
}

// Commit says what a call did. A call that changed nothing reports the newest
// commit there is, with all counts of its own.
type Commit struct {
	Sequence  uint64    // dense number of the commit; 0: none yet
	Time      time.Time // strictly increasing; zero before the first commit
	Applied   uint64    // rows that wrote at least one cell
	Late      uint64    // rows older than everything they meant to write
	Duplicate uint64    // rows seen before
	Future    uint64    // rows ahead of the clock by more than max_skew
	Rejected  uint64    // invalid rows, with SkipInvalid
}

// QueryOptions says how to prepare a read.
type QueryOptions struct {
	Fill   Fill // what is served for a cell without a current value
	Matrix bool // for Request.ReadMatrix

	// KnownBy leaves out what was committed later, of views with history; the zero
	// time leaves out nothing.
	KnownBy time.Time
}

// c is the options as the library takes them; nil are the defaults.
func (o *Options) c() (C.struct_feature_options, error) {
	if o == nil {
		o = &Options{}
	}
	wait, err := milliseconds("WriteWait", o.WriteWait)
	if err != nil {
		return C.struct_feature_options{}, err
	}
	readers, err := uint32Of("MaxReaders", int64(o.MaxReaders))
	if err != nil {
		return C.struct_feature_options{}, err
	}
	c := C.struct_feature_options{
		sync:          C.int32_t(o.Sync),
		mode:          C.uint32_t(o.Mode),
		map_size:      C.uint64_t(o.MapSize),
		max_readers:   readers,
		write_wait_ms: wait,
		max_row_size:  C.uint64_t(o.MaxRowSize),
	}
	c.struct_size = C.uint32_t(unsafe.Sizeof(c))
	if !o.FixedNow.IsZero() {
		c.fixed_now = C.int64_t(o.FixedNow.UnixMicro())
	}
	for flag, isSet := range map[OpenFlag]bool{
		OpenCreate:      o.Create,
		OpenReadOnly:    o.ReadOnly,
		OpenImmutable:   o.Immutable,
		OpenAllowRemote: o.AllowRemote,
		OpenWarm:        o.Warm,
	} {
		if isSet {
			c.flags |= C.uint32_t(flag)
		}
	}
	return c, nil
}

func (o *ApplyOptions) c() C.struct_feature_apply_options {
	var c C.struct_feature_apply_options
	c.struct_size = C.uint32_t(unsafe.Sizeof(c))
	if o != nil {
		c.expect = C.uint64_t(o.Expect)
	}
	return c
}

// c also gives the sources, to be freed after the call.
func (o *WriteOptions) c() (c C.struct_feature_write_options, sources cSources, err error) {
	c.struct_size = C.uint32_t(unsafe.Sizeof(c))
	if o == nil {
		return c, nil, nil
	}
	if o.SkipInvalid {
		c.flags = C.uint32_t(WriteSkipInvalid)
	}
	if c.wait_ms, err = milliseconds("Wait", o.Wait); err != nil {
		return c, nil, err
	}
	sources, err = newSources(o.Sources)
	c.sources, c.source_count = unsafe.SliceData(sources), C.uint32_t(len(sources))
	return c, sources, err
}

func (o *QueryOptions) c() C.struct_feature_query_options {
	var c C.struct_feature_query_options
	c.struct_size = C.uint32_t(unsafe.Sizeof(c))
	if o == nil {
		return c
	}
	c.fill = C.int32_t(o.Fill)
	if o.Matrix {
		c.flags = C.uint32_t(QueryMatrix)
	}
	if !o.KnownBy.IsZero() {
		c.known_by = C.int64_t(o.KnownBy.UnixMicro())
	}
	return c
}

func newCommit() C.struct_feature_commit {
	var c C.struct_feature_commit
	c.struct_size = C.uint32_t(unsafe.Sizeof(c))
	return c
}

func goCommit(c *C.struct_feature_commit) Commit {
	return Commit{
		Sequence:  uint64(c.sequence),
		Time:      goTime(int64(c.time)),
		Applied:   uint64(c.applied),
		Late:      uint64(c.late),
		Duplicate: uint64(c.duplicate),
		Future:    uint64(c.future),
		Rejected:  uint64(c.rejected),
	}
}

// microseconds in a report: zero stands for none.
func goTime(microseconds int64) time.Time {
	if microseconds == 0 {
		return time.Time{}
	}
	return time.UnixMicro(microseconds).UTC()
}

// milliseconds rounds up, so that a short wait is not the default one.
func milliseconds(what string, d time.Duration) (C.uint32_t, error) {
	return uint32Of(what+" in milliseconds", int64((d+time.Millisecond-1)/time.Millisecond))
}
