// go-websocket takes WebSockets (RFC 6455) and sends back what it gets, with the standard library alone. A function of your
// own rather has a library in vendor/ do that.
package main

import (
	"bufio"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strings"
)

const (
	// What every server adds to the client's key (RFC 6455, section 1.3).
	magic       = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
	closeOpcode = 8
	shortLength = 125
)

// GoWebsocketHandler answers every request for /go-websocket and the paths below it.
func GoWebsocketHandler(w http.ResponseWriter, r *http.Request) {
	if !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		w.Header().Set("Upgrade", "websocket")
		http.Error(w, "only WebSockets are served here", http.StatusUpgradeRequired)
		return
	}
	connection, stream, err := w.(http.Hijacker).Hijack()
	if err != nil {
		http.Error(w, "this connection cannot be taken over", http.StatusInternalServerError)
		return
	}
	defer connection.Close()
	sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + magic))
	fmt.Fprintf(stream, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Accept: %s\r\n\r\n", base64.StdEncoding.EncodeToString(sum[:]))
	if stream.Flush() == nil {
		echo(stream)
	}
}

// echo sends each frame back, and returns when the client says goodbye, goes, or sends one that is not short.
func echo(stream *bufio.ReadWriter) {
	for {
		// A client's frame has a mask behind its first two bytes.
		var head [6]byte
		if _, err := io.ReadFull(stream, head[:]); err != nil {
			return
		}
		length := int(head[1] & 0x7F)
		if length > shortLength {
			return
		}
		payload := make([]byte, length)
		if _, err := io.ReadFull(stream, payload); err != nil {
			return
		}
		for index := range payload {
			payload[index] ^= head[2+index%4]
		}
		_, _ = stream.Write([]byte{head[0], byte(length)})
		_, _ = stream.Write(payload)
		if stream.Flush() != nil || head[0]&0xF == closeOpcode {
			return
		}
	}
}
