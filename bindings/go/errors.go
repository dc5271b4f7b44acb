// SPDX-License-Identifier: Apache-2.0

package feature

// #include <libfeature.h>
import "C"

import (
	"fmt"
	"math"
	"strings"
	"syscall"
	"unsafe"
)

// Error says why a call failed, and where. Every error of this package is one.
type Error struct {
	Status  Status        // the kind: StatusInvalid, StatusNotFound, …
	Reason  string        // one word from an append-only list, for programs
	Message string        // one sentence, for people
	OS      syscall.Errno // of the system call behind it, or 0
	Batch   int           // index of the batch, from 0
	Row     int64         // index of the row, from 0; -1: none
	Line    int           // in a text, from 1; 0: none
	Column  int           // byte in that line, from 1; 0: none
}

// ErrClosed is what every call answers after Close, be it of the object or of
// the store it came from. It is an ErrInvalid.
var ErrClosed error = &Error{Status: StatusInvalid, Reason: "closed", Message: "it was closed", Row: -1}

// Error returns the message, with the kind and the reason behind it.
func (e *Error) Error() string {
	return fmt.Sprintf("feature: %s (%s %s)", e.Message, e.Status.String(), e.Reason)
}

// Unwrap returns the status, so that errors.Is finds it.
func (e *Error) Unwrap() error { return e.Status }

// Is reports whether the target is an Error of the same status and reason.
func (e *Error) Is(target error) bool {
	other, ok := target.(*Error)
	return ok && other.Status == e.Status && other.Reason == e.Reason
}

// check turns a status and what the library wrote beside it into an error.
func check(status C.feature_status, e *C.struct_feature_error) error {
	if status == C.FEATURE_OK {
		return nil
	}
	return &Error{
		Status:  Status(status),
		Reason:  C.GoString(&e.reason[0]),
		Message: C.GoString(&e.message[0]),
		OS:      syscall.Errno(e.os_error),
		Batch:   int(e.batch),
		Row:     int64(e.row),
		Line:    int(e.line),
		Column:  int(e.column),
	}
}

// invalid is an error that this package finds before the library is asked.
func invalid(reason, format string, values ...any) error {
	return &Error{Status: StatusInvalid, Reason: reason, Message: fmt.Sprintf(format, values...), Row: -1}
}

func noSuch(object, what, name string) error {
	return &Error{Status: StatusNotFound, Reason: "name", Row: -1,
		Message: fmt.Sprintf("the %s has no %s %q", object, what, name)}
}

// text is s as C reads it; a NUL inside would end it early.
func text(what, s string) (*C.char, error) {
	if i := strings.IndexByte(s, 0); i >= 0 {
		return nil, invalid("argument", "%s: a NUL at byte %d", what, i)
	}
	return (*C.char)(unsafe.Pointer(unsafe.SliceData(append([]byte(s), 0)))), nil
}

// uint32Of keeps a negative or huge number from turning into another one.
func uint32Of(what string, n int64) (C.uint32_t, error) {
	if n < 0 || n > math.MaxUint32 {
		return 0, invalid("argument", "%s: %d is out of range", what, n)
	}
	return C.uint32_t(n), nil
}
