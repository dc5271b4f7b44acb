// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	feature "github.com/libfeature/libfeature/bindings/go"
)

const definitions = `
CREATE ENTITY driver (driver_id INT64);
CREATE ENTITY city (city STRING);
CREATE FEATURE VIEW driver_stats (rate FLOAT32 DEFAULT 0.5, trips INT64, tags STRING[], embedding FLOAT32[2])
    FOR driver WITH (ttl = '2 hours');
CREATE FEATURE VIEW weather (temp FLOAT64) FOR city;
CREATE FEATURE SERVICE ride_v1 AS driver_stats(*), weather(temp);
`

var noon = time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC)

func open(t testing.TB) (*feature.Store, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "store")
	store, err := feature.Open(path, &feature.Options{Create: true, FixedNow: noon, MapSize: 1 << 28})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	_, err = store.Apply(definitions, nil)
	if err != nil {
		t.Fatal(err)
	}
	drivers, err := store.Batch("driver_stats", feature.Upsert)
	if err == nil {
		defer drivers.Close()
		err = errors.Join(
			feature.Set(drivers, "driver_id", []int64{1, 2}, nil),
			feature.Set(drivers, "event_timestamp", []time.Time{noon, noon.Add(-3 * time.Hour)}, nil),
			feature.Set(drivers, "rate", []float32{0.25, 0.75}, nil),
			feature.Set(drivers, "trips", []int64{1 << 60, 20}, nil),
			feature.SetList(drivers, "tags", [][]string{{"gold", `a"b`}, {}}, nil),
			feature.Set(drivers, "embedding", []float32{1, float32(math.NaN()), 2, 3}, nil),
		)
	}
	if err == nil {
		_, err = store.Write(nil, drivers)
	}
	if err != nil {
		t.Fatal(err)
	}
	return store, path
}

func ask(t testing.TB, server *httptest.Server, method, path, body string) (int, string) {
	t.Helper()
	request, err := http.NewRequest(method, server.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	response, err := server.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, strings.TrimSpace(string(text))
}

func start(t testing.TB) (*httptest.Server, *feature.Store) {
	store, _ := open(t)
	handler := newHandler(store)
	server := httptest.NewServer(handler)
	t.Cleanup(func() { server.Close(); handler.close() })
	return server, store
}

func TestGetAnswersOneRow(t *testing.T) {
	server, _ := start(t)
	status, text := ask(t, server, "GET", "/feature/ride_v1?driver_id=1&city=Bern", "")
	var got answer
	if err := json.Unmarshal([]byte(text), &got); status != 200 || err != nil {
		t.Fatal(status, text, err)
	}
	want := `"rows":[{"features":{"embedding":[1,"NaN"],"rate":0.25,"tags":["gold","a\"b"],"temp":null,"trips":1152921504606846976},` +
		`"states":{"driver_stats":"PRESENT","weather":"NOT_FOUND"},` +
		`"timestamps":{"driver_stats":"2024-05-01T12:00:00Z","weather":null}}]`
	if !strings.Contains(text, want) || got.Commit != 2 || !got.Now.Equal(noon) || got.Fingerprint == "" {
		t.Fatal(text)
	}
}

func TestPostAnswersManyRows(t *testing.T) {
	server, _ := start(t)
	_, text := ask(t, server, "POST", "/feature/ride_v1", `{"keys": {"driver_id": [1, "2", 3, null], "city": "Bern"}}`)
	var got answer
	if err := json.Unmarshal([]byte(text), &got); err != nil || len(got.Rows) != 4 {
		t.Fatal(text, err)
	}
	for i, want := range []string{"PRESENT", "OUTSIDE_MAX_AGE", "NOT_FOUND", "NO_KEY"} {
		if state := got.Rows[i].States["driver_stats"]; state != want {
			t.Errorf("row %d: got %s, wanted %s", i, state, want)
		}
		if isDefaulted := len(got.Rows[i].Defaulted) == 1; isDefaulted != (i > 0) {
			t.Errorf("row %d: defaulted are %v", i, got.Rows[i].Defaulted)
		}
	}
	_, text = ask(t, server, "POST", "/feature/ride_v1",
		`{"keys": {"driver_id": 2, "city": "Bern"}, "as_of": "2024-05-01T10:00:00Z"}`)
	if !strings.Contains(text, `"driver_stats":"PRESENT"`) || !strings.Contains(text, `"rate":0.75`) {
		t.Fatal(text)
	}
	if _, text = ask(t, server, "POST", "/feature/ride_v1", `{"keys": {"driver_id": [], "city": []}}`); !strings.Contains(text, `"rows":[]`) {
		t.Fatal(text)
	}
}

func TestMistakesAreNamed(t *testing.T) {
	server, store := start(t)
	many := strings.Repeat("1,", maxRows) + "1"
	for _, c := range []struct {
		method, path, body string
		status             int
		word               string
	}{
		{"GET", "/feature/nobody?driver_id=1", "", 404, "nobody"},
		{"GET", "/feature/driver_stats(*)?driver_id=1", "", 400, "no name"},
		{"GET", "/feature/driver_stats?driver_id=1", "", 400, "driver_stats(*)"},
		{"GET", "/feature/ride_v1?driver_id=1", "", 400, "city is missing"},
		{"GET", "/feature/ride_v1?driver_id=x&city=Bern", "", 400, "driver_id"},
		{"GET", "/feature/ride_v1?driver_id=1&city=Bern&who=1", "", 400, "who"},
		{"GET", "/feature/ride_v1?driver_id=1&driver_id=2&city=Bern", "", 400, "twice"},
		{"GET", "/feature/ride_v1?driver_id=1&city=Bern&as_of=now", "", 400, "as_of"},
		{"GET", "/feature/ride_v1?driver_id=1&city=%ff", "", 400, "UTF-8"},
		{"POST", "/feature/ride_v1", `{"keys": {"driver_id": [1.5], "city": "Bern"}}`, 400, "1.5"},
		{"POST", "/feature/ride_v1", `{"keys": {"driver_id": [true], "city": "Bern"}}`, 400, "true"},
		{"POST", "/feature/ride_v1", `{"keys": {"driver_id": [1], "city": [7]}}`, 400, "7"},
		{"POST", "/feature/ride_v1", `{"keys": {"driver_id": [1, 2], "city": ["a", "b", "c"]}}`, 400, "another has"},
		{"POST", "/feature/ride_v1", `{"keys": {"driver_id": [[1]], "city": "Bern"}}`, 400, "driver_id"},
		{"POST", "/feature/ride_v1", `{"keys": {"driver_id": [` + many + `], "city": "Bern"}}`, 413, "10001"},
		{"POST", "/feature/ride_v1", `{"keys"`, 400, "body"},
		{"POST", "/feature/ride_v1", `{"key": {}}`, 400, "body"},
		{"POST", "/feature/ride_v1", ``, 400, "body"},
		{"POST", "/feature/ride_v1", `{"keys": {"city": "` + strings.Repeat("x", maxBody) + `"}}`, 413, "bytes"},
		{"DELETE", "/feature/ride_v1", "", 405, ""},
		{"GET", "/", "", 404, ""},
	} {
		status, text := ask(t, server, c.method, c.path, c.body)
		if status != c.status || !strings.Contains(text, c.word) {
			t.Errorf("%s %s: got %d %s, wanted %d and %q", c.method, c.path, status, text, c.status, c.word)
		}
	}
	store.Close()
	if status, text := ask(t, server, "GET", "/feature/ride_v1?driver_id=1&city=Bern", ""); status != 503 || !strings.Contains(text, "closed") {
		t.Fatal(status, text)
	}
	if status, _ := ask(t, server, "GET", "/metrics", ""); status != 503 {
		t.Fatal(status)
	}
}

func TestAServiceFollowsAChangeOfDefinitions(t *testing.T) {
	server, store := start(t)
	path := "/feature/ride_v1?driver_id=1&city=Bern"
	if status, text := ask(t, server, "GET", path, ""); status != 200 {
		t.Fatal(text)
	}
	_, err := store.Apply("DROP FEATURE SERVICE ride_v1; DROP FEATURE driver_stats:trips;", nil)
	if err == nil {
		_, err = store.Apply("CREATE FEATURE SERVICE ride_v1 AS driver_stats(*), weather(temp);", nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	status, text := ask(t, server, "GET", path, "")
	if status != 200 || strings.Contains(text, "trips") {
		t.Fatal(status, text)
	}
}

func TestAServiceThatIsNotPreparedCanBeForgotten(t *testing.T) {
	store, _ := open(t)
	handler := newHandler(store)
	defer handler.close()
	handler.forget("ride_v1", nil)
	if _, err := handler.service("ride_v1"); err != nil {
		t.Fatal(err)
	}
	handler.forget("ride_v1", nil)
	if handler.services["ride_v1"] == nil {
		t.Fatal("another's service was forgotten")
	}
}

func TestMetricsAreOpenMetrics(t *testing.T) {
	server, _ := start(t)
	if status, text := ask(t, server, "GET", "/metrics", ""); status != 200 || !strings.HasSuffix(text, "# EOF") {
		t.Fatal(status, text)
	}
}

func TestManyAskAtOnce(t *testing.T) {
	server, _ := start(t)
	var group sync.WaitGroup
	for i := range 8 {
		group.Add(1)
		go func() {
			defer group.Done()
			for range 20 {
				path := fmt.Sprintf("/feature/ride_v1?driver_id=%d&city=Bern", 1+i%2)
				want := map[bool]string{true: `"rate":0.25`, false: `"driver_stats":"OUTSIDE_MAX_AGE"`}[i%2 == 0]
				if status, text := ask(t, server, "GET", path, ""); status != 200 || !strings.Contains(text, want) {
					t.Error(status, text)
					return
				}
			}
		}()
	}
	group.Wait()
}

func TestServeEndsWithItsContext(t *testing.T) {
	store, path := open(t)
	store.Close()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- serve(ctx, path, listener) }()
	response, err := http.Get("http://" + listener.Addr().String() + "/feature/ride_v1?driver_id=1&city=Bern")
	if err != nil || response.StatusCode != 200 {
		t.Fatal(response, err)
	}
	response.Body.Close()
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	listener, err = net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := serve(ctx, filepath.Join(path, "nowhere"), listener); !errors.Is(err, feature.ErrNotFound) {
		t.Fatal(err)
	}
}
