package record

// Recording is the bytes of one connection.
type Recording struct{}
