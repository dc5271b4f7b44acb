// SPDX-License-Identifier: Apache-2.0

package feature

import (
	"errors"
	"testing"
	"time"
)

// The race detector takes calls of C for synchronisation, so what guards the
// handles is tested by hand.

// wait gives a goroutine that should not end the time to do so.
func wait(t *testing.T, done chan struct{}) {
	t.Helper()
	select {
	case <-done:
		t.Fatal("Close did not wait for the call under way")
	case <-time.After(20 * time.Millisecond):
	}
}

func TestAGuardLetsOneInAndCloseWaitsForIt(t *testing.T) {
	var g guard
	if err := g.enter(); err != ErrClosed {
		t.Fatal(err)
	}
	g.open("request")
	if err := g.enter(); err != nil {
		t.Fatal(err)
	}
	var detail *Error
	if err := g.enter(); !errors.As(err, &detail) || detail.Reason != "concurrent" {
		t.Fatal(err)
	}
	freed, done := 0, make(chan struct{})
	go func() {
		g.close(func() { freed++ })
		g.close(func() { freed++ })
		close(done)
	}()
	for g.enter() != ErrClosed {
	}
	wait(t, done)
	g.leave()
	<-done
	if freed != 1 || g.enter() != ErrClosed {
		t.Fatal(freed)
	}
}

func TestCloseOfAStoreWaitsForItsCalls(t *testing.T) {
	store, err := Open(t.TempDir()+"/store", &Options{Create: true, MapSize: 1 << 28})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.enter(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		store.Close()
		close(done)
	}()
	for {
		if err := store.enter(); err == ErrClosed {
			break
		}
		store.leave()
	}
	wait(t, done)
	store.leave()
	<-done
}
