module invok/go-websocket

go 1.23
