package main

import (
	"maps"
	"sync"
	"time"
)

// seriesSeconds bounds the series kept per client.
const seriesSeconds = 1800

// versionCount is what one version answered. An error the app gave on purpose (5xx) is an answer.
type versionCount struct {
	Answered     uint64 `json:"answered"`
	ServerErrors uint64 `json:"serverErrors"`
}

// failureCount is one kind of request that got no answer from the app.
type failureCount struct {
	Count  uint64 `json:"count"`
	Sample string `json:"sample"`
	First  string `json:"first"`
	Last   string `json:"last"`
}

// counts is everything about one client's requests. Sent = Answered + Failed + in flight.
type counts struct {
	Sent         uint64                  `json:"sent"`
	Answered     uint64                  `json:"answered"`
	Failed       uint64                  `json:"failed"`
	ServerErrors uint64                  `json:"serverErrors"`
	Skipped      uint64                  `json:"skipped"` // not sent, since all workers were busy
	ByVersion    map[string]versionCount `json:"byVersion"`
	Failures     map[string]failureCount `json:"failures"`
}

// second is one second of a client's series.
type second struct {
	Second    int64             `json:"second"` // Unix time
	Failed    uint64            `json:"failed"`
	ByVersion map[string]uint64 `json:"byVersion"`
}

// tally counts one client's requests.
type tally struct {
	mu     sync.Mutex
	total  counts
	series []second
}

func newTally() *tally {
	return &tally{total: counts{ByVersion: map[string]versionCount{}, Failures: map[string]failureCount{}}}
}

func (t *tally) sent() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.total.Sent++
}

func (t *tally) skipped(n uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.total.Skipped += n
}

// answered counts an answer. One without a version did not come from the app: it is a failure.
func (t *tally) answered(a answer, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.total.Answered++
	count := t.total.ByVersion[a.version]
	count.Answered++
	if a.status >= 500 {
		count.ServerErrors++
		t.total.ServerErrors++
	}
	t.total.ByVersion[a.version] = count
	t.second(now).ByVersion[a.version]++
}

func (t *tally) failed(f *failure, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.total.Failed++
	stamp := now.UTC().Format(time.RFC3339Nano)
	count, seen := t.total.Failures[f.kind]
	if !seen {
		count.Sample = f.err.Error()
		count.First = stamp
	}
	count.Count++
	count.Last = stamp
	t.total.Failures[f.kind] = count
	t.second(now).Failed++
}

// second is the entry of now. The caller holds the lock.
func (t *tally) second(now time.Time) *second {
	at := now.Unix()
	if n := len(t.series); n == 0 || t.series[n-1].Second < at {
		if n >= seriesSeconds {
			t.series = t.series[1:]
		}
		t.series = append(t.series, second{Second: at, ByVersion: map[string]uint64{}})
	}
	return &t.series[len(t.series)-1]
}

func (t *tally) snapshot() counts {
	t.mu.Lock()
	defer t.mu.Unlock()
	copied := t.total
	copied.ByVersion = maps.Clone(t.total.ByVersion)
	copied.Failures = maps.Clone(t.total.Failures)
	return copied
}

// between lists the seconds in [from, to], as Unix time.
func (t *tally) between(from, to int64) []second {
	t.mu.Lock()
	defer t.mu.Unlock()
	found := []second{}
	for _, s := range t.series {
		if s.Second >= from && s.Second <= to {
			found = append(found, second{s.Second, s.Failed, maps.Clone(s.ByVersion)})
		}
	}
	return found
}
