// SPDX-License-Identifier: Apache-2.0

// Bench times reads from Go, as bindings/python/bench does from Python:
//
//	go run ./bench [-keys 1,10,100,1000] [-range LOW:HIGH] STORE FEATURES KEY
//
// FEATURES is what to read ("driver_stats(f0, f1)"), without texts, KEY its join
// key, of which the store holds LOW to HIGH-1 (as a text: with -prefix). It prints
// a JSON line for each row: language, name, keys, columns, and nanoseconds a call,
// the best of several rounds. With -make, STORE is made first: view bench of 20
// FLOAT32, f0 to f19, over key k.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"time"

	feature "github.com/libfeature/libfeature/bindings/go"
)

const (
	rounds = 15
	round  = 30 * time.Millisecond
)

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func must[T any](value T, err error) T {
	check(err)
	return value
}

// best returns nanoseconds a call, of the best round; rounds are of equal length.
func best(call func()) float64 {
	call()
	count := 1
	for begin := time.Now(); ; begin = time.Now() {
		for range count {
			call()
		}
		if time.Since(begin) >= round/4 {
			break
		}
		count *= 2
	}
	least := time.Duration(1<<63 - 1)
	for range rounds {
		begin := time.Now()
		for range count {
			call()
		}
		least = min(least, time.Since(begin))
	}
	return float64(least) / float64(count)
}

// keys are either numbers or texts.
type keys struct {
	name    string
	numbers []int64
	texts   []string
}

func (k *keys) set(request *feature.Request) {
	if k.texts != nil {
		check(feature.SetKey(request, k.name, k.texts, nil))
		return
	}
	check(feature.SetKey(request, k.name, k.numbers, nil))
}

// measure prints the rows of one number of keys.
func measure(store *feature.Store, features string, k *keys) {
	query := must(store.Query(features, nil))
	defer query.Close()
	dense := must(store.Query(features, &feature.QueryOptions{Matrix: true}))
	defer dense.Close()
	columns, matrix := must(query.Request()), must(dense.Request())
	defer columns.Close()
	defer matrix.Close()
	names := query.Columns()
	out := make([]float32, max(len(k.numbers), len(k.texts))*dense.MatrixWidth())
	print := func(name string, call func()) {
		check(json.NewEncoder(os.Stdout).Encode(struct {
			Language string  `json:"language"`
			Name     string  `json:"name"`
			What     string  `json:"what"`
			Keys     int     `json:"keys"`
			Columns  int     `json:"columns"`
			NS       float64 `json:"ns"`
		}{"go", "go_" + name, name, max(len(k.numbers), len(k.texts)), len(names), best(call)}))
	}
	print("columns", func() { // read, and every column by name
		k.set(columns)
		check(columns.Read())
		for i := range names {
			column, err := columns.Column(names[i].Name)
			check(err)
			if column.Rows != max(len(k.numbers), len(k.texts)) {
				log.Fatal("rows are missing")
			}
		}
	})
	print("matrix", func() {
		k.set(matrix)
		check(matrix.ReadMatrix(out, dense.MatrixWidth()))
	})
}

// makeStore writes the rows 0 to rows-1.
func makeStore(path string, rows int) {
	store := must(feature.Open(path, &feature.Options{Create: true}))
	defer store.Close()
	var names []string
	for i := range 20 {
		names = append(names, fmt.Sprintf("f%d FLOAT32", i))
	}
	must(store.Apply("CREATE ENTITY bench_entity (k INT64);\nCREATE FEATURE VIEW bench ("+
		strings.Join(names, ", ")+") FOR bench_entity;", nil))
	batch := must(store.Batch("bench", feature.Upsert))
	defer batch.Close()
	for first := 0; first < rows; first += 100_000 {
		numbers, times, values := []int64{}, []time.Time{}, []float32{}
		for i := first; i < min(first+100_000, rows); i++ {
			numbers, times, values = append(numbers, int64(i)), append(times, time.Unix(1_700_000_000, 0)), append(values, float32(i))
		}
		check(errors.Join(feature.Set(batch, "k", numbers, nil), feature.Set(batch, "event_timestamp", times, nil)))
		for i := range 20 {
			check(feature.Set(batch, fmt.Sprintf("f%d", i), values, nil))
		}
		must(store.Write(nil, batch))
	}
}

func main() {
	log.SetFlags(0)
	counts := flag.String("keys", "1,10,100,1000", "numbers of keys")
	limits := flag.String("range", "0:1000000", "of the keys the store holds")
	prefix := flag.String("prefix", "", "of keys that are texts")
	isNew := flag.Bool("make", false, "make the store first")
	flag.Parse()
	if flag.NArg() != 3 {
		flag.Usage()
		os.Exit(2)
	}
	from, to, _ := strings.Cut(*limits, ":")
	low, high := must(strconv.ParseInt(from, 10, 64)), must(strconv.ParseInt(to, 10, 64))
	if *isNew {
		makeStore(flag.Arg(0), int(high))
	}
	store := must(feature.Open(flag.Arg(0), &feature.Options{ReadOnly: true}))
	defer store.Close()
	chance := rand.New(rand.NewPCG(1, 1))
	for _, count := range strings.Split(*counts, ",") {
		k := &keys{name: flag.Arg(2)}
		for range must(strconv.Atoi(count)) {
			number := low + chance.Int64N(high-low)
			if *prefix != "" {
				k.texts = append(k.texts, *prefix+strconv.FormatInt(number, 10))
			} else {
				k.numbers = append(k.numbers, number)
			}
		}
		measure(store, flag.Arg(1), k)
	}
}
