package capture

func readHAR(b []byte, o Options) (*Capture, error) { return nil, nil }
