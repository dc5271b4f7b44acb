// SPDX-License-Identifier: Apache-2.0

package feature

// #include <libfeature.h>
import "C"

import (
	"time"
	"unsafe"
)

// What the library and a store say about themselves.

// Version returns the version of the C library: major x 10000 + minor x 100 +
// patch.
func Version() int { return int(C.feature_version()) }

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
	Immutable      bool      // open as a store that nobody writes
	FreePages      uint64    // pages of data.mdb that hold nothing
	PageSize       int       // bytes of a page
	ActiveReaders  int       // that hold a snapshot, in all processes

	OldestReaderLag uint64        // transactions since the oldest of their snapshots; 0: none is behind
	OldestReaderPID int           // the process that holds it; 0: none
	HeldSnapshots   int           // by scans of this handle
	MaxSize         uint64        // of STORE WITH; 0: no limit
	WriteWaits      uint64        // writers of this process that had to wait for another one
	WriteWait       time.Duration // that they waited, all together
	WriteTimeouts   uint64        // those of them that gave up
	ReadOverflows   uint64        // values of windows that were read as null: a SUM over INT64
}

// textCall is a call that answers a text of the library's.
type textCall func(*C.feature_store, **C.char, *C.struct_feature_error) C.feature_status

// text makes the call, and copies its answer.
func (s *Store) text(f textCall) (string, error) {
	var out *C.char
	err := s.call(func(h *C.feature_store, e *C.struct_feature_error) C.feature_status { return f(h, &out, e) })
	defer C.feature_free(unsafe.Pointer(out))
	return C.GoString(out), err
}

// Plan lists what Apply would do, one line a change, and does nothing. A line
// that begins with "kept" names something that the text leaves out.
func (s *Store) Plan(definitions string) (string, error) {
	source, err := text("definitions", definitions)
	if err != nil {
		return "", err
	}
	return s.text(func(h *C.feature_store, out **C.char, e *C.struct_feature_error) C.feature_status {
		return C.feature_store_plan(h, source, out, e)
	})
}

// Describe prints definitions in canonical form: of one entity, view or service,
// or of all for the empty name.
func (s *Store) Describe(name string) (string, error) {
	source, err := text("name", name)
	if err != nil {
		return "", err
	}
	if name == "" {
		source = nil
	}
	return s.text(func(h *C.feature_store, out **C.char, e *C.struct_feature_error) C.feature_status {
		return C.feature_store_describe(h, source, out, e)
	})
}

// Metrics reports the state of the store, and of each view, as OpenMetrics text.
func (s *Store) Metrics() (string, error) {
	return s.text(func(h *C.feature_store, out **C.char, e *C.struct_feature_error) C.feature_status {
		return C.feature_store_metrics(h, out, e)
	})
}

// Content tells what each view holds, in lines whose first one names the store:
// stores whose other lines are equal hold the same. Telling takes no longer with
// more rows.
func (s *Store) Content() (string, error) {
	return s.text(func(h *C.feature_store, out **C.char, e *C.struct_feature_error) C.feature_status {
		return C.feature_store_content(h, out, e)
	})
}

// A Check is what became of quality rules.
type Check struct {
	Rules  uint64 // that were judged
	Failed uint64 // those that do not hold
	Text   string // a JSON object a rule and line: view, rule, figure, holds
}

// Check judges the quality rules of what a feature view holds now, or of all views
// for the empty name. A rule that does not hold is no error.
func (s *Store) Check(view string) (Check, error) {
	var name *C.char
	if view != "" {
		source, err := text("view", view)
		if err != nil {
			return Check{}, err
		}
		name = source
	}
	var r C.struct_feature_check_report
	r.struct_size = C.uint32_t(unsafe.Sizeof(r))
	lines, err := s.text(func(h *C.feature_store, out **C.char, e *C.struct_feature_error) C.feature_status {
		return C.feature_store_check(h, name, &r, out, e)
	})
	return Check{Rules: uint64(r.rules), Failed: uint64(r.failed), Text: lines}, err
}

// Stats reports the state of the store in numbers.
func (s *Store) Stats() (Stats, error) {
	stats := newStats()
	err := s.call(func(h *C.feature_store, e *C.struct_feature_error) C.feature_status {
		return C.feature_store_stats(h, &stats, e)
	})
	return goStats(&stats), err
}

func newStats() C.struct_feature_stats {
	var c C.struct_feature_stats
	c.struct_size = C.uint32_t(unsafe.Sizeof(c))
	return c
}

func goStats(c *C.struct_feature_stats) Stats {
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
		Immutable:      StatsFlag(c.flags)&StatsImmutable != 0,
		FreePages:      uint64(c.free_pages),
		PageSize:       int(c.page_size),
		ActiveReaders:  int(c.active_readers),

		OldestReaderLag: uint64(c.oldest_reader_lag),
		OldestReaderPID: int(c.oldest_reader_pid),
		HeldSnapshots:   int(c.held_snapshots),
		MaxSize:         uint64(c.max_size),
		WriteWaits:      uint64(c.write_waits),
		WriteWait:       time.Duration(c.write_wait_us) * time.Microsecond,
		WriteTimeouts:   uint64(c.write_timeouts),
		ReadOverflows:   uint64(c.read_overflows),
	}
}
