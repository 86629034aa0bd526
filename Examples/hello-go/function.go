package main

import (
	"fmt"
	"net/http"
)

// HelloGoHandler answers every request for /hello-go and the paths below it.
func HelloGoHandler(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintln(w, "Hello from hello-go!")
}
