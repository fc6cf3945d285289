// Package demov1 is the generated Go code of the demo server's API, package
// demo.v1, and the descriptors it is generated from. It must hold nothing
// written by hand but this file: see demo/proto/README.md.
//
//	client := demov1.NewUserServiceClient(conn)
//	ada, err := client.GetUser(ctx, &demov1.GetUserRequest{UserId: "1"})
package demov1

import _ "embed" // for Descriptors

// Descriptors is a serialized FileDescriptorSet of the files in this package,
// without their imports. Unlike the descriptors in the generated code it keeps
// the comments.
//
//go:embed demo.protoset
var Descriptors string
