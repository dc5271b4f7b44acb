// SPDX-License-Identifier: Apache-2.0

package feature

// #include <libfeature.h>
import "C"

import (
	"os"
	"runtime"
	"sync"
	"time"
	"unsafe"
)

// Options says how to open a store. The zero value is the default everywhere.
type Options struct {
	Create      bool          // create the store where there is none
	ReadOnly    bool          // this handle never writes
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

// Store is an open store, for any number of goroutines at once.
type Store struct {
	handle  *C.feature_store
	cleanup runtime.Cleanup
	mutex   sync.Mutex // of the two below
	idle    sync.Cond
	users   int
	closed  bool
}

// Version returns the version of the C library: major x 10000 + minor x 100 +
// patch.
func Version() int { return int(C.feature_version()) }

// Open opens the store in the directory path; nil options are the defaults. The
// same store may be opened any number of times, by any number of processes.
func Open(path string, options *Options) (*Store, error) {
	if options == nil {
		options = &Options{}
	}
	name, err := text("path", path)
	if err != nil {
		return nil, err
	}
	o, err := options.c()
	if err != nil {
		return nil, err
	}
	s := &Store{}
	s.idle.L = &s.mutex
	var e C.struct_feature_error
	if err := check(C.feature_store_open(name, &o, &s.handle, &e), &e); err != nil {
		return nil, err
	}
	s.cleanup = runtime.AddCleanup(s, func(h *C.feature_store) { C.feature_store_close(h) }, s.handle)
	return s, nil
}

// Close waits for the calls under way and closes the store. Batches, queries and
// requests of it then answer ErrClosed; close them in any order. It always
// returns nil, has no effect when repeated, and must not be called by a producer
// of a stream that is just being written into this store.
func (s *Store) Close() error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	wasClosed := s.closed
	s.closed = true
	for s.users > 0 {
		s.idle.Wait()
	}
	if !wasClosed {
		s.cleanup.Stop()
		C.feature_store_close(s.handle)
	}
	return nil
}

// call runs f with the handle, which no Close can take away meanwhile. A lock
// held for reading would not do: a stream that is written may read this store,
// and would wait for a Close that waits for it.
func (s *Store) call(f func(*C.feature_store, *C.struct_feature_error) C.feature_status) error {
	s.mutex.Lock()
	if s.closed {
		s.mutex.Unlock()
		return ErrClosed
	}
	s.users++
	s.mutex.Unlock()
	defer func() {
		s.mutex.Lock()
		defer s.mutex.Unlock()
		if s.users--; s.users == 0 {
			s.idle.Broadcast()
		}
	}()
	var e C.struct_feature_error
	return check(f(s.handle, &e), &e)
}

// Apply makes the store hold the definitions: it adds and changes, and never
// removes by omission. Atomic, durable, and without effect when repeated.
func (s *Store) Apply(definitions string, options *ApplyOptions) (Commit, error) {
	if options == nil {
		options = &ApplyOptions{}
	}
	o := C.struct_feature_apply_options{expect: C.uint64_t(options.Expect)}
	o.struct_size = C.uint32_t(unsafe.Sizeof(o))
	commit := newCommit()
	source, err := text("definitions", definitions)
	if err == nil {
		err = s.call(func(h *C.feature_store, e *C.struct_feature_error) C.feature_status {
			return C.feature_store_apply(h, source, &o, &commit, e)
		})
	}
	if err != nil {
		return Commit{}, err
	}
	return goCommit(&commit), nil
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

// text runs a call that answers a text of the library's, and copies it.
func (s *Store) text(f func(*C.feature_store, **C.char, *C.struct_feature_error) C.feature_status) (string, error) {
	var out *C.char
	err := s.call(func(h *C.feature_store, e *C.struct_feature_error) C.feature_status { return f(h, &out, e) })
	if err != nil {
		return "", err
	}
	defer C.feature_free(unsafe.Pointer(out))
	return C.GoString(out), nil
}

// Write writes the batches in one atomic, durable commit, as if their rows were
// written one by one. Late and future rows are not errors: the commit counts
// them, and Batch.Outcomes tells them apart. An invalid row fails the call, and
// nothing is written, unless options say SkipInvalid.
func (s *Store) Write(options *WriteOptions, batches ...*Batch) (Commit, error) {
	if options == nil {
		options = &WriteOptions{}
	}
	wait, err := milliseconds("Wait", options.Wait)
	if err != nil {
		return Commit{}, err
	}
	o := C.struct_feature_write_options{wait_ms: wait}
	o.struct_size = C.uint32_t(unsafe.Sizeof(o))
	if options.SkipInvalid {
		o.flags = C.FEATURE_WRITE_SKIP_INVALID
	}
	handles := make([]*C.feature_batch, len(batches))
	for i, b := range batches {
		if b == nil {
			return Commit{}, &Error{Status: StatusInvalid, Reason: "argument", Message: "the batch is nil", Batch: i, Row: -1}
		}
		if err := b.enter(); err != nil {
			err := *err.(*Error)
			err.Batch = i
			if err.Reason == "concurrent" {
				err.Message = "the batch is in use by another goroutine, or given twice"
			}
			return Commit{}, &err
		}
		defer b.leave()
		handles[i] = b.handle
	}
	commit := newCommit()
	err = s.call(func(h *C.feature_store, e *C.struct_feature_error) C.feature_status {
		return C.feature_store_write(h, unsafe.SliceData(handles), C.size_t(len(handles)), &o, &commit, e)
	})
	if err != nil {
		return Commit{}, err
	}
	return goCommit(&commit), nil
}

// Sync makes every earlier commit durable; needed only with SyncLastTxn.
func (s *Store) Sync() error {
	return s.call(func(h *C.feature_store, e *C.struct_feature_error) C.feature_status {
		return C.feature_store_sync(h, e)
	})
}
