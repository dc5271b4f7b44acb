// SPDX-License-Identifier: Apache-2.0

// Package feature is libfeature for Go: an embedded feature store, in process,
// over one memory-mapped file.
//
// A [Store] is opened once and shared by all goroutines. Definitions are text:
// [Store.Apply] makes the store hold them. Rows are written column by column,
// in a [Batch] for each feature view, and any number of batches is one atomic,
// durable commit: [Store.Write]. A read is prepared once, as a [Query], and a
// [Request] holds the keys and the answer of one read at a time; its memory is
// used again, so that reads in a steady state allocate nothing.
//
// # Errors
//
// Every failure is an [*Error]. Its Status is one of the Err… values, so that
// errors.Is(err, feature.ErrConflict) asks for the kind and errors.As for the
// place in a text or in a batch. On failure nothing has changed, neither in the
// store nor in the object.
//
// # Goroutines
//
// Stores and queries are for any number of goroutines at once; batches, requests
// and change feeds for one at a time. A call that meets another in the same one
// fails with reason "concurrent". Close may be called at any time, from
// any goroutine and more than once: it waits for the calls under way, and later
// ones answer [ErrClosed]. Children may be closed before or after their parents.
// What was forgotten is released some time after it became unreachable.
//
// # Memory
//
// What goes in is copied during the call. What comes out is a copy too, unless
// the comment says borrowed: [Values], [Request.States], [Request.Timestamps]
// and [Column] look into the request's own memory, which is not Go's. Such a
// slice is good until the request reads again, is cleared or closed, and only
// as long as the request itself is reachable: close the request after the last
// use of the slice. [Copy] and [CopyLists] have no such rule.
//
// # Linking
//
// The C library is found with pkg-config, as libfeature. With the build tag
// feature_static it is linked into the program, as libfeature-static. Cgo is
// needed: without it the build stops, at libfeature_needs_CGO_ENABLED_1.
package feature
