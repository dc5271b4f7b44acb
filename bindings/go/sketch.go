// SPDX-License-Identifier: Apache-2.0

package feature

// #include <libfeature.h>
import "C"

import (
	"runtime"
	"unsafe"
)

// SketchOptions says which sketch to make.
type SketchOptions struct {
	Kind      SketchKind
	Precision int     // of SketchDistinct, 4 to 18; 0: 12
	MaxError  float64 // of SketchQuantiles, relative; 0: 0.01
}

// Sketch is what a set of values comes to, in a few bytes: how many distinct
// ones there are, or quantiles. It belongs to no store. For one goroutine at a
// time.
type Sketch struct {
	guard
	handle  *C.feature_sketch
	pack    packer
	cleanup runtime.Cleanup
}

func ownSketch(handle *C.feature_sketch) *Sketch {
	s := &Sketch{handle: handle}
	s.cleanup = runtime.AddCleanup(s, func(h *C.feature_sketch) { C.feature_sketch_free(h) }, handle)
	s.open("sketch")
	return s
}

// NewSketch makes an empty sketch.
func NewSketch(options SketchOptions) (*Sketch, error) {
	if options.Precision < 0 || options.Precision > 255 {
		return nil, invalid("argument", "Precision: %d is out of range", options.Precision)
	}
	o := C.struct_feature_sketch_options{kind: C.int32_t(options.Kind),
		precision: C.uint32_t(options.Precision), max_error: C.double(options.MaxError)}
	o.struct_size = C.uint32_t(unsafe.Sizeof(o))
	var e C.struct_feature_error
	var handle *C.feature_sketch
	if err := check(C.feature_sketch_create(&o, &handle, &e), &e); err != nil {
		return nil, err
	}
	return ownSketch(handle), nil
}

// SketchFromBytes makes a sketch of bytes, which are checked.
func SketchFromBytes(format SketchFormat, data []byte) (*Sketch, error) {
	var e C.struct_feature_error
	var handle *C.feature_sketch
	status := C.feature_sketch_from_bytes(C.int32_t(format), firstByte(data), C.size_t(len(data)), &handle, &e)
	if err := check(status, &e); err != nil {
		return nil, err
	}
	return ownSketch(handle), nil
}

// AddTo adds values of a type to a sketch; valid tells which of them are not
// null, nil: none is null.
func AddTo[T Value](s *Sketch, kind Type, values []T, valid []bool) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.leave()
	p, err := pack(&s.pack, &Field{Name: "values", Type: kind, Width: 1}, values, valid)
	if err != nil {
		return err
	}
	return s.add(&p)
}

func (s *Sketch) add(p *packed) error {
	var e C.struct_feature_error
	return check(C.feature_sketch_add(s.handle, p.kind, p.values, unsafe.SliceData(p.offsets),
		unsafe.SliceData(p.validity), p.rows, &e), &e)
}

// Merge unites the sketch with another one.
func (s *Sketch) Merge(other *Sketch) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.leave()
	if other != s {
		if err := other.enter(); err != nil {
			return err
		}
		defer other.leave()
	}
	var e C.struct_feature_error
	return check(C.feature_sketch_merge(s.handle, other.handle, &e), &e)
}

// Estimate tells how many distinct values there were, about; of quantiles, how
// many values.
func (s *Sketch) Estimate() (uint64, error) {
	if err := s.enter(); err != nil {
		return 0, err
	}
	defer s.leave()
	var e C.struct_feature_error
	var count C.uint64_t
	err := check(C.feature_sketch_estimate(s.handle, &count, &e), &e)
	return uint64(count), err
}

// Quantile tells the value of rank floor(q * (count - 1)), within the error of the
// sketch; ErrNotFound where it is empty.
func (s *Sketch) Quantile(q float64) (float64, error) {
	if err := s.enter(); err != nil {
		return 0, err
	}
	defer s.leave()
	var e C.struct_feature_error
	var value C.double
	err := check(C.feature_sketch_quantile(s.handle, C.double(q), &value, &e), &e)
	return float64(value), err
}

// Bytes writes the sketch as bytes, the caller's own.
func (s *Sketch) Bytes(format SketchFormat) ([]byte, error) {
	if err := s.enter(); err != nil {
		return nil, err
	}
	defer s.leave()
	var e C.struct_feature_error
	var data C.struct_feature_sketch_data
	if err := check(C.feature_sketch_bytes(s.handle, C.int32_t(format), &data, &e), &e); err != nil {
		return nil, err
	}
	return append([]byte(nil), unsafe.Slice((*byte)(data.bytes), data.size)...), nil
}

// Close frees the sketch, always returns nil and may be repeated.
func (s *Sketch) Close() error {
	return s.close(func() {
		s.cleanup.Stop()
		C.feature_sketch_free(s.handle)
	})
}
