module invok/hello-go

go 1.23
