package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/wiregloss/wiregloss/capture"
	"github.com/wiregloss/wiregloss/exchange"
	"github.com/wiregloss/wiregloss/record"
)

// export writes what was read to a file, in the format that its name ends with.
// Like save, it writes a credential in clear only if showSecrets is set.
func export(path string, src *source, showSecrets bool) error {
	x := src.exchange
	if len(x.Wire) == 0 {
		for _, c := range src.capture.Connections {
			x.Wire = append(x.Wire, c.Recording)
		}
	}
	x.Types = src.types
	return saveAs(path, x, showSecrets)
}

// saveAs writes an exchange as its file's name says: a packet capture, a HAR
// file, or else a recording.
func saveAs(path string, x exchange.Exchange, showSecrets bool) error {
	if name := credential(x.Wire); name != "" && !showSecrets {
		return fmt.Errorf("save %s: not written, since the recording holds the value of %q in clear; --show-secrets writes it all the same", path, name)
	}
	var write func(io.Writer, []*record.Recording) error
	switch ext := strings.ToLower(filepath.Ext(path)); ext {
	case ".pcapng":
		write = capture.WritePCAPNG
	case ".har":
		write = capture.WriteHAR
	default:
		f, err := savedFile(path, x)
		if err != nil {
			return err
		}
		return writeWhole(path, func(w io.Writer) error {
			_, err := f.WriteTo(w)
			return err
		})
	}
	return writeWhole(path, func(w io.Writer) error { return write(w, x.Wire) })
}

// writeWhole writes a file that only the user may read. It appears whole or not
// at all.
func writeWhole(path string, write func(io.Writer) error) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".wiregloss-*") // mode 0600
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("save %s: there is no folder %s", path, filepath.Dir(path))
	}
	if err != nil {
		return fmt.Errorf("save %s: %w", path, err)
	}
	defer os.Remove(tmp.Name()) //nolint:errcheck // gone after the rename
	err = write(tmp)
	if closeErr := tmp.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("save %s: %w", path, err)
	}
	return nil
}
