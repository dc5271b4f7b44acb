// SPDX-License-Identifier: Apache-2.0

package feature

// #include <libfeature.h>
import "C"

import (
	"time"
	"unsafe"
)

// c is the options as the library takes them.
func (o *Options) c() (C.struct_feature_options, error) {
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
		OpenAllowRemote: o.AllowRemote,
		OpenWarm:        o.Warm,
	} {
		if isSet {
			c.flags |= C.uint32_t(flag)
		}
	}
	return c, nil
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

// Stats is the state of a store in numbers.
type Stats struct {
	Durable        bool      // the file system survives a reboot
	MapFallback    bool      // the map is smaller than was asked for
	Sequence       uint64    // newest commit
	CommitTime     time.Time // of that commit
	CatalogVersion uint64    // counts the applies that changed something
	Rows           uint64    // in all views, tombstones not counted
	Tombstones     uint64    // deleted rows that are still remembered
	Applied        uint64    // rows ever applied to the present views
	Late           uint64    // rows ever late for them
	FileSize       uint64    // bytes of data.mdb
	MapSize        uint64    // bytes of address space
	UsedSize       uint64    // bytes of data.mdb that hold pages in use
	Transaction    uint64    // LMDB's id of the snapshot reported on
	Entities       int       // defined
	Views          int       // defined
	Services       int       // defined
	Readers        int       // reader slots taken, by all processes
	MaxReaders     int       // reader slots there are
	LMDBVersion    int       // of the running LMDB: 924 is 0.9.24
	Reads          uint64    // read calls of this handle that succeeded
	ReadRows       uint64    // rows they answered
	FallbackReads  uint64    // look-ups that the fast path could not serve alone
}

// Stats reports the state of the store in numbers.
func (s *Store) Stats() (Stats, error) {
	var c C.struct_feature_stats
	c.struct_size = C.uint32_t(unsafe.Sizeof(c))
	err := s.call(func(h *C.feature_store, e *C.struct_feature_error) C.feature_status {
		return C.feature_store_stats(h, &c, e)
	})
	if err != nil {
		return Stats{}, err
	}
	return Stats{
		Durable:        StatsFlag(c.flags)&StatsDurable != 0,
		MapFallback:    StatsFlag(c.flags)&StatsMapFallback != 0,
		Sequence:       uint64(c.sequence),
		CommitTime:     goTime(int64(c.commit_time)),
		CatalogVersion: uint64(c.catalog_version),
		Rows:           uint64(c.rows),
		Tombstones:     uint64(c.tombstones),
		Applied:        uint64(c.applied),
		Late:           uint64(c.late),
		FileSize:       uint64(c.file_size),
		MapSize:        uint64(c.map_size),
		UsedSize:       uint64(c.used_size),
		Transaction:    uint64(c.transaction),
		Entities:       int(c.entities),
		Views:          int(c.views),
		Services:       int(c.services),
		Readers:        int(c.readers),
		MaxReaders:     int(c.max_readers),
		LMDBVersion:    int(c.lmdb_version),
		Reads:          uint64(c.reads),
		ReadRows:       uint64(c.read_rows),
		FallbackReads:  uint64(c.fallback_reads),
	}, nil
}
