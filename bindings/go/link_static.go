// SPDX-License-Identifier: Apache-2.0

//go:build feature_static

package feature

// #cgo pkg-config: libfeature-static
import "C"
