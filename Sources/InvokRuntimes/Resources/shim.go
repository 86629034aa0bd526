// Package invokshim serves one handler on the socket that Invok hands over.
// It keeps to the language of Go 1.16, since the function's go.mod decides the language version.
package invokshim

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	// Images for static programs know no time zones.
	_ "time/tzdata"
)

const (
	listenFD  = 3
	readyPath = "/_invok/ready"
	idHeader  = "X-Invok-Request-Id"
	// The server sees its caller leave once it has all of the body, so it takes one that is no longer in before.
	smallBody = 16 << 10
)

// Named is something of the function's package that may serve.
type Named struct {
	Name  string
	Value interface{}
}

// ServeFirst serves by the first of the values that can: a function of a request, an http.Handler, or what makes one.
// A handler is an app, which is mounted: it sees "/" for its own root. It does not return.
func ServeFirst(values ...Named) {
	for _, named := range values {
		switch value := named.Value.(type) {
		case func(http.ResponseWriter, *http.Request):
			Serve(value)
		case func() http.Handler:
			serve(value().ServeHTTP, true)
		case func() http.HandlerFunc:
			serve(value(), true)
		case http.Handler:
			serve(value.ServeHTTP, true)
		}
	}
	for _, named := range values {
		fmt.Fprintf(os.Stderr, "invok: %s is %T; it must be func(http.ResponseWriter, *http.Request) or an http.Handler\n",
			named.Name, named.Value)
	}
	os.Exit(1)
}

// Serve answers requests with handler until SIGTERM, then finishes what is in flight. It does not return.
func Serve(handler func(http.ResponseWriter, *http.Request)) { serve(handler, false) }

func serve(handler func(http.ResponseWriter, *http.Request), isApp bool) {
	mount := os.Getenv("INVOK_MOUNT")
	if mount == "root" || mount == "" && isApp {
		handler = mounted(handler, "/"+os.Getenv("INVOK_FUNCTION_NAME"))
	}
	listener, err := net.FileListener(os.NewFile(listenFD, "invok"))
	if err != nil {
		fmt.Fprintln(os.Stderr, "invok: no socket to listen on:", err)
		os.Exit(1)
	}
	server := &http.Server{
		Handler:                      http.HandlerFunc(guard(handler)),
		DisableGeneralOptionsHandler: true,
	}
	stopped := make(chan struct{})
	// Before anything is served: a signal that nobody has asked for yet would end the process at once.
	term := make(chan os.Signal, 1)
	signal.Notify(term, syscall.SIGTERM)
	go func() {
		<-term
		_ = server.Shutdown(context.Background())
		close(stopped)
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		fmt.Fprintln(os.Stderr, "invok: the server stopped:", err)
		os.Exit(1)
	}
	<-stopped
	os.Exit(0)
}

// mounted has the handler see "/" for its own root. Redirects to paths of its own lead back to where it stands.
func mounted(handler func(http.ResponseWriter, *http.Request), root string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, r *http.Request) {
		inner := new(http.Request)
		*inner = *r
		url := *r.URL
		url.Path, url.RawPath = below(root, url.Path), below(root, url.RawPath)
		inner.URL, inner.RequestURI = &url, below(root, r.RequestURI)
		w.(*response).prefix = r.Header.Get("X-Forwarded-Prefix")
		handler(w, inner)
	}
}

// below is the path as it is from a root.
func below(root, path string) string {
	rest := strings.TrimPrefix(path, root)
	switch {
	case len(rest) == len(path):
		return path
	case rest == "" || rest[0] == '?':
		return "/" + rest
	case rest[0] == '/':
		return rest
	}
	return path
}

// guard turns a panic into an answer that tells the caller nothing of the inside.
func guard(handler func(http.ResponseWriter, *http.Request)) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == readyPath {
			return
		}
		if r.ContentLength > 0 && r.ContentLength <= smallBody {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				panic(http.ErrAbortHandler)
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
		}
		answer := &response{ResponseWriter: w}
		defer func() {
			reason := recover()
			if reason == nil {
				return
			}
			if reason == http.ErrAbortHandler {
				panic(reason)
			}
			id := r.Header.Get(idHeader)
			fmt.Fprintf(os.Stderr, "request %s panicked: %v\n%s", id, reason, debug.Stack())
			if answer.begun {
				panic(http.ErrAbortHandler) // Cut the answer short, so that nobody takes it for whole.
			}
			fail(w, id)
		}()
		handler(answer, r)
	}
}

func fail(w http.ResponseWriter, id string) {
	headers := w.Header()
	for name := range headers {
		delete(headers, name)
	}
	const detail = "the function failed"
	body, _ := json.Marshal(map[string]interface{}{
		"type": "about:blank", "title": "Internal Server Error", "status": 500, "detail": detail,
		"code": "function_failed", "request_id": id, "error": detail,
	})
	headers.Set("Content-Type", "application/problem+json")
	w.WriteHeader(http.StatusInternalServerError)
	_, _ = w.Write(body)
}

// response remembers whether the answer has begun. It has all that the server's own writer has.
type response struct {
	http.ResponseWriter
	begun bool
	// Where the function stands outside; empty where that is how it sees itself.
	prefix string
}

// locate has a redirect to a path of the function's own lead to where that is outside.
func (r *response) locate() {
	path := r.Header().Get("Location")
	if r.begun || r.prefix == "" || !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") {
		return
	}
	// What says where it stands itself, or names a function beside it.
	beside := r.prefix[:strings.LastIndexByte(r.prefix, '/')+1]
	if path == r.prefix || strings.HasPrefix(path, r.prefix+"?") || strings.HasPrefix(path, beside) {
		return
	}
	r.Header().Set("Location", r.prefix+path)
}

func (r *response) WriteHeader(status int) {
	if status >= 200 || status == http.StatusSwitchingProtocols {
		r.locate()
		r.begun = true
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *response) Write(data []byte) (int, error) {
	r.begun = true
	return r.ResponseWriter.Write(data)
}

func (r *response) WriteString(text string) (int, error) {
	r.begun = true
	return io.WriteString(r.ResponseWriter, text)
}

// ReadFrom keeps the server's own way of copying, which needs no buffer for files.
func (r *response) ReadFrom(source io.Reader) (int64, error) {
	r.begun = true
	return r.ResponseWriter.(io.ReaderFrom).ReadFrom(source)
}

func (r *response) Flush() {
	r.begun = true
	r.ResponseWriter.(http.Flusher).Flush()
}

func (r *response) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	r.begun = true
	return r.ResponseWriter.(http.Hijacker).Hijack()
}

// Unwrap lets http.ResponseController reach deadlines and full duplex.
func (r *response) Unwrap() http.ResponseWriter { return r.ResponseWriter }
