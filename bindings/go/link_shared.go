// SPDX-License-Identifier: Apache-2.0

//go:build !feature_static

package feature

// The file next to this one links the archive. They are two, because Go's build
// cache takes both kinds of build for one where both lines stand in one file.

// #cgo pkg-config: libfeature
import "C"
