module invok/go-page

go 1.23
