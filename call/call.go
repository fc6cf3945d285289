// Package call performs a request over a recorded connection. It dials step by
// step, by a proxy if one is on the way, so that a failure can name its step and
// its remedy; hands every byte above TLS to a record.Recording, a proxy's own
// exchange to one of its own; and speaks gRPC through grpc-go with messages that
// are already bytes. What a server answers, a non-OK status included, is in the
// recording; an error here means that the call could not happen.
//
//	s, err := call.Open(ctx, op, req, nil)
//	err = s.Send(msg)
//	err = s.CloseSend()
//	for err == nil { err = s.Recv() }
//	err = s.Close()
//
// Several calls share a connection of DialFor, each opened by Conn.Open. Diagnose
// walks the way to a server and tells of each stage.
package call
