// SPDX-License-Identifier: Apache-2.0

//go:build !cgo

package feature

// libfeature is a C library. A build without cgo stops here, and says so by this
// name: set CGO_ENABLED=1 and have a C compiler.
var _ = libfeature_needs_CGO_ENABLED_1
