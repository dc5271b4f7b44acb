// SPDX-License-Identifier: Apache-2.0

package arrowfeature

import (
	"context"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/cdata"

	feature "github.com/libfeature/libfeature/bindings/go"
)

// Join gives labels back with the features that were known at each one's own time:
// one row for each label, in order, the columns of the labels first, unchanged and
// not copied. The labels have a column for each join key of the query and one of
// times; they are read when batches are asked for, so keep their reader until the
// join was released, and release it then. A chunk of them is in memory; what the
// batches hold is freed with the join. The context is looked at before each batch.
//
// What the labels' reader fails with is found in Err by errors.Is and errors.As.
func Join(ctx context.Context, query *feature.Query, labels array.RecordReader,
	options *feature.JoinOptions) (array.RecordReader, error) {
	if query == nil || labels == nil {
		return nil, &feature.Error{
			Status: feature.StatusInvalid, Reason: "argument", Message: "the query or the labels are nil", Row: -1}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	w := &watched{RecordReader: labels, ctx: ctx, keeps: true}
	if err := w.check(); err != nil {
		return nil, err
	}
	given := zeroed[cdata.CArrowArrayStream]()
	defer free(given)
	cdata.ExportRecordReader(w, given)
	stream := newStream()
	if err := query.JoinArrow(unsafe.Pointer(given), unsafe.Pointer(stream), options); err != nil {
		free(stream)
		if w.Err() != nil {
			err = &failure{err, w.Err()}
		}
		return nil, err
	}
	return newScan(&scan{ctx: ctx, owner: query, stream: stream, labels: w})
}
