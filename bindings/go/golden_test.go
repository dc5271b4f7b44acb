// SPDX-License-Identifier: Apache-2.0

package feature_test

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	feature "github.com/libfeature/libfeature/bindings/go"
)

// The vectors of tests/golden, whose README says what they mean. Other languages
// run the same files.

// goldenNoon is @0.
const goldenNoon = 1767268800000000

// goldenLine is one line of a step: its words, and all after the first.
type goldenLine struct {
	number int
	words  []string
	rest   string
}

// goldenCase is a case that runs: its store, and the step it is at.
type goldenCase struct {
	path  string
	now   int64
	store *feature.Store
	lines []goldenLine
	line  goldenLine // the one a failure is about
}

// goldenFailure is what a step panics with, and the case reports.
type goldenFailure string

func (c *goldenCase) fail(format string, values ...any) {
	panic(goldenFailure(fmt.Sprintf("line %d, %q: %s", c.line.number, strings.Join(c.line.words, " "),
		fmt.Sprintf(format, values...))))
}

func (c *goldenCase) expect(what string, got, want any) {
	if !reflect.DeepEqual(got, want) {
		c.fail("%s: got %#v, wanted %#v", what, got, want)
	}
}

// peek tells whether the next line begins with the word, next takes it.
func (c *goldenCase) peek(word string) bool {
	return len(c.lines) > 0 && c.lines[0].words[0] == word
}

func (c *goldenCase) next(word string) bool {
	if !c.peek(word) {
		return false
	}
	c.line, c.lines = c.lines[0], c.lines[1:]
	return true
}

func (c *goldenCase) text(word string) string {
	var text strings.Builder
	for c.next(word) {
		text.WriteString(c.line.rest + "\n")
	}
	return text.String()
}

// finish compares the outcome of a step with its expectation.
func (c *goldenCase) finish(err error, ok func(words []string)) {
	for !c.peek("ok") && !c.peek("error") {
		if len(c.lines) == 0 {
			c.fail("the step has no expectation")
		}
		if err == nil {
			c.line = c.lines[0]
			c.fail("was not looked at")
		}
		c.lines = c.lines[1:]
	}
	if c.next("ok") {
		if err != nil {
			c.fail("got %v", err)
		}
		ok(c.line.words[1:])
		return
	}
	c.next("error")
	var detail *feature.Error
	if !errors.As(err, &detail) {
		c.fail("got %v", err)
	}
	c.expect("the status", detail.Status.String(), c.line.words[1])
	c.expect("the reason", detail.Reason, c.line.words[2])
	members := map[string]int64{"batch": int64(detail.Batch), "row": detail.Row,
		"line": int64(detail.Line), "column": int64(detail.Column)}
	for _, word := range c.line.words[3:] {
		name, value, _ := strings.Cut(word, "=")
		c.expect(name, members[name], c.number(value))
	}
}

func (c *goldenCase) number(word string) int64 {
	n, err := strconv.ParseInt(word, 10, 64)
	if err != nil {
		c.fail("%v", err)
	}
	return n
}

func (c *goldenCase) time(word string) int64 {
	if seconds, ok := strings.CutPrefix(word, "@"); ok {
		return goldenNoon + 1_000_000*c.number(seconds)
	}
	return c.number(word)
}

// shape is a written type: float32[3] has width 3, float32[] is a list.
type shape struct {
	name   string
	width  int
	isList bool
}

// column splits NAME:TYPE.
func (c *goldenCase) column(word string) (string, shape) {
	name, written, ok := strings.Cut(word, ":")
	if !ok {
		c.fail("%s has no type", word)
	}
	base, width, isVector := strings.Cut(strings.TrimSuffix(written, "]"), "[")
	switch {
	case !isVector:
		return name, shape{base, 1, false}
	case width == "":
		return name, shape{base, 1, true}
	}
	return name, shape{base, int(c.number(width)), false}
}

func (c *goldenCase) shapeOf(f feature.Field) shape {
	return shape{strings.ToLower(f.Type.String()), f.Width, f.List}
}

// scalar reads one value as the binding gives it.
func (c *goldenCase) scalar(typ, word string) any {
	switch typ {
	case "bool":
		return word == "true"
	case "int32":
		return int32(c.number(word))
	case "int64":
		return c.number(word)
	case "timestamp":
		return time.UnixMicro(c.time(word)).UTC()
	case "float32", "float64":
		f, err := strconv.ParseFloat(word, 64)
		if err != nil {
			c.fail("%v", err)
		}
		if typ == "float32" {
			return float32(f)
		}
		return f
	case "bytes":
		b, err := hex.DecodeString(strings.TrimPrefix(word, "x"))
		if err != nil {
			c.fail("%v", err)
		}
		return b
	case "string":
		return c.unescape(strings.TrimSuffix(strings.TrimPrefix(word, `"`), `"`))
	}
	c.fail("%s is no type", typ)
	return nil
}

func (c *goldenCase) unescape(word string) string {
	var out []byte
	for i := 0; i < len(word); i++ {
		if word[i] != '%' {
			out = append(out, word[i])
			continue
		}
		n, err := strconv.ParseUint(word[i+1:i+3], 16, 8)
		if err != nil {
			c.fail("%v", err)
		}
		out = append(out, byte(n))
		i += 2
	}
	return string(out)
}

// elements splits [a,b,c].
func elements(word string) []string {
	inner := strings.TrimSuffix(strings.TrimPrefix(word, "["), "]")
	if inner == "" {
		return nil
	}
	return strings.Split(inner, ",")
}

// bits makes a value comparable bit for bit: every NaN equals every other.
func bits(value any) any {
	switch v := value.(type) {
	case float32:
		if v != v {
			return "nan"
		}
		return math.Float32bits(v)
	case float64:
		if v != v {
			return "nan"
		}
		return math.Float64bits(v)
	}
	return value
}

// expectValue compares what Column.Value gave with a word.
func (c *goldenCase) expectValue(what string, s shape, got any, word string) {
	switch {
	case word == "null":
		c.expect(what, got, nil)
	case got == nil:
		c.fail("%s: got null, wanted %s", what, word)
	case s.isList || s.width > 1:
		list, words := reflect.ValueOf(got), elements(word)
		c.expect(what+", elements", list.Len(), len(words))
		for i, word := range words {
			c.expect(what, bits(list.Index(i).Interface()), bits(c.scalar(s.name, word)))
		}
	default:
		c.expect(what, bits(got), bits(c.scalar(s.name, word)))
	}
}

// goldenSet hands a column of words to one of the Set functions.
func goldenSet[T feature.Value](c *goldenCase, to any, name string, s shape, words []string) error {
	var values []T
	var lists [][]T
	valid := make([]bool, len(words))
	for i, word := range words {
		valid[i] = word != "null"
		parts := []string{word}
		switch {
		case s.isList && valid[i], s.width > 1 && valid[i]:
			parts = elements(word)
		case s.isList:
			parts = nil
		case s.width > 1:
			parts = make([]string, s.width)
		}
		var list []T
		for _, part := range parts {
			var value T
			if valid[i] {
				value = c.scalar(s.name, part).(T)
			}
			list = append(list, value)
		}
		values, lists = append(values, list...), append(lists, list)
	}
	switch to := to.(type) {
	case *feature.Request:
		return feature.SetKey(to, name, values, valid)
	case *feature.Batch:
		if s.isList {
			return feature.SetList(to, name, lists, valid)
		}
		return feature.Set(to, name, values, valid)
	}
	panic("neither a batch nor a request")
}

func (c *goldenCase) set(to any, name string, s shape, words []string) error {
	switch s.name {
	case "bool":
		return goldenSet[bool](c, to, name, s, words)
	case "int32":
		return goldenSet[int32](c, to, name, s, words)
	case "int64":
		return goldenSet[int64](c, to, name, s, words)
	case "float32":
		return goldenSet[float32](c, to, name, s, words)
	case "float64":
		return goldenSet[float64](c, to, name, s, words)
	case "string":
		return goldenSet[string](c, to, name, s, words)
	case "bytes":
		return goldenSet[[]byte](c, to, name, s, words)
	case "timestamp":
		return goldenSet[time.Time](c, to, name, s, words)
	}
	c.fail("%s is no type", s.name)
	return nil
}

func (c *goldenCase) open() {
	var err error
	c.store, err = feature.Open(c.path, &feature.Options{Create: true, FixedNow: time.UnixMicro(c.now),
		MapSize: 1 << 28, Sync: feature.SyncLastTxn})
	if err != nil {
		c.fail("%v", err)
	}
}

func (c *goldenCase) expectCommit(commit feature.Commit, words []string) {
	at := int64(0)
	if !commit.Time.IsZero() {
		at = commit.Time.UnixMicro()
	}
	c.expect("the sequence", commit.Sequence, uint64(c.number(words[0])))
	c.expect("the commit's time", at, c.time(words[1]))
	counts := []uint64{commit.Applied, commit.Late, commit.Duplicate, commit.Future, commit.Rejected}
	for i, word := range words[2:] {
		c.expect("counts of applied, late, duplicate, future, rejected", counts[i], uint64(c.number(word)))
	}
}

func (c *goldenCase) apply() {
	options := feature.ApplyOptions{}
	if c.next("expect") {
		options.Expect = uint64(c.number(c.line.words[1]))
	}
	commit, err := c.store.Apply(c.text("|"), &options)
	c.finish(err, func(words []string) { c.expectCommit(commit, words) })
}

func (c *goldenCase) plan() {
	changes, err := c.store.Plan(c.text("|"))
	if err == nil {
		c.expect("the plan", changes, c.text(">"))
	}
	c.finish(err, func([]string) {})
}

func (c *goldenCase) describe() {
	name := strings.Join(c.line.words[1:], " ")
	definitions, err := c.store.Describe(name)
	if err == nil {
		c.expect("the definitions", definitions, c.text(">"))
	}
	c.finish(err, func([]string) {})
}

func (c *goldenCase) stats() {
	stats, err := c.store.Stats()
	if err != nil {
		c.fail("%v", err)
	}
	members := map[string]uint64{"sequence": stats.Sequence, "catalog_version": stats.CatalogVersion,
		"rows": stats.Rows, "tombstones": stats.Tombstones, "applied": stats.Applied, "late": stats.Late,
		"entities": uint64(stats.Entities), "views": uint64(stats.Views), "services": uint64(stats.Services)}
	for _, word := range c.line.words[1:] {
		name, value, _ := strings.Cut(word, "=")
		got, ok := members[name]
		if !ok {
			c.fail("%s is not looked at", name)
		}
		c.expect(name, got, uint64(c.number(value)))
	}
}

func (c *goldenCase) clock() {
	c.now = c.time(c.line.words[1])
	c.store.Close()
	c.open()
}

// goldenBatch is a batch of a step, with the lines of its rows.
type goldenBatch struct {
	batch *feature.Batch
	rows  []goldenLine
}

func (c *goldenCase) write() {
	options := feature.WriteOptions{SkipInvalid: c.next("skip_invalid")}
	var err error
	var made []goldenBatch
	var batches []*feature.Batch
	for c.peek("batch") && err == nil {
		var one goldenBatch
		one, err = c.batch()
		if one.batch != nil {
			defer one.batch.Close()
		}
		made, batches = append(made, one), append(batches, one.batch)
	}
	var commit feature.Commit
	if err == nil {
		commit, err = c.store.Write(&options, batches...)
	}
	if err == nil {
		for _, one := range made {
			c.expectOutcomes(one)
		}
	}
	c.finish(err, func(words []string) { c.expectCommit(commit, words) })
}

func (c *goldenCase) batch() (made goldenBatch, err error) {
	c.next("batch")
	view, operation := c.line.words[1], map[string]feature.Operation{
		"upsert": feature.Upsert, "patch": feature.Patch, "delete": feature.Delete}[c.line.words[2]]
	if !c.next("columns") {
		c.fail("a batch has columns")
	}
	var names []string
	var shapes []shape
	isAll := c.line.words[1] == "*"
	for _, word := range c.line.words[1:] {
		if word != "*" {
			name, s := c.column(word)
			names, shapes = append(names, name), append(shapes, s)
		}
	}
	asked := names
	if isAll {
		asked = nil
	}
	made.batch, err = c.store.Batch(view, operation, asked...)
	if err != nil {
		return made, err
	}
	for i, f := range made.batch.Columns() {
		c.expect("the batch's column", f.Name, names[i])
	}
	for c.next("row") {
		made.rows = append(made.rows, c.line)
	}
	for i, name := range names {
		var words []string
		for _, row := range made.rows {
			words = append(words, row.words[1+i])
		}
		if err := c.set(made.batch, name, shapes[i], words); err != nil {
			return made, err
		}
	}
	return made, nil
}

func (c *goldenCase) expectOutcomes(made goldenBatch) {
	outcomes := made.batch.Outcomes()
	c.expect("the number of outcomes", len(outcomes), len(made.rows))
	width := len(made.batch.Columns())
	for i, row := range made.rows {
		c.line = row
		want := row.words[width+1:]
		c.expect("before the outcome", want[0], "=")
		c.expect("the outcome", strings.ToLower(outcomes[i].String()), want[1])
		var detail *feature.Error
		if errors.As(made.batch.Problem(i), &detail) != (want[1] == "rejected") {
			c.fail("the problem is %v", detail)
		}
		if detail != nil {
			c.expect("the problem", []string{detail.Status.String(), detail.Reason}, want[2:])
		}
	}
}

func (c *goldenCase) read(isMatrix bool) {
	if !c.next("features") {
		c.fail("a read has features")
	}
	features := c.line.rest
	options := feature.QueryOptions{Matrix: isMatrix}
	if c.next("fill") {
		options.Fill = map[string]feature.Fill{"nulls": feature.FillNulls, "stale": feature.FillStale}[c.line.words[1]]
	}
	if c.next("known_by") {
		options.KnownBy = time.UnixMicro(c.time(c.line.words[1]))
	}
	query, err := c.store.Query(features, &options)
	if err != nil {
		c.finish(err, nil)
		return
	}
	defer query.Close()
	request, err := query.Request()
	if err != nil {
		c.fail("%v", err)
	}
	defer request.Close()
	rows := 0
	for i := 0; c.next("key"); i++ {
		name, s := c.column(c.line.words[1])
		c.expect("the key", query.Keys()[i].Name, name)
		rows = max(rows, len(c.line.words)-2)
		if err = errors.Join(err, c.set(request, name, s, c.line.words[2:])); err != nil {
			break
		}
	}
	if c.next("as_of") && err == nil {
		var times []int64
		for _, word := range c.line.words[1:] {
			times = append(times, c.time(word))
		}
		rows = max(rows, len(times))
		err = request.SetAsOf(times)
	}
	matrix := make([]float32, rows*query.MatrixWidth())
	if err == nil && isMatrix {
		err = request.ReadMatrix(matrix, query.MatrixWidth())
	} else if err == nil {
		err = request.Read()
	}
	if err == nil {
		c.expectAnswer(request, matrix, isMatrix)
	}
	c.finish(err, func(words []string) {
		c.expect("the commit", request.Commit(), uint64(c.number(words[0])))
		c.expect("the clock", request.Now().UnixMicro(), c.time(words[1]))
	})
}

func (c *goldenCase) expectAnswer(request *feature.Request, matrix []float32, isMatrix bool) {
	query := request.Query()
	if !c.next("views") {
		c.fail("an answer has views")
	}
	views := c.line.words[1:]
	c.expect("the number of views", len(query.Views()), len(views))
	for i, view := range query.Views() {
		c.expect("the view", view.Name, views[i])
	}
	if !c.next("columns") {
		c.fail("an answer has columns")
	}
	c.expect("the number of columns", len(query.Columns()), len(c.line.words)-1)
	for i, f := range query.Columns() {
		name, s := c.column(c.line.words[1+i])
		c.expect("the column", f.Name, name)
		c.expect("its type", c.shapeOf(f), s)
	}
	row := 0
	for ; c.next("row"); row++ {
		c.expectStates(request, views, row)
		words := c.line.words[2+2*len(views):]
		if isMatrix {
			width := query.MatrixWidth()
			c.expect("the width of the matrix", len(words), width)
			for i, word := range words {
				c.expectValue("the float", shape{"float32", 1, false}, matrix[row*width+i], word)
			}
			continue
		}
		c.expect("the number of values", len(words), len(query.Columns()))
		for i, f := range query.Columns() {
			column, err := request.Column(f.Name)
			if err != nil {
				c.fail("%v", err)
			}
			word, isDefaulted := strings.CutSuffix(words[i], "*")
			c.expect(f.Name+", defaulted", column.Defaulted(row), isDefaulted)
			c.expectValue(f.Name, c.shapeOf(f), column.Value(row), word)
		}
	}
	c.expect("the number of rows", request.Rows(), row)
}

func (c *goldenCase) expectStates(request *feature.Request, views []string, row int) {
	for i, view := range views {
		states, err := request.States(view)
		if err != nil {
			c.fail("%v", err)
		}
		times, err := request.Timestamps(view)
		if err != nil {
			c.fail("%v", err)
		}
		want := int64(math.MinInt64)
		if word := c.line.words[2+2*i]; word != "-" {
			want = c.time(word)
		}
		c.expect(view+"'s state", strings.ToLower(states[row].String()), c.line.words[1+2*i])
		c.expect(view+"'s event timestamp", times[row], want)
	}
	c.expect("after the states", c.line.words[1+2*len(views)], "=")
}

// step runs one block.
func (c *goldenCase) step(lines []goldenLine) {
	c.line, c.lines = lines[0], lines[1:]
	switch c.line.words[0] {
	case "apply":
		c.apply()
	case "plan":
		c.plan()
	case "describe":
		c.describe()
	case "stats":
		c.stats()
	case "clock":
		c.clock()
	case "write":
		c.write()
	case "read", "matrix":
		c.read(c.line.words[0] == "matrix")
	default:
		c.fail("is no step")
	}
	if len(c.lines) > 0 {
		c.line = c.lines[0]
		c.fail("was not looked at")
	}
}

// goldenBlocks reads a file.
func goldenBlocks(t *testing.T, path string) (blocks [][]goldenLine) {
	text := must(os.ReadFile(path))(t)
	var block []goldenLine
	for i, line := range strings.Split(string(text), "\n") {
		switch {
		case strings.HasPrefix(line, "#"):
		case line == "":
			if block != nil {
				blocks = append(blocks, block)
			}
			block = nil
		default:
			_, rest, _ := strings.Cut(line, " ")
			block = append(block, goldenLine{i + 1, strings.Split(line, " "), rest})
		}
	}
	return blocks
}

// TestGoldenVectors runs the cases that every language runs.
func TestGoldenVectors(t *testing.T) {
	directory := os.Getenv("FEATURE_GOLDEN")
	if directory == "" {
		directory = "../../tests/golden/vectors"
	}
	files, _ := filepath.Glob(filepath.Join(directory, "*.txt"))
	if len(files) == 0 {
		t.Skip("there are no vectors outside the repository")
	}
	for _, file := range files {
		blocks := goldenBlocks(t, file)
		for len(blocks) > 0 {
			name := blocks[0][0].words[1]
			steps := blocks[1:]
			for blocks = steps; len(blocks) > 0 && blocks[0][0].words[0] != "case"; blocks = blocks[1:] {
			}
			t.Run(name, func(t *testing.T) {
				c := &goldenCase{path: filepath.Join(t.TempDir(), "store"), now: goldenNoon}
				defer func() {
					if c.store != nil {
						c.store.Close()
					}
					switch failure := recover().(type) {
					case nil:
					case goldenFailure:
						t.Fatalf("%s, %s", filepath.Base(file), string(failure))
					default:
						panic(failure)
					}
				}()
				c.open()
				for _, step := range steps[:len(steps)-len(blocks)] {
					c.step(step)
				}
			})
		}
	}
}
