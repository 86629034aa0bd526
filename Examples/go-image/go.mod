module invok/go-image

go 1.23
