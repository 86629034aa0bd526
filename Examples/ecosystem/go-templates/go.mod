module invok/go-templates

go 1.23
