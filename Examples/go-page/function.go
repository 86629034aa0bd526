package main

import (
	"embed"
	"html/template"
	"log"
	"net/http"
)

//go:embed pages
var pages embed.FS

var page = template.Must(template.ParseFS(pages, "pages/index.html"))

// GoPageHandler fills an HTML page that is part of the binary.
func GoPageHandler(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if err := page.Execute(w, map[string]string{"Name": r.FormValue("name"), "Path": r.URL.Path}); err != nil {
		log.Print(err)
	}
}
