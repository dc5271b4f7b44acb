// SPDX-License-Identifier: Apache-2.0

package feature_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	feature "github.com/libfeature/libfeature/bindings/go"
)

const benchRows = 20_000

// benchStore holds 20 features of benchRows rows.
func benchStore(b *testing.B) *feature.Store {
	store := open(b)
	var names []string
	for i := range 20 {
		names = append(names, fmt.Sprintf("f%d FLOAT32", i))
	}
	must(store.Apply("CREATE FEATURE VIEW bench ("+strings.Join(names, ", ")+") FOR driver;", nil))(b)
	batch := must(store.Batch("bench", feature.Upsert))(b)
	defer batch.Close()
	ids, times, values := make([]int64, benchRows), make([]int64, benchRows), make([]float32, benchRows)
	for i := range ids {
		ids[i], times[i], values[i] = int64(i), noon.UnixMicro(), float32(i)
	}
	check(b, feature.Set(batch, "driver_id", ids, nil))
	check(b, feature.Set(batch, "event_timestamp", times, nil))
	for i := range 20 {
		check(b, feature.Set(batch, fmt.Sprintf("f%d", i), values, nil))
	}
	must(store.Write(nil, batch))(b)
	return store
}

// benchReads runs f for each number of keys, with a request that has read once.
func benchReads(b *testing.B, matrix bool, f func(b *testing.B, r *feature.Request, ids []int64)) {
	query := must(benchStore(b).Query("bench(*)", &feature.QueryOptions{Matrix: matrix}))(b)
	request := must(query.Request())(b)
	defer request.Close()
	for _, keys := range []int{1, 10, 100, 1000} {
		ids := make([]int64, keys)
		for i := range ids {
			ids[i] = rand.Int64N(benchRows)
		}
		b.Run(fmt.Sprintf("keys=%d", keys), func(b *testing.B) {
			b.ReportAllocs()
			f(b, request, ids)
		})
	}
}

// Columns: keys in, every column out, by name and without a copy.
func BenchmarkRead(b *testing.B) {
	benchReads(b, false, func(b *testing.B, r *feature.Request, ids []int64) {
		columns := r.Query().Columns()
		for b.Loop() {
			check(b, feature.SetKey(r, "driver_id", ids, nil))
			check(b, r.Read())
			for i := range columns {
				if _, err := feature.Values[float32](r, columns[i].Name); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}

func BenchmarkReadMatrix(b *testing.B) {
	benchReads(b, true, func(b *testing.B, r *feature.Request, ids []int64) {
		width := r.Query().MatrixWidth()
		matrix := make([]float32, len(ids)*width)
		for b.Loop() {
			check(b, feature.SetKey(r, "driver_id", ids, nil))
			check(b, r.ReadMatrix(matrix, width))
		}
	})
}

// Texts have to be laid out for the library first.
func BenchmarkSetKeyOfTexts(b *testing.B) {
	query := must(open(b).Query("card_stats(spent)", nil))(b)
	request := must(query.Request())(b)
	defer request.Close()
	for _, keys := range []int{1, 100, 1000} {
		texts := make([]string, keys)
		for i := range texts {
			texts[i] = fmt.Sprintf("card-%08d", i)
		}
		b.Run(fmt.Sprintf("keys=%d", keys), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				check(b, feature.SetKey(request, "card_id", texts, nil))
			}
		})
	}
}
