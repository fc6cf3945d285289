// Package jsonpeers measures how long it takes from the bytes of a protobuf message
// to its JSON, in wiregloss and by other ways there are in Go. It is a module of
// its own, so that what only it needs is no dependency of wiregloss. The command
// run beside this file prints the results as a table.
//
//go:generate protoc -I ../../inspect/pb/testdata/proto --go_out=benchpb --go_opt=paths=source_relative --go_opt=Mbench.proto=github.com/wiregloss/wiregloss/json-peers/benchpb bench.proto
package jsonpeers
