// SPDX-License-Identifier: Apache-2.0

package feature

// #include <libfeature.h>
import "C"

import (
	"reflect"
	"time"
	"unsafe"
)

// Fixed is what a column of fixed width can be seen as without a copy. A
// TIMESTAMP is int64 microseconds since 1970 UTC.
type Fixed interface {
	~int32 | ~int64 | ~float32 | ~float64
}

// Column is one answered column. Borrowed: see the package's rule on memory.
type Column struct {
	Field     Field
	Rows      int
	NullCount int
	elements  int // of all rows
	values    unsafe.Pointer
	offsets   []int32 // of texts or lists
	ends      []int32 // of the texts in lists
	validity  []byte
	defaulted []byte // nil where nothing was filled
}

// Column gives one column of the last Read. Borrowed: see the package's rule on
// memory.
func (r *Request) Column(name string) (Column, error) {
	if err := r.enter(); err != nil {
		return Column{}, err
	}
	defer r.leave()
	return r.find(name)
}

// find is Column for who has entered: a copy has to end before a Close.
func (r *Request) find(name string) (Column, error) {
	i, ok := r.query.columns.index[name]
	if !ok {
		return Column{}, noSuch("query", "column", name)
	}
	c, err := r.column(i)
	if err != nil {
		return Column{}, err
	}
	return newColumn(r.query.columns.all[i], c), nil
}

// column gives a column as the library does. All of them cost one call, as much
// as a single one.
func (r *Request) column(i int) (*C.struct_feature_column, error) {
	count := len(r.query.columns.all)
	if !r.fetched {
		if err := check(C.feature_request_columns(r.c, r.columns, C.uint32_t(count), r.error), r.error); err != nil {
			return nil, err
		}
		r.fetched = true
	}
	return &unsafe.Slice(r.columns, count)[i], nil
}

func newColumn(field Field, c *C.struct_feature_column) Column {
	rows := int(c.rows)
	column := Column{
		Field:     field,
		Rows:      rows,
		NullCount: int(c.null_count),
		elements:  elements(&field, c),
		values:    c.values,
		validity:  unsafe.Slice((*byte)(c.validity), (rows+7)/8),
	}
	if c.defaulted != nil {
		column.defaulted = unsafe.Slice((*byte)(c.defaulted), (rows+7)/8)
	}
	if c.offsets != nil {
		column.offsets = unsafe.Slice((*int32)(c.offsets), rows+1)
	}
	if c.child_offsets != nil {
		column.ends = unsafe.Slice((*int32)(c.child_offsets), column.elements+1)
	}
	return column
}

// elements counts the elements of all rows.
func elements(field *Field, c *C.struct_feature_column) int {
	switch {
	case !field.List:
		return int(c.rows) * int(c.width)
	case c.rows == 0: // there may be no offsets either
		return 0
	}
	return int(unsafe.Slice(c.offsets, int(c.rows)+1)[c.rows])
}

func bit(bits []byte, i int) bool { return bits[i>>3]>>(i&7)&1 != 0 }

// Valid tells whether a row is not null; a filled cell is valid.
func (c *Column) Valid(row int) bool { return bit(c.validity, row) }

// Defaulted tells whether the fill policy chose the value of a row.
func (c *Column) Defaulted(row int) bool { return c.defaulted != nil && bit(c.defaulted, row) }

// Bytes gives one STRING or BYTES value; nil for a column of another type.
// Borrowed: see the package's rule on memory.
func (c *Column) Bytes(row int) []byte {
	if c.Field.List || !isText(c.Field.Type) {
		return nil
	}
	return c.text(c.offsets, row)
}

func (c *Column) text(offsets []int32, i int) []byte {
	from, to := int(offsets[i]), int(offsets[i+1])
	return unsafe.Slice((*byte)(unsafe.Add(c.values, from)), to-from)
}

// Value gives a copy of one value, nil where it is null: a bool, int32, int64,
// float32, float64, string, []byte or time.Time, or a slice of them for vectors
// and lists.
func (c *Column) Value(row int) any {
	if !c.Valid(row) {
		return nil
	}
	switch c.Field.Type {
	case TypeBool:
		return value[bool](c, row)
	case TypeInt32:
		return value[int32](c, row)
	case TypeInt64:
		return value[int64](c, row)
	case TypeFloat32:
		return value[float32](c, row)
	case TypeFloat64:
		return value[float64](c, row)
	case TypeString:
		return value[string](c, row)
	case TypeBytes:
		return value[[]byte](c, row)
	case TypeTimestamp:
		return value[time.Time](c, row)
	}
	return nil // a newer library's type
}

func value[T Value](c *Column, row int) any {
	switch {
	case c.Field.List:
		return copyElements[T](c, int(c.offsets[row]), int(c.offsets[row+1]), c.ends)
	case c.Field.Width > 1:
		return copyElements[T](c, row*c.Field.Width, (row+1)*c.Field.Width, nil)
	}
	return copyElements[T](c, row, row+1, c.offsets)[0]
}

// Values gives the values of one column of the last Read without a copy: one per
// row, n for T[n], zero under a null; of a list column the elements of all rows.
// Borrowed: see the package's rule on memory.
func Values[T Fixed](r *Request, column string) ([]T, error) {
	if err := r.enter(); err != nil {
		return nil, err
	}
	defer r.leave()
	i, ok := r.query.columns.index[column]
	if !ok {
		return nil, noSuch("query", "column", column)
	}
	field := &r.query.columns.all[i]
	if !fits[T](field.Type) {
		return nil, wrongType[T](field)
	}
	c, err := r.column(i)
	if err != nil {
		return nil, err
	}
	return unsafe.Slice((*T)(c.values), elements(field, c)), nil
}

// Copy copies the values of one column of the last Read: one per row, n for T[n],
// zero under a null, which for a time is 1970.
func Copy[T Value](r *Request, column string) ([]T, error) {
	if err := r.enter(); err != nil {
		return nil, err
	}
	defer r.leave()
	c, err := r.find(column)
	if err != nil {
		return nil, err
	}
	if c.Field.List {
		return nil, invalid("argument", "column %q is %s: CopyLists copies lists", column, c.Field.typeName())
	}
	if !fits[T](c.Field.Type) {
		return nil, wrongType[T](&c.Field)
	}
	return copyElements[T](&c, 0, c.elements, c.offsets), nil
}

// CopyLists copies the lists of one column of the last Read: nil for a null, an
// empty slice for an empty list.
func CopyLists[T Value](r *Request, column string) ([][]T, error) {
	if err := r.enter(); err != nil {
		return nil, err
	}
	defer r.leave()
	c, err := r.find(column)
	if err != nil {
		return nil, err
	}
	if !c.Field.List {
		return nil, invalid("argument", "column %q is %s: Copy copies what is no list", column, c.Field.typeName())
	}
	if !fits[T](c.Field.Type) {
		return nil, wrongType[T](&c.Field)
	}
	flat := copyElements[T](&c, 0, c.elements, c.ends)
	lists := make([][]T, c.Rows)
	for i := range lists {
		if c.Valid(i) {
			lists[i] = flat[c.offsets[i]:c.offsets[i+1]:c.offsets[i+1]]
		}
	}
	return lists, nil
}

// copyElements copies the elements from one index to another; ends are those of
// texts. T fits the column.
func copyElements[T Value](c *Column, from, to int, ends []int32) []T {
	out := make([]T, to-from)
	data := unsafe.Pointer(unsafe.SliceData(out))
	switch reflect.TypeFor[T]().Kind() {
	case reflect.Bool:
		bits := unsafe.Slice((*byte)(c.values), (to+7)/8)
		flags := unsafe.Slice((*bool)(data), len(out))
		for i := range flags {
			flags[i] = bit(bits, from+i)
		}
	case reflect.String:
		texts := unsafe.Slice((*string)(data), len(out))
		for i := range texts {
			texts[i] = string(c.text(ends, from+i))
		}
	case reflect.Slice:
		texts := unsafe.Slice((*[]byte)(data), len(out))
		for i := range texts {
			texts[i] = append([]byte{}, c.text(ends, from+i)...)
		}
	case reflect.Struct: // time.Time
		times := unsafe.Slice((*time.Time)(data), len(out))
		for i, t := range unsafe.Slice((*int64)(c.values), to)[from:to] {
			times[i] = time.UnixMicro(t).UTC()
		}
	default: // numbers
		copy(out, unsafe.Slice((*T)(c.values), to)[from:to])
	}
	return out
}

// fits tells whether a column of the type can be seen, or copied, as []T.
func fits[T Value](t Type) bool {
	switch reflect.TypeFor[T]().Kind() {
	case reflect.Bool:
		return t == TypeBool
	case reflect.Int32:
		return t == TypeInt32
	case reflect.Int64:
		return t == TypeInt64 || t == TypeTimestamp
	case reflect.Float32:
		return t == TypeFloat32
	case reflect.Float64:
		return t == TypeFloat64
	case reflect.String, reflect.Slice:
		return isText(t)
	default: // time.Time
		return t == TypeTimestamp
	}
}

func isText(t Type) bool { return t == TypeString || t == TypeBytes }

func wrongType[T Value](field *Field) error {
	return invalid("argument", "column %q is %s and cannot be read as %v",
		field.Name, field.typeName(), reflect.TypeFor[T]())
}
