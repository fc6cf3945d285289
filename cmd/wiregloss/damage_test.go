package main

import (
	"os"
	"strconv"

	"github.com/rogpeppe/go-internal/testscript"
)

// cutFile keeps the first N bytes of a file, or all but the last -N.
func cutFile(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) != 2, "cut N FILE")
	file, at := place(ts, args)
	ts.Check(os.Truncate(file, at))
}

// damageFile changes the byte at N of a file, from its end if N is negative.
func damageFile(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) != 2, "damage N FILE")
	file, at := place(ts, args)
	b, err := os.ReadFile(file)
	ts.Check(err)
	b[at] ^= 0x55
	ts.Check(os.WriteFile(file, b, 0o600))
}

// place returns a file and the offset that N means in it.
func place(ts *testscript.TestScript, args []string) (file string, at int64) {
	file = ts.MkAbs(args[1])
	at, err := strconv.ParseInt(args[0], 10, 64)
	ts.Check(err)
	info, err := os.Stat(file)
	ts.Check(err)
	if at < 0 {
		at += info.Size()
	}
	usage(ts, at < 0 || at >= info.Size(), "an offset within the file")
	return file, at
}
