// SPDX-License-Identifier: Apache-2.0

package feature

// #include <libfeature.h>
// #include <stdlib.h>
import "C"

import "unsafe"

// Where rows come from.

// Source is where the rows of a write came from. Its offsets are committed
// together with them: rows that were written before are duplicates.
type Source struct {
	Name      string
	Partition uint32
	First     uint64 // offset of the first record in this write
	Next      uint64 // where to go on after this write
	Position  []byte // kept with it
}

// SourceOffset is where to go on reading a source.
type SourceOffset struct {
	Next     uint64
	Position []byte // kept with it
}

// cSources are sources in C memory, one piece for each of their texts.
type cSources []C.struct_feature_source

// newSources copies sources to C: a struct that is passed to it must not hold
// pointers to Go's memory.
func newSources(sources []Source) (made cSources, err error) {
	if len(sources) == 0 {
		return nil, nil
	}
	room := C.calloc(C.size_t(len(sources)), C.size_t(unsafe.Sizeof(C.struct_feature_source{})))
	if room == nil {
		return nil, &Error{Status: StatusNoMemory, Reason: "memory", Message: "no memory for sources", Row: -1}
	}
	made = unsafe.Slice((*C.struct_feature_source)(room), len(sources))
	for i, s := range sources {
		size, err := uint32Of("Position", int64(len(s.Position)))
		if err == nil {
			made[i].name, err = cText("Sources", s.Name)
		}
		if err != nil {
			made.free()
			return nil, err
		}
		if size > 0 {
			made[i].position = C.CBytes(s.Position)
		}
		made[i].position_size, made[i].partition = size, C.uint32_t(s.Partition)
		made[i].first_offset, made[i].next_offset = C.uint64_t(s.First), C.uint64_t(s.Next)
	}
	return made, nil
}

func (s cSources) free() {
	for i := range s {
		C.free(unsafe.Pointer(s[i].name))
		C.free(s[i].position)
	}
	C.free(unsafe.Pointer(unsafe.SliceData(s)))
}

// Offset tells where to go on reading a source, as the last write of it said;
// ErrNotFound before the first.
func (s *Store) Offset(name string, partition uint32) (SourceOffset, error) {
	source, err := text("name", name)
	if err != nil {
		return SourceOffset{}, err
	}
	var next C.uint64_t
	var position *C.char
	var size C.uint32_t
	err = s.call(func(h *C.feature_store, e *C.struct_feature_error) C.feature_status {
		return C.feature_store_offset(h, source, C.uint32_t(partition), &next, &position, &size, e)
	})
	if err != nil {
		return SourceOffset{}, err
	}
	defer C.feature_free(unsafe.Pointer(position))
	kept := append([]byte(nil), unsafe.Slice((*byte)(unsafe.Pointer(position)), size)...)
	return SourceOffset{Next: uint64(next), Position: kept}, nil
}
