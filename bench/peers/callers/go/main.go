// A caller as people write it in Go: net/http in front, a context deadline around the call, one shared keep-alive client.
//
// usage: peer PORT UPSTREAM_PORT TIMEOUT_MS
//
// Answers: the upstream's own; 504 when the context's deadline passed, 502 otherwise.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"
)

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: peer PORT UPSTREAM_PORT TIMEOUT_MS")
		os.Exit(2)
	}
	millis, err := strconv.Atoi(os.Args[3])
	if err != nil {
		fmt.Fprintln(os.Stderr, "peer: timeout is not a number of milliseconds:", os.Args[3])
		os.Exit(2)
	}
	timeout := time.Duration(millis) * time.Millisecond
	client := &http.Client{Transport: &http.Transport{MaxIdleConns: 1024, MaxIdleConnsPerHost: 1024}}

	handle := func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), timeout)
		defer cancel()
		request, err := http.NewRequestWithContext(ctx, r.Method, "http://127.0.0.1:"+os.Args[2]+r.URL.RequestURI(), nil)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		request.Header.Set("X-Request-Id", r.Header.Get("X-Request-Id"))
		answer, err := client.Do(request)
		var body []byte
		if err == nil {
			body, err = io.ReadAll(answer.Body)
			answer.Body.Close()
		}
		switch {
		case err == nil:
			w.WriteHeader(answer.StatusCode)
			w.Write(body)
		case errors.Is(err, context.DeadlineExceeded):
			http.Error(w, err.Error(), http.StatusGatewayTimeout)
		default:
			http.Error(w, err.Error(), http.StatusBadGateway)
		}
	}
	http.HandleFunc("/health", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, "ok") })
	http.HandleFunc("/", handle)
	listener, err := net.Listen("tcp", "127.0.0.1:"+os.Args[1])
	if err == nil {
		err = http.Serve(listener, nil)
	}
	fmt.Fprintln(os.Stderr, "peer:", err)
	os.Exit(2)
}
