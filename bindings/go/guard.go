// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package feature

import (
	"sync"
	"sync/atomic"
)

// guard lets one goroutine at a time into a batch or request, and none after it
// was closed. Its zero value is closed.
type guard struct {
	what   string
	mutex  sync.Mutex
	isOpen atomic.Bool
}

func (g *guard) open(what string) {
	g.what = what
	g.isOpen.Store(true)
}

// enter never waits: two goroutines in one request would spoil each other's
// answers even where they took turns.
func (g *guard) enter() error {
	if g.isOpen.Load() && g.mutex.TryLock() {
		if g.isOpen.Load() {
			return nil
		}
		g.mutex.Unlock()
	}
	if g.isOpen.Load() {
		return invalid("concurrent", "the %s is in use by another goroutine", g.what)
	}
	return ErrClosed
}

func (g *guard) leave() { g.mutex.Unlock() }

// close waits for the call under way, and frees once.
func (g *guard) close(free func()) error {
	wasOpen := g.isOpen.Swap(false)
	g.mutex.Lock()
	defer g.mutex.Unlock()
	if wasOpen {
		free()
	}
	return nil
}
