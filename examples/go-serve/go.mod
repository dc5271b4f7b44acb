module github.com/libfeature/libfeature/examples/go-serve

go 1.24.0

require github.com/libfeature/libfeature/bindings/go v0.1.0

replace github.com/libfeature/libfeature/bindings/go => ../../bindings/go
