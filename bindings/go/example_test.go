// SPDX-License-Identifier: Apache-2.0

package feature_test

import (
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"sync"
	"time"

	feature "github.com/libfeature/libfeature/bindings/go"
)

// exampleStore makes a store with two drivers in it. The clock is fixed so that
// the examples print the same every day; leave FixedNow out.
func exampleStore() (store *feature.Store, remove func()) {
	directory, err := os.MkdirTemp("", "feature")
	if err != nil {
		log.Fatal(err)
	}
	now := time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC)
	store, err = feature.Open(filepath.Join(directory, "store"), &feature.Options{Create: true, FixedNow: now})
	if err != nil {
		log.Fatal(err)
	}
	_, err = store.Apply(`
		CREATE ENTITY driver (driver_id INT64);
		CREATE FEATURE VIEW driver_stats (
			conv_rate FLOAT32 DEFAULT 0.5,
			trips     INT64 DEFAULT 0,
			tags      STRING[]
		) FOR driver WITH (ttl = '2 hours');`, nil)
	if err != nil {
		log.Fatal(err)
	}
	batch, err := store.Batch("driver_stats", feature.Upsert)
	if err != nil {
		log.Fatal(err)
	}
	defer batch.Close()
	err = errors.Join(
		feature.Set(batch, "driver_id", []int64{1001, 1002}, nil),
		feature.Set(batch, "event_timestamp", []time.Time{now, now.Add(-3 * time.Hour)}, nil),
		feature.Set(batch, "conv_rate", []float32{0.25, 0.75}, nil),
		feature.Set(batch, "trips", []int64{10, 20}, nil),
		feature.SetList(batch, "tags", [][]string{{"gold", "city"}, nil}, []bool{true, false}),
	)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := store.Write(nil, batch); err != nil {
		log.Fatal(err)
	}
	return store, func() { store.Close(); os.RemoveAll(directory) }
}

// Open a store, declare what is in it, write a batch and read it back.
func Example() {
	directory, err := os.MkdirTemp("", "feature")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(directory)
	store, err := feature.Open(filepath.Join(directory, "store"), &feature.Options{Create: true})
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
	_, err = store.Apply(`
		CREATE ENTITY driver (driver_id INT64);
		CREATE FEATURE VIEW stats (trips INT64 DEFAULT 0) FOR driver;`, nil)
	if err != nil {
		log.Fatal(err)
	}

	batch, err := store.Batch("stats", feature.Upsert, "driver_id", "trips")
	if err != nil {
		log.Fatal(err)
	}
	defer batch.Close()
	if err := errors.Join(
		feature.Set(batch, "driver_id", []int64{7, 8}, nil),
		feature.Set(batch, "trips", []int64{12, 40}, nil),
	); err != nil {
		log.Fatal(err)
	}
	if _, err := store.Write(nil, batch); err != nil {
		log.Fatal(err)
	}

	query, err := store.Query("stats:trips", nil)
	if err != nil {
		log.Fatal(err)
	}
	defer query.Close()
	request, err := query.Request()
	if err != nil {
		log.Fatal(err)
	}
	defer request.Close()
	drivers := []int64{7, 8, 9}
	if err := errors.Join(feature.SetKey(request, "driver_id", drivers, nil), request.Read()); err != nil {
		log.Fatal(err)
	}
	trips, err := request.Column("trips")
	if err != nil {
		log.Fatal(err)
	}
	for i, driver := range drivers {
		fmt.Println("driver", driver, "trips", trips.Value(i), "default", trips.Defaulted(i))
	}
	// Output:
	// driver 7 trips 12 default false
	// driver 8 trips 40 default false
	// driver 9 trips 0 default true
}

// One query for the process, one request a goroutine, a matrix for the model.
func ExampleRequest_ReadMatrix() {
	store, remove := exampleStore()
	defer remove()
	query, err := store.Query("driver_stats(conv_rate, trips)", &feature.QueryOptions{Matrix: true})
	if err != nil {
		log.Fatal(err)
	}
	defer query.Close()
	requests := sync.Pool{New: func() any {
		request, err := query.Request()
		if err != nil {
			log.Fatal(err)
		}
		return request
	}}

	request := requests.Get().(*feature.Request)
	defer requests.Put(request)
	drivers := []int64{1001, 1002}
	matrix := make([]float32, len(drivers)*query.MatrixWidth())
	if err := errors.Join(
		feature.SetKey(request, "driver_id", drivers, nil),
		request.ReadMatrix(matrix, query.MatrixWidth()),
	); err != nil {
		log.Fatal(err)
	}
	fmt.Println(matrix)
	// Output: [0.25 10 0.5 0]
}

// What a state says: the second driver's row is past its ttl, the third has none.
func ExampleRequest_States() {
	store, remove := exampleStore()
	defer remove()
	query, err := store.Query("driver_stats(conv_rate)", nil)
	if err != nil {
		log.Fatal(err)
	}
	defer query.Close()
	request, err := query.Request()
	if err != nil {
		log.Fatal(err)
	}
	defer request.Close()
	if err := errors.Join(
		feature.SetKey(request, "driver_id", []int64{1001, 1002, 1003}, nil),
		request.Read(),
	); err != nil {
		log.Fatal(err)
	}
	states, err := request.States("driver_stats")
	if err != nil {
		log.Fatal(err)
	}
	rates, err := feature.Values[float32](request, "conv_rate")
	if err != nil {
		log.Fatal(err)
	}
	for i, state := range states {
		fmt.Println(state, rates[i])
	}
	// Output:
	// PRESENT 0.25
	// OUTSIDE_MAX_AGE 0.5
	// NOT_FOUND 0.5
}

// Lists come as slices.
func ExampleCopyLists() {
	store, remove := exampleStore()
	defer remove()
	query, err := store.Query("driver_stats(tags)", &feature.QueryOptions{Fill: feature.FillStale})
	if err != nil {
		log.Fatal(err)
	}
	defer query.Close()
	request, err := query.Request()
	if err != nil {
		log.Fatal(err)
	}
	defer request.Close()
	if err := errors.Join(
		feature.SetKey(request, "driver_id", []int64{1001, 1002}, nil),
		request.Read(),
	); err != nil {
		log.Fatal(err)
	}
	tags, err := feature.CopyLists[string](request, "tags")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%q\n", tags)
	// Output: [["gold" "city"] []]
}

// The kind of an error by errors.Is, the place by errors.As.
func ExampleError() {
	store, remove := exampleStore()
	defer remove()
	_, err := store.Apply("CREATE FEATURE VIEW driver_stats (trips STRING) FOR driver\n    WITH (ttl = '2 hours');", nil)
	var detail *feature.Error
	if errors.Is(err, feature.ErrConflict) && errors.As(err, &detail) {
		fmt.Printf("%d:%d %s\n", detail.Line, detail.Column, detail.Reason)
	}
	store.Close()
	_, err = store.Stats()
	fmt.Println(errors.Is(err, feature.ErrClosed), err)
	// Output:
	// 1:35 definition
	// true feature: it was closed (INVALID closed)
}
