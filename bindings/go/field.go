// SPDX-License-Identifier: Apache-2.0

package feature

// #include <libfeature.h>
import "C"

import "strconv"

// Field describes a key, a column or a view of a query, or a column of a batch.
type Field struct {
	Name    string
	Type    Type // 0 for a view
	Width   int  // n for T[n], else 1; 0 for a view
	Role    Role
	View    int  // index of the column's view in the query
	List    bool // a list T[]
	NotNull bool // declared NOT NULL, or a join key
}

// typeName is the type as the definition language writes it.
func (f *Field) typeName() string {
	switch {
	case f.List:
		return f.Type.String() + "[]"
	case f.Width > 1:
		return f.Type.String() + "[" + strconv.Itoa(f.Width) + "]"
	}
	return f.Type.String()
}

// fields are found by position and by name.
type fields struct {
	all   []Field
	index map[string]int
}

// askFields asks for one field after the other, until there are no more.
func askFields(ask func(C.uint32_t, *C.struct_feature_field) C.feature_status) fields {
	found := fields{index: map[string]int{}}
	var f C.struct_feature_field
	for i := 0; ask(C.uint32_t(i), &f) == C.FEATURE_OK; i++ {
		found.all = append(found.all, Field{
			Name:    C.GoString(f.name),
			Type:    Type(f._type),
			Width:   int(f.width),
			Role:    Role(f.role),
			View:    int(f.view),
			List:    FieldFlag(f.flags)&FieldList != 0,
			NotNull: FieldFlag(f.flags)&FieldNotNull != 0,
		})
		found.index[found.all[i].Name] = i
	}
	return found
}
