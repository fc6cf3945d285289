package demo

import "net/http"

func newREST(*data) http.Handler { return http.NotFoundHandler() }
