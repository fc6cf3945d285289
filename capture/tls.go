package capture

// maxTLSRecord is the longest record: RFC 8446 §5.2, RFC 5246 §6.2.3.
const maxTLSRecord = 1<<14 + 2048

type keyLog struct{}

func newKeyLog(given, embedded []byte) *keyLog { return nil }

func decryptConnection(c *Connection, k *keyLog) (*Connection, string) { return nil, "" }
