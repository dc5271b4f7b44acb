// SPDX-License-Identifier: Apache-2.0

package feature

// #include <libfeature.h>
import "C"

import (
	"runtime"
	"sync"
	"unsafe"
)

// Store is an open store, for any number of goroutines at once.
type Store struct {
	handle  *C.feature_store
	cleanup runtime.Cleanup
	mutex   sync.Mutex // of what follows
	idle    sync.Cond
	users   int
	closed  bool
}

// Open opens the store in the directory path; nil options are the defaults. The
// same store may be opened any number of times, by any number of processes.
func Open(path string, options *Options) (*Store, error) {
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

func (s *Store) enter() error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.closed || s.handle == nil {
		return ErrClosed
	}
	s.users++
	return nil
}

func (s *Store) leave() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.users--; s.users == 0 {
		s.idle.Broadcast()
	}
}

// call runs f with the handle, which no Close can take away meanwhile. A lock
// held for reading would not do: a stream that is written may read this store,
// and would wait for a Close that waits for it.
func (s *Store) call(f func(*C.feature_store, *C.struct_feature_error) C.feature_status) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.leave()
	var e C.struct_feature_error
	return check(f(s.handle, &e), &e)
}

// Apply makes the store hold the definitions: it adds and changes, and never
// removes by omission. Atomic, durable, and without effect when repeated.
func (s *Store) Apply(definitions string, options *ApplyOptions) (Commit, error) {
	source, err := text("definitions", definitions)
	if err != nil {
		return Commit{}, err
	}
	o, commit := options.c(), newCommit()
	err = s.call(func(h *C.feature_store, e *C.struct_feature_error) C.feature_status {
		return C.feature_store_apply(h, source, &o, &commit, e)
	})
	return goCommit(&commit), err
}

// Write writes the batches in one atomic, durable commit, as if their rows were
// written one by one. Late and future rows are not errors: the commit counts
// them, and Batch.Outcomes tells them apart. An invalid row fails the call, and
// nothing is written, unless options say SkipInvalid. With Sources there may be no
// batch.
func (s *Store) Write(options *WriteOptions, batches ...*Batch) (Commit, error) {
	o, sources, err := options.c()
	if err != nil {
		return Commit{}, err
	}
	defer sources.free()
	handles := make([]*C.feature_batch, len(batches))
	for i, b := range batches {
		if err := b.hold(i); err != nil {
			return Commit{}, err
		}
		defer b.leave()
		handles[i] = b.handle
	}
	commit := newCommit()
	err = s.call(func(h *C.feature_store, e *C.struct_feature_error) C.feature_status {
		return C.feature_store_write(h, unsafe.SliceData(handles), C.size_t(len(handles)), &o, &commit, e)
	})
	return goCommit(&commit), err
}
