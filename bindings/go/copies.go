// SPDX-License-Identifier: Apache-2.0

package feature

// #include <libfeature.h>
import "C"

import (
	"context"
	"os"
	"strings"
	"sync/atomic"
	"time"
	"unsafe"
)

// Checks and copies of a whole store, and what makes it durable.

// VerifyOptions says how to verify a store.
type VerifyOptions struct {
	JSON     bool   // findings as lines of JSON
	MaxLines uint64 // findings told one by one; 0: 100
}

// Verification is what Verify saw and found.
type Verification struct {
	Lines           []string // one a finding, and how many more there are
	Held            bool     // a reader kept the snapshot meanwhile
	Findings        uint64   // all of them; 0: the store is good
	FileFindings    uint64   // of the file's size and its meta pages
	PageFindings    uint64   // of pages, nodes and who uses them
	OrderFindings   uint64   // of the order of keys
	CountFindings   uint64   // of what trees' records say
	RowFindings     uint64   // of rows and their keys
	ViewFindings    uint64   // of what views' records say
	CatalogFindings uint64   // of definitions
	StoreFindings   uint64   // of the store's record, and of trees that do not belong there
	Transaction     uint64   // LMDB's id of the snapshot
	Sequence        uint64   // its newest commit
	FileSize        uint64   // bytes of data.mdb
	PageSize        uint64   // bytes
	UsedPages       uint64   // that hold data of the snapshot
	FreePages       uint64   // in the free list
	LostPages       uint64   // in neither: no damage, but lost space
	Trees           uint64   // named databases
	Rows            uint64   // in all views, tombstones not counted
	Tombstones      uint64   // deleted rows that are still remembered
}

// Good says that nothing was found.
func (v *Verification) Good() bool { return v.Findings == 0 }

// Progress tells how far a snapshot, a restore or a compaction is. Any goroutine
// may ask while the call runs. A Progress is for one call at a time, which begins
// at zero.
type Progress struct{ c C.struct_feature_progress }

// Rows are done so far, tombstones too.
func (p *Progress) Rows() uint64 { return atomic.LoadUint64((*uint64)(&p.c.rows)) }

// TotalRows is how many there are in all; 0: not known yet.
func (p *Progress) TotalRows() uint64 { return atomic.LoadUint64((*uint64)(&p.c.total_rows)) }

// Bytes of keys and rows are done so far.
func (p *Progress) Bytes() uint64 { return atomic.LoadUint64((*uint64)(&p.c.bytes)) }

func (p *Progress) begin() {
	atomic.StoreUint64((*uint64)(&p.c.rows), 0)
	atomic.StoreUint64((*uint64)(&p.c.total_rows), 0)
	atomic.StoreUint64((*uint64)(&p.c.bytes), 0)
	atomic.StoreUint32((*uint32)(&p.c.cancel), 0)
}

// SnapshotOptions says how to take a snapshot.
type SnapshotOptions struct {
	Level    int         // of zstd, 1 to 19; 0: 1
	Workers  int         // threads that compress, up to 16; 1: the calling one; 0: 2
	Mode     os.FileMode // of the file; 0: 0600
	Progress *Progress   // written during the call, or nil
}

// RestoreOptions says how to restore a snapshot.
type RestoreOptions struct {
	AllowRemote bool        // accept a network file system
	Mode        os.FileMode // of the store's files; 0: 0600
	MapSize     uint64      // bytes of address space; 0: as for Open
	Progress    *Progress   // written during the call, or nil
}

// CompactOptions says how to compact a store.
type CompactOptions struct {
	AllowRemote bool          // accept a network file system
	MapSize     uint64        // bytes of address space; 0: as for Open
	WriteWait   time.Duration // longest wait for who closes it; 0: 10 s
	Progress    *Progress     // written during the call, or nil
}

// SnapshotReport is what a snapshot holds, or what was made of one.
type SnapshotReport struct {
	Views          int       // defined in it
	Sequence       uint64    // of the commit that it is of; 0: none
	Time           time.Time // of that commit
	CatalogVersion uint64    // of its definitions
	Rows           uint64    // of all views, tombstones too
	Bytes          uint64    // of keys and rows, not compressed
	Size           uint64    // of the file that was made, in bytes
	SourceSize     uint64    // of the file that was read
	Lag            uint64    // commits made while a snapshot was taken
}

// Verify checks the store in the directory path for damage: every page, row and
// record of one snapshot, by plain file reads, while writers go on. Damage is no
// error: ask Good.
func Verify(path string, options *VerifyOptions) (Verification, error) {
	name, err := text("path", path)
	if err != nil {
		return Verification{}, err
	}
	var o C.struct_feature_verify_options
	o.struct_size = C.uint32_t(unsafe.Sizeof(o))
	if options != nil {
		o.max_lines = C.uint64_t(options.MaxLines)
		if options.JSON {
			o.flags = C.uint32_t(VerifyJson)
		}
	}
	var report C.struct_feature_verify_report
	report.struct_size = C.uint32_t(unsafe.Sizeof(report))
	var findings *C.char
	var e C.struct_feature_error
	if err := check(C.feature_store_verify(name, &o, &report, &findings, &e), &e); err != nil {
		return Verification{}, err
	}
	defer C.feature_free(unsafe.Pointer(findings))
	found := goVerification(&report)
	if lines := strings.TrimSuffix(C.GoString(findings), "\n"); lines != "" {
		found.Lines = strings.Split(lines, "\n")
	}
	return found, nil
}

// Sync makes every earlier commit durable; needed only with SyncLastTxn.
func (s *Store) Sync() error {
	return s.call(func(h *C.feature_store, e *C.struct_feature_error) C.feature_status {
		return C.feature_store_sync(h, e)
	})
}

// Snapshot writes all that the store holds at one commit to a portable file,
// while others read and write. The file gets its name when it is complete, and
// replaces one of that name then. Where the context ends the call, the error is
// ErrBusy and the context's.
func (s *Store) Snapshot(ctx context.Context, file string, options *SnapshotOptions) (SnapshotReport, error) {
	name, err := text("file", file)
	if err != nil {
		return SnapshotReport{}, err
	}
	if options == nil {
		options = &SnapshotOptions{}
	}
	workers, err := uint32Of("Workers", int64(options.Workers))
	if err != nil {
		return SnapshotReport{}, err
	}
	level, err := uint32Of("Level", int64(options.Level))
	if err != nil {
		return SnapshotReport{}, err
	}
	o := C.struct_feature_snapshot_options{
		level: C.int32_t(min(level, 1<<30)), workers: workers, mode: C.uint32_t(options.Mode)}
	o.struct_size = C.uint32_t(unsafe.Sizeof(o))
	return copied(ctx, options.Progress, func(p *C.struct_feature_progress, r *C.struct_feature_snapshot_report) error {
		return s.call(func(h *C.feature_store, e *C.struct_feature_error) C.feature_status {
			return C.feature_store_snapshot(h, name, &o, p, r, e)
		})
	})
}

// Restore makes a store of a snapshot, in the directory path, where nothing may
// be. Every byte is checked, and the new store is verified before it gets its
// name.
func Restore(ctx context.Context, file, path string, options *RestoreOptions) (SnapshotReport, error) {
	to, err := text("path", path)
	if err != nil {
		return SnapshotReport{}, err
	}
	if options == nil {
		options = &RestoreOptions{}
	}
	o := C.struct_feature_restore_options{mode: C.uint32_t(options.Mode), map_size: C.uint64_t(options.MapSize)}
	if options.AllowRemote {
		o.flags = C.uint32_t(RestoreAllowRemote)
	}
	return restore(ctx, file, to, o, options.Progress)
}

// CheckSnapshot checks every byte of a snapshot, as Restore does, and writes
// nothing.
func CheckSnapshot(ctx context.Context, file string, progress *Progress) (SnapshotReport, error) {
	return restore(ctx, file, nil, C.struct_feature_restore_options{flags: C.uint32_t(RestoreVerifyOnly)}, progress)
}

func restore(ctx context.Context, file string, to *C.char, o C.struct_feature_restore_options,
	progress *Progress) (SnapshotReport, error) {
	name, err := text("file", file)
	if err != nil {
		return SnapshotReport{}, err
	}
	o.struct_size = C.uint32_t(unsafe.Sizeof(o))
	return copied(ctx, progress, func(p *C.struct_feature_progress, r *C.struct_feature_snapshot_report) error {
		var e C.struct_feature_error
		return check(C.feature_store_restore(name, to, &o, p, r, &e), &e)
	})
}

// Compact rewrites a store's file without its free pages. Nobody may have the
// store open, this process included.
func Compact(ctx context.Context, path string, options *CompactOptions) (SnapshotReport, error) {
	name, err := text("path", path)
	if err != nil {
		return SnapshotReport{}, err
	}
	if options == nil {
		options = &CompactOptions{}
	}
	o, err := (&Options{AllowRemote: options.AllowRemote, MapSize: options.MapSize, WriteWait: options.WriteWait}).c()
	if err != nil {
		return SnapshotReport{}, err
	}
	return copied(ctx, options.Progress, func(p *C.struct_feature_progress, r *C.struct_feature_snapshot_report) error {
		var e C.struct_feature_error
		return check(C.feature_store_compact(name, &o, p, r, &e), &e)
	})
}

// copied makes one long call, which the context can end.
func copied(ctx context.Context, progress *Progress,
	call func(*C.struct_feature_progress, *C.struct_feature_snapshot_report) error) (SnapshotReport, error) {
	if progress == nil {
		progress = &Progress{}
	}
	progress.begin()
	stop := context.AfterFunc(ctx, func() { atomic.StoreUint32((*uint32)(&progress.c.cancel), 1) })
	defer stop()
	if ctx.Err() != nil { // the function above runs some time
		atomic.StoreUint32((*uint32)(&progress.c.cancel), 1)
	}
	var report C.struct_feature_snapshot_report
	report.struct_size = C.uint32_t(unsafe.Sizeof(report))
	if err := call(&progress.c, &report); err != nil {
		if detail, ok := err.(*Error); ok && detail.Reason == "cancelled" {
			err = &cancelled{detail, ctx.Err()}
		}
		return SnapshotReport{}, err
	}
	return goSnapshotReport(&report), nil
}

// cancelled is the library's error, and the context's behind it.
type cancelled struct {
	answer *Error
	cause  error
}

func (c *cancelled) Error() string   { return c.answer.Error() }
func (c *cancelled) Unwrap() []error { return []error{c.answer, c.cause} }

func goSnapshotReport(c *C.struct_feature_snapshot_report) SnapshotReport {
	return SnapshotReport{
		Views:          int(c.views),
		Sequence:       uint64(c.sequence),
		Time:           goTime(int64(c.time)),
		CatalogVersion: uint64(c.catalog_version),
		Rows:           uint64(c.rows),
		Bytes:          uint64(c.bytes),
		Size:           uint64(c.size),
		SourceSize:     uint64(c.source_size),
		Lag:            uint64(c.lag),
	}
}

func goVerification(c *C.struct_feature_verify_report) Verification {
	return Verification{
		Held:            VerifiedFlag(c.flags)&VerifiedHeld != 0,
		Findings:        uint64(c.findings),
		FileFindings:    uint64(c.file_findings),
		PageFindings:    uint64(c.page_findings),
		OrderFindings:   uint64(c.order_findings),
		CountFindings:   uint64(c.count_findings),
		RowFindings:     uint64(c.row_findings),
		ViewFindings:    uint64(c.view_findings),
		CatalogFindings: uint64(c.catalog_findings),
		StoreFindings:   uint64(c.store_findings),
		Transaction:     uint64(c.transaction),
		Sequence:        uint64(c.sequence),
		FileSize:        uint64(c.file_size),
		PageSize:        uint64(c.page_size),
		UsedPages:       uint64(c.used_pages),
		FreePages:       uint64(c.free_pages),
		LostPages:       uint64(c.lost_pages),
		Trees:           uint64(c.trees),
		Rows:            uint64(c.rows),
		Tombstones:      uint64(c.tombstones),
	}
}
