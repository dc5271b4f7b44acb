module github.com/libfeature/libfeature/bindings/go

go 1.24.0
