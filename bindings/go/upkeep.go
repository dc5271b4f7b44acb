// SPDX-License-Identifier: Apache-2.0

package feature

// #include <libfeature.h>
import "C"

import (
	"time"
	"unsafe"
)

// MaintainOptions says how much upkeep to do.
type MaintainOptions struct {
	All     bool          // look through all views, also those that were looked through a short time ago
	Budget  time.Duration // of the store's clock, after which no further step begins; 0: until nothing is left
	MaxRows uint64        // rows, and keys with history, to look at; 0: no limit
	Wait    time.Duration // longest wait for other writers; 0: the store's
}

// MaintainReport is what upkeep did, and what is left.
type MaintainReport struct {
	RowsExpired       uint64 // rows whose cells were all past their ttl
	TombstonesRemoved uint64 // deletes that were old enough
	VersionsDropped   uint64 // of history, before its horizon
	SegmentsDropped   uint64 // of the change feed
	RowsSeen          uint64 // rows, and keys with history, looked at
	Commits           uint64 // sequence numbers this took
	PassesLeft        uint64 // passes over the rows or the history of a view that are due or not at their end
	Sequence          uint64 // of the newest commit there is
}

// Maintain does upkeep that is due: it removes rows past their ttl, old deletes,
// versions that history need not keep, and segments of the change feed. Writes do
// a small part of this; a store that is seldom written to needs this call. It goes
// in short steps, beside readers and writers; a step that was made stays made.
func (s *Store) Maintain(options *MaintainOptions) (MaintainReport, error) {
	if options == nil {
		options = &MaintainOptions{}
	}
	if options.Budget < 0 {
		return MaintainReport{}, invalid("argument", "Budget: %v is out of range", options.Budget)
	}
	wait, err := milliseconds("Wait", options.Wait)
	if err != nil {
		return MaintainReport{}, err
	}
	o := C.struct_feature_maintain_options{max_rows: C.uint64_t(options.MaxRows), wait_ms: wait,
		budget_us: C.uint64_t((options.Budget + time.Microsecond - 1) / time.Microsecond)}
	o.struct_size = C.uint32_t(unsafe.Sizeof(o))
	if options.All {
		o.flags = C.uint32_t(MaintainAll)
	}
	var r C.struct_feature_maintain_report
	r.struct_size = C.uint32_t(unsafe.Sizeof(r))
	err = s.call(func(h *C.feature_store, e *C.struct_feature_error) C.feature_status {
		return C.feature_store_maintain(h, &o, &r, e)
	})
	if err != nil {
		return MaintainReport{}, err
	}
	return MaintainReport{
		RowsExpired:       uint64(r.rows_expired),
		TombstonesRemoved: uint64(r.tombstones_removed),
		VersionsDropped:   uint64(r.versions_dropped),
		SegmentsDropped:   uint64(r.segments_dropped),
		RowsSeen:          uint64(r.rows_seen),
		Commits:           uint64(r.commits),
		PassesLeft:        uint64(r.passes_left),
		Sequence:          uint64(r.sequence),
	}, nil
}
