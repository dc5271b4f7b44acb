// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"sync"
	"time"

	feature "github.com/libfeature/libfeature/bindings/go"
)

const (
	maxRows = 10_000  // of one answer
	maxBody = 8 << 20 // bytes of one question
)

var serviceName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,63}$`)

// handler answers
//
//	GET  /feature/{service}?key=value&…   one row; &as_of=2013-07-01T21:00:00Z reads as of then
//	POST /feature/{service}               {"keys": {"key": [values], …}, "as_of": time}
//	GET  /metrics                         OpenMetrics
//
// As of a time before a row's event timestamp its state is NO_HISTORY: only the
// current row is kept for now.
type handler struct {
	http.ServeMux
	store    *feature.Store
	mutex    sync.Mutex
	services map[string]*service
}

// service is a prepared query and requests for it: one for each HTTP request
// under way, used again by later ones.
type service struct {
	query    *feature.Query
	requests sync.Pool
}

func newHandler(store *feature.Store) *handler {
	h := &handler{store: store, services: map[string]*service{}}
	h.HandleFunc("GET /feature/{service}", h.get)
	h.HandleFunc("POST /feature/{service}", h.post)
	h.HandleFunc("GET /metrics", h.metrics)
	return h
}

// close ends the queries; their requests follow with the pools.
func (h *handler) close() {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	for _, s := range h.services {
		s.query.Close()
	}
	clear(h.services)
}

// service prepares a feature service at its first use.
func (h *handler) service(name string) (*service, error) {
	if !serviceName.MatchString(name) {
		return nil, &problem{http.StatusBadRequest, "argument", fmt.Sprintf("%q is no name of a feature service", name)}
	}
	h.mutex.Lock()
	defer h.mutex.Unlock()
	if s := h.services[name]; s != nil {
		return s, nil
	}
	query, err := h.store.Query(name, nil)
	if err != nil {
		return nil, err
	}
	h.services[name] = &service{query: query}
	return h.services[name], nil
}

// forget lets the next request prepare the service again: a definition changed
// under it. A nil s was not even prepared.
func (h *handler) forget(name string, s *service) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	if s != nil && h.services[name] == s {
		delete(h.services, name)
		s.query.Close()
	}
}

func (s *service) request() (*feature.Request, error) {
	if r, ok := s.requests.Get().(*feature.Request); ok {
		return r, nil
	}
	return s.query.Request()
}

// question is what is asked, from a URL or from a body.
type question struct {
	Keys map[string]values `json:"keys"`
	AsOf *time.Time        `json:"as_of"`
}

func (h *handler) get(w http.ResponseWriter, r *http.Request) {
	q := question{Keys: map[string]values{}}
	parameters := r.URL.Query()
	if asOf := parameters.Get("as_of"); asOf != "" {
		at, err := time.Parse(time.RFC3339, asOf)
		if err != nil {
			fail(w, &problem{http.StatusBadRequest, "argument", "as_of is no time like 2013-07-01T21:00:00Z"})
			return
		}
		q.AsOf = &at
	}
	delete(parameters, "as_of")
	for name, texts := range parameters {
		if len(texts) != 1 {
			fail(w, &problem{http.StatusBadRequest, "argument", "key " + name + " is given twice; POST asks for many rows"})
			return
		}
		q.Keys[name] = values{texts[0]}
	}
	h.answer(w, r, &q)
}

func (h *handler) post(w http.ResponseWriter, r *http.Request) {
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	decoder.DisallowUnknownFields()
	decoder.UseNumber()
	var q question
	if err := decoder.Decode(&q); err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			fail(w, &problem{http.StatusRequestEntityTooLarge, "argument", fmt.Sprintf("the body is larger than %d bytes", maxBody)})
			return
		}
		fail(w, &problem{http.StatusBadRequest, "argument", "the body is not what is expected: " + err.Error()})
		return
	}
	h.answer(w, r, &q)
}

// answer reads and writes the answer. A query that a change of the definitions
// has outdated is prepared again, once.
func (h *handler) answer(w http.ResponseWriter, r *http.Request, q *question) {
	name := r.PathValue("service")
	var out *answer
	for try := 0; ; try++ {
		s, err := h.service(name)
		if err == nil {
			out, err = s.read(name, q)
		}
		if errors.Is(err, feature.ErrConflict) && try == 0 {
			h.forget(name, s)
			continue
		}
		if err != nil {
			fail(w, err)
			return
		}
		break
	}
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(out); err != nil {
		slog.Warn("answer", "error", err)
	}
}

func (s *service) read(name string, q *question) (*answer, error) {
	if err := q.check(s.query.Keys()); err != nil {
		return nil, err
	}
	request, err := s.request()
	if err != nil {
		return nil, err
	}
	defer s.requests.Put(request)
	request.Clear()
	for _, key := range s.query.Keys() {
		if err := setKey(request, key, q.Keys[key.Name]); err != nil {
			return nil, err
		}
	}
	if q.AsOf != nil {
		if err := request.SetAsOf([]int64{q.AsOf.UnixMicro()}); err != nil {
			return nil, err
		}
	}
	if err := request.Read(); err != nil {
		return nil, err
	}
	return answerOf(name, request)
}

func (h *handler) metrics(w http.ResponseWriter, _ *http.Request) {
	text, err := h.store.Metrics()
	if err != nil {
		fail(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/openmetrics-text; version=1.0.0; charset=utf-8")
	fmt.Fprint(w, text)
}

// problem is an error of the caller's that the library was never asked about.
type problem struct {
	status  int
	reason  string
	message string
}

func (p *problem) Error() string { return p.message }

// fail answers an error as JSON: 4xx where the caller can do something about it.
func fail(w http.ResponseWriter, err error) {
	out := struct {
		Error  string `json:"error"`
		Reason string `json:"reason"`
	}{err.Error(), "internal"}
	status := http.StatusInternalServerError
	var own *problem
	var detail *feature.Error
	switch {
	case errors.As(err, &own):
		status, out.Reason = own.status, own.reason
	case errors.As(err, &detail):
		status, out.Reason, out.Error = statusOf(err), detail.Reason, detail.Message
	}
	if status >= 500 {
		slog.Error("read", "error", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(out)
}

func statusOf(err error) int {
	switch {
	case errors.Is(err, feature.ErrClosed), errors.Is(err, feature.ErrBusy), errors.Is(err, feature.ErrFull):
		return http.StatusServiceUnavailable
	case errors.Is(err, feature.ErrInvalid):
		return http.StatusBadRequest
	case errors.Is(err, feature.ErrNotFound):
		return http.StatusNotFound
	case errors.Is(err, feature.ErrConflict):
		return http.StatusConflict
	}
	return http.StatusInternalServerError
}
