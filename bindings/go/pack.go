// SPDX-License-Identifier: Apache-2.0

package feature

// #include <libfeature.h>
import "C"

import (
	"math"
	"reflect"
	"time"
	"unsafe"
)

// packed is a column in the library's layout, which is Arrow's.
type packed struct {
	kind     C.int32_t
	values   unsafe.Pointer
	offsets  []C.int32_t // of texts or lists
	ends     []C.int32_t // of the texts in lists
	validity []C.uint8_t
	rows     C.uint32_t
	isList   bool
}

// packer is the memory of conversions, kept from call to call.
type packer struct {
	bytes    []byte
	times    []int64
	offsets  []C.int32_t
	ends     []C.int32_t
	validity []C.uint8_t
}

// pack makes a column of values; what is in the right layout is not copied.
func pack[T Value](k *packer, field *Field, values []T, valid []bool) (packed, error) {
	p, err := packElements(k, field, values)
	if err != nil {
		return p, err
	}
	rows := len(values)
	if field.Width > 1 {
		if rows%field.Width != 0 {
			return p, invalid("argument", "column %q: %d values are no whole number of rows of %d",
				field.Name, rows, field.Width)
		}
		rows /= field.Width
	}
	return p, k.finish(&p, field, rows, valid)
}

// packLists makes a list column.
func packLists[T Value](k *packer, field *Field, lists [][]T, valid []bool) (packed, error) {
	size := 0
	for _, list := range lists {
		size += len(list)
	}
	flat := make([]T, 0, size)
	ends := append(k.ends[:0], 0)
	for _, list := range lists {
		flat = append(flat, list...)
		if len(flat) > math.MaxInt32 {
			return packed{}, tooLarge(field, "elements")
		}
		ends = append(ends, C.int32_t(len(flat)))
	}
	k.ends = ends
	p, err := packElements(k, field, flat)
	if err != nil {
		return p, err
	}
	p.isList, p.offsets, p.ends = true, ends, p.offsets
	return p, k.finish(&p, field, len(lists), valid)
}

// finish adds rows and validity.
func (k *packer) finish(p *packed, field *Field, rows int, valid []bool) error {
	if rows > math.MaxUint32 {
		return tooLarge(field, "rows")
	}
	p.rows = C.uint32_t(rows)
	if valid == nil {
		return nil
	}
	if len(valid) != rows {
		return invalid("argument", "column %q: %d rows, but valid has %d", field.Name, rows, len(valid))
	}
	k.validity = packBits(k.validity, valid)
	p.validity = k.validity
	return nil
}

// packElements lays values out one behind the other, with offsets for texts.
func packElements[T Value](k *packer, field *Field, values []T) (packed, error) {
	data := unsafe.Pointer(unsafe.SliceData(values))
	switch reflect.TypeFor[T]().Kind() {
	case reflect.Int32:
		return packed{kind: C.FEATURE_TYPE_INT32, values: data}, nil
	case reflect.Int64:
		return packed{kind: C.FEATURE_TYPE_INT64, values: data}, nil
	case reflect.Float32:
		return packed{kind: C.FEATURE_TYPE_FLOAT32, values: data}, nil
	case reflect.Float64:
		return packed{kind: C.FEATURE_TYPE_FLOAT64, values: data}, nil
	case reflect.Bool:
		k.bytes = packBits(k.bytes, unsafe.Slice((*bool)(data), len(values)))
		return packed{kind: C.FEATURE_TYPE_BOOL, values: unsafe.Pointer(unsafe.SliceData(k.bytes))}, nil
	case reflect.String:
		return packTexts(k, field, unsafe.Slice((*string)(data), len(values)))
	case reflect.Slice:
		return packTexts(k, field, unsafe.Slice((*[]byte)(data), len(values)))
	default: // time.Time, the only struct among the types of Value
		k.times = k.times[:0]
		for _, t := range unsafe.Slice((*time.Time)(data), len(values)) {
			k.times = append(k.times, t.UnixMicro())
		}
		return packed{kind: C.FEATURE_TYPE_TIMESTAMP, values: unsafe.Pointer(unsafe.SliceData(k.times))}, nil
	}
}

// packTexts serves a STRING and a BYTES column from either kind of slice: the
// library checks that a STRING is UTF-8.
func packTexts[T string | []byte](k *packer, field *Field, texts []T) (packed, error) {
	p := packed{kind: C.FEATURE_TYPE_STRING}
	if field.Type == TypeBytes {
		p.kind = C.FEATURE_TYPE_BYTES
	}
	k.bytes = k.bytes[:0]
	k.offsets = append(k.offsets[:0], 0)
	for _, s := range texts {
		if len(s) > math.MaxInt32-len(k.bytes) {
			return p, tooLarge(field, "bytes")
		}
		k.bytes = append(k.bytes, s...)
		k.offsets = append(k.offsets, C.int32_t(len(k.bytes)))
	}
	p.values, p.offsets = unsafe.Pointer(unsafe.SliceData(k.bytes)), k.offsets
	return p, nil
}

func tooLarge(field *Field, what string) error {
	return invalid("argument", "column %q: too many %s for one call", field.Name, what)
}

// packBits makes bits of booleans, the first one lowest.
func packBits[B C.uint8_t | byte](bits []B, values []bool) []B {
	bits = bits[:0]
	for i, v := range values {
		if i&7 == 0 {
			bits = append(bits, 0)
		}
		if v {
			bits[i>>3] |= 1 << (i & 7)
		}
	}
	return bits
}
