// Package e2e tests the whole program from outside, as built: beside grpcurl
// against servers of others, beside tshark on the wire, and on a terminal. The
// tests have the build tag e2e; make e2e brings what they need and runs them.
// They hold no code that another package could use.
package e2e
