package main

import (
	"image"
	"image/color"
	"image/png"
	"log"
	"math"
	"net/http"
)

const side = 256

// GoImageHandler answers with a PNG that it draws.
func GoImageHandler(w http.ResponseWriter, r *http.Request) {
	canvas := image.NewRGBA(image.Rect(0, 0, side, side))
	for y := 0; y < side; y++ {
		for x := 0; x < side; x++ {
			wave := math.Sin(math.Hypot(float64(x-side/2), float64(y-side/2)) / 8)
			canvas.Set(x, y, color.RGBA{uint8(x), uint8(y), uint8(128 + 127*wave), 255})
		}
	}
	w.Header().Set("Content-Type", "image/png")
	if err := png.Encode(w, canvas); err != nil {
		log.Print(err)
	}
}
