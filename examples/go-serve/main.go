// SPDX-License-Identifier: Apache-2.0

// Go-serve answers features over HTTP, from a store on this machine:
//
//	go-serve -store build/demo/store -listen localhost:8080
//	curl 'localhost:8080/feature/departure_v1?tailnum=N473UA&origin_faa=LGA&destination_faa=IAH&as_of=2013-07-01T21:00:00Z'
//	curl localhost:8080/feature/departure_v1 -d '{"keys": {"tailnum": ["N473UA", "N14228"],
//	    "origin_faa": "LGA", "destination_faa": "IAH"}, "as_of": "2013-07-01T21:00:00Z"}'
//
// A writer may be at work in another process: each read sees the newest commit.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	feature "github.com/libfeature/libfeature/bindings/go"
)

func main() {
	path := flag.String("store", "build/demo/store", "the store's directory")
	listen := flag.String("listen", "localhost:8080", "address to listen on")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	listener, err := net.Listen("tcp", *listen)
	if err == nil {
		err = serve(ctx, *path, listener)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "go-serve:", err)
		os.Exit(1)
	}
}

// serve answers until the context ends, then lets the requests under way finish
// and closes the store.
func serve(ctx context.Context, path string, listener net.Listener) error {
	store, err := feature.Open(path, &feature.Options{ReadOnly: true})
	if err != nil {
		listener.Close()
		return err
	}
	defer store.Close()
	handler := newHandler(store)
	defer handler.close()
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		IdleTimeout:       2 * time.Minute,
	}
	slog.Info("serving", "store", path, "address", listener.Addr().String())
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	limit, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := server.Shutdown(limit); err != nil {
		return err
	}
	if err := <-failed; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
