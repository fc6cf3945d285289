package server

import (
	"context"
	"sync"
)

// askApart asks each question on a stream of its own, several at once: for servers
// that end the stream after an answer. done is never called by two at a time.
func (s *session) askApart(questions []question) error {
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	work := make(chan question)
	var mu sync.Mutex
	var first error
	fail := func(err error) {
		if first == nil {
			first = err
			cancel()
		}
	}
	one := func(q question) question {
		return question{q.req, func(resp *answerMessage, err error) error {
			mu.Lock()
			defer mu.Unlock()
			if first != nil {
				return first
			}
			return q.done(resp, err)
		}}
	}
	var wg sync.WaitGroup
	for range min(maxStreams, len(questions)) {
		wg.Go(func() {
			for q := range work {
				own := &session{ctx: ctx, cc: s.cc, path: s.path, progress: s.progress}
				err := own.ask([]question{one(q)})
				own.close()
				if err != nil {
					mu.Lock()
					fail(err)
					mu.Unlock()
				}
			}
		})
	}
	for _, q := range questions {
		select {
		case work <- q:
			continue
		case <-ctx.Done():
		}
		break
	}
	close(work)
	wg.Wait()
	if first == nil {
		return s.ctx.Err()
	}
	return first
}
