package record

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"testing"
)

// fixHeader makes the first checksum of a block right again.
func fixHeader(block []byte) {
	binary.LittleEndian.PutUint32(block[5:], crc32.Checksum(block[:5], castagnoli))
}

// FuzzRead checks that any input is read without a panic, and that what could be
// read is written and read again unchanged.
func FuzzRead(f *testing.F) {
	sample := encode(f, sampleFile())
	f.Add(sample)
	f.Add(sample[:len(sample)/2])
	f.Add([]byte(Magic))
	f.Fuzz(func(t *testing.T, b []byte) {
		checkRead(t, b)
		checkRead(t, mendChecksums(b))
	})
}

func checkRead(t *testing.T, b []byte) {
	f, err := ReadFile(bytes.NewReader(b))
	var damage *DamageError
	if errors.As(err, &damage) != (err != nil && f != nil) {
		t.Fatalf("%v with %v", f, err)
	}
	if f == nil {
		return
	}
	defer f.Release()
	again, err := ReadFile(bytes.NewReader(encode(t, f)))
	if err != nil || again.Cut() || len(again.Recordings) != len(f.Recordings) {
		t.Fatalf("reading what was written: %v", err)
	}
	defer again.Release()
	for i, r := range f.Recordings {
		checkSame(t, again.Recordings[i], r)
	}
}

// mendChecksums makes the checksums right, so that fuzzing gets past them.
func mendChecksums(b []byte) []byte {
	b = append([]byte(Magic), bytes.Clone(b)[min(len(Magic), len(b)):]...)
	for rest := b[len(Magic):]; len(rest) >= blockHeader+blockCheck; {
		size := int(binary.LittleEndian.Uint32(rest[1:]) & 0xfff)
		size = min(size, len(rest)-blockHeader-blockCheck)
		binary.LittleEndian.PutUint32(rest[1:], uint32(size))
		fixHeader(rest)
		end := blockHeader + size
		binary.LittleEndian.PutUint32(rest[end:], crc32.Checksum(rest[blockHeader:end], castagnoli))
		rest = rest[end+blockCheck:]
	}
	return b
}
