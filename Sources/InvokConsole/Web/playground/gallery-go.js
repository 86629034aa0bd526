// Go, of the standard library alone.

/** @type {Record<string, string>} */
export const sources = {
  json: `package main

import (
\t"encoding/json"
\t"fmt"
\t"log"
\t"net/http"
)

// Handle adds up the numbers of {"numbers": [1, 2, 3]}.
func Handle(w http.ResponseWriter, r *http.Request) {
\tif r.Method != http.MethodPost {
\t\tfmt.Fprintln(w, "POST {\\"numbers\\": [1, 2, 3]}")
\t\treturn
\t}
\tvar body struct{ Numbers []float64 }
\tif err := json.NewDecoder(r.Body).Decode(&body); err != nil {
\t\thttp.Error(w, err.Error(), http.StatusBadRequest)
\t\treturn
\t}
\tsum := 0.0
\tfor _, each := range body.Numbers {
\t\tsum += each
\t}
\tlog.Printf("added %d numbers", len(body.Numbers))
\tw.Header().Set("Content-Type", "application/json")
\tjson.NewEncoder(w).Encode(map[string]any{"sum": sum, "count": len(body.Numbers)})
}
`,
  page: `package main

import (
\t"html/template"
\t"net/http"
)

var page = template.Must(template.New("page").Parse(\`<!doctype html>
<meta charset="utf-8">
<title>Hello, {{.}}</title>
<style>
  body { font: 18px/1.6 system-ui; display: grid; place-items: center; min-height: 90vh; margin: 0; color: #1c2030 }
</style>
<h1>Hello, {{.}}!</h1>
\`))

// Handle answers with a page; the template escapes what comes from outside.
func Handle(w http.ResponseWriter, r *http.Request) {
\tname := r.URL.Query().Get("name")
\tif name == "" {
\t\tname = "world"
\t}
\tw.Header().Set("Content-Type", "text/html; charset=utf-8")
\tpage.Execute(w, name)
}
`,
  stream: `package main

import (
\t"fmt"
\t"net/http"
\t"time"
)

// Handle sends its answer in pieces.
func Handle(w http.ResponseWriter, r *http.Request) {
\tsend := func(text string) {
\t\tfmt.Fprintln(w, text)
\t\thttp.NewResponseController(w).Flush()
\t}
\tsend("Counting down…")
\tfor number := 5; number > 0; number-- {
\t\tsend(fmt.Sprint(number))
\t\ttime.Sleep(300 * time.Millisecond)
\t}
\tsend("Lift-off.")
}
`,
  image: `package main

import (
\t"image"
\t"image/color"
\t"image/png"
\t"math"
\t"net/http"
)

// Handle draws two waves that meet.
func Handle(w http.ResponseWriter, r *http.Request) {
\tpicture := image.NewRGBA(image.Rect(0, 0, 320, 240))
\tfor y := range 240 {
\t\tfor x := range 320 {
\t\t\tlevel := math.Sin(math.Hypot(float64(x-60), float64(y-80))/9) + math.Sin(math.Hypot(float64(x-260), float64(y-170))/9)
\t\t\tpicture.Set(x, y, color.RGBA{uint8(120 + 30*level), uint8(100 + 15*level), uint8(229 + 12*level), 255})
\t\t}
\t}
\tw.Header().Set("Content-Type", "image/png")
\tpng.Encode(w, picture)
}
`,
};
