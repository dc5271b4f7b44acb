// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	feature "github.com/libfeature/libfeature/bindings/go"
)

// values are of one join key: strings, json.Number and nil for null. In JSON they
// are a list, or one value for all rows.
type values []any

func (v *values) UnmarshalJSON(text []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if text[0] != '[' {
		*v = make(values, 1)
		return decoder.Decode(&(*v)[0])
	}
	return decoder.Decode((*[]any)(v))
}

// check finds out, before anything is read, whether the keys are those of the
// service, and not too many.
func (q *question) check(keys []feature.Field) error {
	wanted := map[string]bool{}
	rows := 1
	for _, key := range keys {
		wanted[key.Name] = true
		given, ok := q.Keys[key.Name]
		if !ok {
			return &problem{http.StatusBadRequest, "argument", "key " + key.Name + " is missing"}
		}
		if n := len(given); n != 1 && rows != 1 && n != rows {
			return &problem{http.StatusBadRequest, "argument",
				fmt.Sprintf("key %s has %d values, another has %d", key.Name, n, rows)}
		} else if n != 1 {
			rows = n
		}
	}
	for name := range q.Keys {
		if !wanted[name] {
			return &problem{http.StatusBadRequest, "name", fmt.Sprintf("the service has no key %q", name)}
		}
	}
	if rows > maxRows {
		return &problem{http.StatusRequestEntityTooLarge, "argument", fmt.Sprintf("%d rows are more than %d", rows, maxRows)}
	}
	return nil
}

// setKey converts a key's values to its type.
func setKey(request *feature.Request, key feature.Field, given values) error {
	switch key.Type {
	case feature.TypeInt64:
		return set(request, key, given, func(text string) (int64, error) { return strconv.ParseInt(text, 10, 64) })
	case feature.TypeBytes:
		return set(request, key, given, base64.StdEncoding.DecodeString)
	}
	return set(request, key, given, func(text string) (string, error) { return text, nil })
}

func set[T feature.Value](request *feature.Request, key feature.Field, given values, parse func(string) (T, error)) error {
	converted, valid := make([]T, len(given)), make([]bool, len(given))
	for i, value := range given {
		var err error
		switch v := value.(type) {
		case nil:
			continue
		case string:
			converted[i], err = parse(v)
		case json.Number:
			if err = errType; key.Type == feature.TypeInt64 {
				converted[i], err = parse(v.String())
			}
		default:
			err = errType
		}
		if err != nil {
			return &problem{http.StatusBadRequest, "argument",
				fmt.Sprintf("row %d, key %s: %v is no %v", i, key.Name, value, key.Type)}
		}
		valid[i] = true
	}
	return feature.SetKey(request, key.Name, converted, valid)
}

var errType = errors.New("another type")

// answer is what goes out. A null says by the view's state why it is one, and
// what was filled in is listed.
type answer struct {
	Service     string    `json:"service"`
	Commit      uint64    `json:"commit"` // with the clock: what the answer can be reproduced from
	Now         time.Time `json:"now"`
	Fingerprint string    `json:"fingerprint"` // of keys and columns: compare it with the model's
	Rows        []row     `json:"rows"`
}

type row struct {
	Features   map[string]any        `json:"features"`
	Defaulted  []string              `json:"defaulted,omitempty"`
	States     map[string]string     `json:"states"`
	Timestamps map[string]*time.Time `json:"timestamps"`
}

// answerOf copies an answer out of the request, which is used again.
func answerOf(name string, request *feature.Request) (*answer, error) {
	query := request.Query()
	out := &answer{
		Service:     name,
		Commit:      request.Commit(),
		Now:         request.Now(),
		Fingerprint: strconv.FormatUint(query.Fingerprint(), 16),
		Rows:        make([]row, request.Rows()),
	}
	for i := range out.Rows {
		out.Rows[i] = row{map[string]any{}, nil, map[string]string{}, map[string]*time.Time{}}
	}
	for _, field := range query.Columns() {
		column, err := request.Column(field.Name)
		if err != nil {
			return nil, err
		}
		for i := range out.Rows {
			out.Rows[i].Features[field.Name] = plain(column.Value(i))
			if column.Defaulted(i) {
				out.Rows[i].Defaulted = append(out.Rows[i].Defaulted, field.Name)
			}
		}
	}
	for _, view := range query.Views() {
		states, err := request.States(view.Name)
		if err != nil {
			return nil, err
		}
		times, err := request.Timestamps(view.Name)
		if err != nil {
			return nil, err
		}
		for i := range out.Rows {
			out.Rows[i].States[view.Name] = states[i].String()
			out.Rows[i].Timestamps[view.Name] = nil
			if times[i] != math.MinInt64 {
				at := time.UnixMicro(times[i]).UTC()
				out.Rows[i].Timestamps[view.Name] = &at
			}
		}
	}
	return out, nil
}

// plain makes a value JSON can hold: it has no word for NaN and infinities.
func plain(value any) any {
	switch v := value.(type) {
	case float32:
		return number(float64(v), v)
	case float64:
		return number(v, v)
	case []float32:
		return each(v, func(f float32) any { return number(float64(f), f) })
	case []float64:
		return each(v, func(f float64) any { return number(f, f) })
	}
	return value
}

func number(f float64, value any) any {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return strconv.FormatFloat(f, 'g', -1, 64)
	}
	return value
}

func each[T any](in []T, f func(T) any) []any {
	out := make([]any, len(in))
	for i := range in {
		out[i] = f(in[i])
	}
	return out
}
