// SPDX-License-Identifier: Apache-2.0

package feature

// #include <libfeature.h>
// #include <stdlib.h>
import "C"

import (
	"context"
	"iter"
	"runtime"
	"time"
	"unsafe"
)

// The change feed, and stores that follow one another.

// ChangesOptions says how to read the change feed.
type ChangesOptions struct {
	Since    uint64        // the records after this sequence; 0: from the store's first commit on
	Consumer string        // registers a claim on what is not acknowledged
	Resume   bool          // begin where the consumer acknowledged
	Claim    time.Duration // until the claim expires, from each acknowledgement; 0: 7 days
}

// ChangeRecord is one record of a change feed: all of one commit.
type ChangeRecord struct {
	Bytes    []byte // for Store.Follow, here or elsewhere; the caller's own
	Sequence uint64
	Time     time.Time
}

// Changes is a reader of the change feed of a store. For one goroutine at a time.
type Changes struct {
	guard
	handle  *C.feature_changes
	store   *Store // keeps the store from being closed as forgotten
	cleanup runtime.Cleanup
}

// slice is the longest wait inside the library: a context and a Close are looked
// at after it.
const slice = 50 * time.Millisecond

// Changes opens the change feed, which STORE WITH (changes = '3 days') turns on.
func (s *Store) Changes(options *ChangesOptions) (*Changes, error) {
	if options == nil {
		options = &ChangesOptions{}
	}
	if options.Claim < 0 {
		return nil, invalid("argument", "Claim: %v is out of range", options.Claim)
	}
	consumer, err := cText("Consumer", options.Consumer)
	if err != nil {
		return nil, err
	}
	defer C.free(unsafe.Pointer(consumer))
	o := C.struct_feature_changes_options{since: C.uint64_t(options.Since), consumer: consumer,
		claim_ms: C.uint64_t((options.Claim + time.Millisecond - 1) / time.Millisecond)}
	o.struct_size = C.uint32_t(unsafe.Sizeof(o))
	if options.Resume {
		o.flags = C.uint32_t(ChangesResume)
	}
	c := &Changes{store: s}
	err = s.call(func(h *C.feature_store, e *C.struct_feature_error) C.feature_status {
		return C.feature_changes_open(h, &o, &c.handle, e)
	})
	if err != nil {
		return nil, err
	}
	c.cleanup = runtime.AddCleanup(c, func(h *C.feature_changes) { C.feature_changes_free(h) }, c.handle)
	c.open("change feed")
	return c, nil
}

// call makes one call of a feed that was entered.
func (c *Changes) call(f func(*C.struct_feature_error) C.feature_status) error {
	var e C.struct_feature_error
	return check(f(&e), &e)
}

// next is the next record, nil at the end of the feed.
func (c *Changes) next() (*ChangeRecord, error) {
	var r C.struct_feature_change_record
	err := c.call(func(e *C.struct_feature_error) C.feature_status {
		return C.feature_changes_next(c.handle, &r, e)
	})
	if err != nil || r.bytes == nil {
		return nil, err
	}
	return &ChangeRecord{
		Bytes:    append([]byte(nil), unsafe.Slice((*byte)(r.bytes), r.size)...),
		Sequence: uint64(r.sequence),
		Time:     goTime(int64(r.time)),
	}, nil
}

// Next reads the next record; nil where there is none now, which is no error:
// later there may be more.
func (c *Changes) Next() (*ChangeRecord, error) {
	if err := c.enter(); err != nil {
		return nil, err
	}
	defer c.leave()
	return c.next()
}

// Wait reads the next record, and waits for it. The context's error ends the wait
// as it is; a Close, of the feed or of its store, with ErrClosed.
func (c *Changes) Wait(ctx context.Context) (*ChangeRecord, error) {
	if err := c.enter(); err != nil {
		return nil, err
	}
	defer c.leave()
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if !c.isOpen.Load() {
			return nil, ErrClosed
		}
		if record, err := c.next(); record != nil || err != nil {
			return record, err
		}
		err := c.call(func(e *C.struct_feature_error) C.feature_status {
			return C.feature_changes_wait(c.handle, C.uint32_t(slice/time.Millisecond), e)
		})
		if err != nil {
			return nil, err
		}
	}
}

// All ranges over the records that there are now. An error is the last of the
// pairs.
func (c *Changes) All() iter.Seq2[*ChangeRecord, error] {
	return c.each(c.Next)
}

// Follow ranges over the records as they come, until the context is done. An error
// is the last of the pairs, the context's too.
func (c *Changes) Follow(ctx context.Context) iter.Seq2[*ChangeRecord, error] {
	return c.each(func() (*ChangeRecord, error) { return c.Wait(ctx) })
}

func (c *Changes) each(next func() (*ChangeRecord, error)) iter.Seq2[*ChangeRecord, error] {
	return func(yield func(*ChangeRecord, error) bool) {
		for {
			record, err := next()
			if record == nil && err == nil || !yield(record, err) || err != nil {
				return
			}
		}
	}
}

// Acknowledge tells the store that the consumer needs no record up to this
// sequence any more, and renews its claim.
func (c *Changes) Acknowledge(sequence uint64) error {
	if err := c.enter(); err != nil {
		return err
	}
	defer c.leave()
	return c.call(func(e *C.struct_feature_error) C.feature_status {
		return C.feature_changes_acknowledge(c.handle, C.uint64_t(sequence), e)
	})
}

// JSON writes a record as one line of JSON, for json.Unmarshal, with the names of
// the store's present definitions; docs/format.md has its shape.
func (c *Changes) JSON(record []byte) ([]byte, error) {
	if err := c.enter(); err != nil {
		return nil, err
	}
	defer c.leave()
	var line *C.char
	err := c.call(func(e *C.struct_feature_error) C.feature_status {
		return C.feature_changes_json(c.handle, firstByte(record), C.size_t(len(record)), &line, e)
	})
	defer C.feature_free(unsafe.Pointer(line))
	return []byte(C.GoString(line)), err
}

// Close frees the feed; a consumer's claim stays. It ends a Wait, always returns
// nil and may be repeated.
func (c *Changes) Close() error {
	return c.close(func() {
		c.cleanup.Stop()
		C.feature_changes_free(c.handle)
	})
}

// Follow applies the next record of another store's change feed, and makes this
// store its follower: other writes are ErrConflict until Promote. A record applied
// before changes nothing; one too far ahead is ErrGap.
func (s *Store) Follow(record []byte) (Commit, error) {
	commit := newCommit()
	err := s.call(func(h *C.feature_store, e *C.struct_feature_error) C.feature_status {
		return C.feature_store_follow(h, firstByte(record), C.size_t(len(record)), &commit, e)
	})
	return goCommit(&commit), err
}

// Promote makes a follower a leader, which refuses records of the old one from
// then on, and returns its epoch.
func (s *Store) Promote() (uint64, error) {
	var epoch C.uint64_t
	err := s.call(func(h *C.feature_store, e *C.struct_feature_error) C.feature_status {
		return C.feature_store_promote(h, &epoch, e)
	})
	return uint64(epoch), err
}

// firstByte is where bytes begin, for C.
func firstByte(bytes []byte) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(bytes)) }
