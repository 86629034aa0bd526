package main

import (
	"html/template"
	"log"
	"net/http"
)

// The files beside the function are there at run time, in the working directory.
var pages = template.Must(template.ParseGlob("templates/*.html"))

// Handler is an app: it sees "/", and redirects to its own paths lead back to where it is mounted.
func Handler() http.Handler {
	routes := http.NewServeMux()
	routes.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/greet/World", http.StatusSeeOther)
	})
	routes.HandleFunc("GET /greet/{name}", greet)
	routes.Handle("GET /static/", http.StripPrefix("/static", http.FileServer(http.Dir("static"))))
	return routes
}

func greet(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	data := map[string]string{"Name": r.PathValue("name"), "Root": r.Header.Get("X-Forwarded-Prefix")}
	if err := pages.ExecuteTemplate(w, "greet.html", data); err != nil {
		log.Print(err)
	}
}
