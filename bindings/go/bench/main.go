// SPDX-License-Identifier: Apache-2.0

// Bench times reads from Go, for the bindings bench; bench/bindings_keys.h of the
// repository says what is timed, and how:
//
//	go run ./bench STORE FEATURES FIRST LAST [ROUNDS]
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"os"
	"slices"
	"strconv"
	"time"

	feature "github.com/libfeature/libfeature/bindings/go"
)

const calls = 64 // different sets of keys of a size

// sizes are numbers of keys, with the calls of one sample: about a millisecond.
var sizes = []struct{ keys, calls int }{{1, 1280}, {10, 512}, {100, 128}, {1000, 32}}

func check(err error) {
	if err != nil {
		log.Fatal("bench: ", err)
	}
}

func must[T any](value T, err error) T {
	check(err)
	return value
}

// mix is the finalizer of splitmix64.
func mix(i uint64) uint64 {
	i += 0x9e3779b97f4a7c15
	i = (i ^ (i >> 30)) * 0xbf58476d1ce4e5b9
	i = (i ^ (i >> 27)) * 0x94d049bb133111eb
	return i ^ (i >> 31)
}

// keys are those of one call, in each form.
type keys struct {
	numbers []int64
	strings []string
	texts   feature.Texts
}

// makeKeys lays the keys of all calls out one behind the other, as the program in
// C does.
func makeKeys(count int, first, last int64) []keys {
	numbers, texts := make([]int64, calls*count), make([]string, calls*count)
	var bytes []byte
	for i := range numbers {
		numbers[i] = first + int64(mix(uint64(i))%uint64(last-first))
		bytes = fmt.Appendf(bytes, "user-%08d", numbers[i])
	}
	width := len(bytes) / len(numbers)
	offsets := make([]int32, count+1)
	for i := range offsets {
		offsets[i] = int32(i * width)
	}
	for i := range texts {
		texts[i] = string(bytes[i*width : (i+1)*width])
	}
	all := make([]keys, calls)
	for c := range all {
		from, to := c*count, (c+1)*count
		all[c] = keys{numbers[from:to], texts[from:to], feature.Texts{Bytes: bytes[from*width : to*width], Offsets: offsets}}
	}
	return all
}

// bench is one store, read by a request for each method.
type bench struct {
	key      feature.Field
	columns  []feature.Field
	width    int
	matrices *feature.Request
	reads    *feature.Request
	matrix   []float32
	sum      float64 // of what was looked at
}

func (b *bench) setKey(request *feature.Request, k *keys) {
	if b.key.Type == feature.TypeString {
		check(request.SetKeyTexts(b.key.Name, k.texts, nil))
		return
	}
	check(feature.SetKey(request, b.key.Name, k.numbers, nil))
}

func (b *bench) readMatrix(k *keys) {
	b.setKey(b.matrices, k)
	check(b.matrices.ReadMatrix(b.matrix, b.width))
	b.sum += float64(b.matrix[0])
}

func (b *bench) readMatrixFromStrings(k *keys) {
	check(feature.SetKey(b.matrices, b.key.Name, k.strings, nil))
	check(b.matrices.ReadMatrix(b.matrix, b.width))
	b.sum += float64(b.matrix[0])
}

func (b *bench) readColumns(k *keys) {
	b.setKey(b.reads, k)
	check(b.reads.Read())
	for i := range b.columns {
		values := must(feature.Values[float32](b.reads, b.columns[i].Name))
		b.sum += float64(values[0] + values[len(values)-1])
	}
}

func main() {
	log.SetFlags(0)
	if len(os.Args) < 5 {
		log.Fatal("usage: bench STORE FEATURES FIRST LAST [ROUNDS]")
	}
	first, last := must(strconv.ParseInt(os.Args[3], 10, 64)), must(strconv.ParseInt(os.Args[4], 10, 64))
	rounds := 15
	if len(os.Args) > 5 {
		rounds = must(strconv.Atoi(os.Args[5]))
	}
	store := must(feature.Open(os.Args[1], &feature.Options{ReadOnly: true}))
	defer store.Close()
	query := must(store.Query(os.Args[2], &feature.QueryOptions{Matrix: true}))
	defer query.Close()
	b := &bench{key: query.Keys()[0], columns: query.Columns(), width: query.MatrixWidth(),
		matrices: must(query.Request()), reads: must(query.Request())}
	defer b.matrices.Close()
	defer b.reads.Close()
	b.matrix = make([]float32, b.width*sizes[len(sizes)-1].keys)
	methods := []method{{"matrix", b.readMatrix}, {"columns", b.readColumns}}
	if b.key.Type == feature.TypeString {
		methods = append(methods, method{"matrix_from_strings", b.readMatrixFromStrings})
	}
	b.run(methods, rounds, first, last)
}

type method struct {
	what string
	run  func(*keys)
}

// run times every method at every size in each round, so that a slow moment of
// the machine meets all of them, and prints the median over the rounds.
func (b *bench) run(methods []method, rounds int, first, last int64) {
	times := make([][][]float64, len(methods))
	sets := make([][]keys, len(sizes))
	for s := range sizes {
		sets[s] = makeKeys(sizes[s].keys, first, last)
	}
	for m := range times {
		times[m] = make([][]float64, len(sizes))
	}
	for round := -1; round < rounds; round++ { // the first warms up
		for s, size := range sizes {
			for m := range times {
				begin := time.Now()
				for call := range size.calls {
					methods[m].run(&sets[s][call%calls])
				}
				if took := time.Since(begin); round >= 0 {
					times[m][s] = append(times[m][s], float64(took)/float64(size.calls))
				}
			}
		}
	}
	for m := range times {
		for s, size := range sizes {
			slices.Sort(times[m][s])
			check(json.NewEncoder(os.Stdout).Encode(struct {
				Language string  `json:"language"`
				Key      string  `json:"key"`
				Keys     int     `json:"keys"`
				What     string  `json:"what"`
				NS       float64 `json:"ns"`
			}{"go", map[bool]string{true: "string", false: "int64"}[b.key.Type == feature.TypeString],
				size.keys, methods[m].what, times[m][s][rounds/2]}))
		}
	}
}
