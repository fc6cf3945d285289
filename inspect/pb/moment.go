package pb

import "fmt"

// moment is what a Timestamp or a Duration holds.
type moment struct{ secs, nanos int64 }

// The years 1 to 9999, as the ProtoJSON specification bounds a Timestamp.
const (
	minTimestamp = -62135596800
	maxTimestamp = 253402300799
)

// maxDuration is 10,000 years, as the ProtoJSON specification bounds it.
const maxDuration = 315576000000

// timestampProblem says why t has no JSON as a Timestamp; "" when it has.
func (t moment) timestampProblem() string {
	switch {
	case t.secs < minTimestamp || t.secs > maxTimestamp:
		return fmt.Sprintf("seconds out of range: %d", t.secs)
	case t.nanos < 0 || t.nanos > 999999999:
		return fmt.Sprintf("nanos out of range: %d", t.nanos)
	}
	return ""
}

// durationProblem says why t has no JSON as a Duration; "" when it has.
func (t moment) durationProblem() string {
	switch {
	case t.secs < -maxDuration || t.secs > maxDuration:
		return fmt.Sprintf("seconds out of range: %d", t.secs)
	case t.nanos < -999999999 || t.nanos > 999999999:
		return fmt.Sprintf("nanos out of range: %d", t.nanos)
	case t.secs > 0 && t.nanos < 0 || t.secs < 0 && t.nanos > 0:
		return "signs of seconds and nanos do not match"
	}
	return ""
}

// appendTimestamp appends a Timestamp without problem, as RFC 3339 writes UTC.
func (t moment) appendTimestamp(dst []byte) []byte {
	const daySeconds = 24 * 60 * 60
	sinceYear1 := uint64(t.secs - minTimestamp)
	year, month, day := date(int(sinceYear1 / daySeconds))
	second := uint(sinceYear1 % daySeconds)
	at := len(dst)
	dst = append(dst, `"0000-00-00T00:00:00`...)
	b := dst[at:]
	putPair(b[1:], uint(year)/100)
	putPair(b[3:], uint(year)%100)
	putPair(b[6:], uint(month))
	putPair(b[9:], uint(day))
	putPair(b[12:], second/3600)
	putPair(b[15:], second/60%60)
	putPair(b[18:], second%60)
	return append(appendFraction(dst, int(t.nanos)), 'Z', '"')
}

// date gives the date of a day that is counted from 0001-01-01, in the Gregorian
// calendar. Years are taken to begin in March: then the leap day ends one, and
// the lengths of the months repeat every five.
func date(days int) (year, month, day int) {
	const (
		in400Years = 146097
		in100Years = 36524
		in4Years   = 1461
	)
	days += 306 // to 0000-03-01
	century4, d := days/in400Years, days%in400Years
	year = (d - d/(in4Years-1) + d/in100Years - d/(in400Years-1)) / 365
	d -= 365*year + year/4 - year/100
	month = (5*d + 2) / 153
	day = d - (153*month+2)/5 + 1
	year += 400 * century4
	if month < 10 {
		return year, month + 3, day
	}
	return year + 1, month - 9, day
}

// appendDuration appends a Duration without problem.
func (t moment) appendDuration(dst []byte) []byte {
	dst = append(dst, '"')
	if t.secs < 0 || t.nanos < 0 {
		dst, t.secs, t.nanos = append(dst, '-'), -t.secs, -t.nanos
	}
	dst = appendFraction(appendUint(dst, uint64(t.secs)), int(t.nanos))
	return append(dst, 's', '"')
}

// appendFraction appends nanoseconds in 0, 3, 6 or 9 digits.
func appendFraction(dst []byte, nanos int) []byte {
	switch {
	case nanos == 0:
		return dst
	case nanos%1e6 == 0:
		return appendDigits(append(dst, '.'), nanos/1e6, 3)
	case nanos%1e3 == 0:
		return appendDigits(append(dst, '.'), nanos/1e3, 6)
	}
	return appendDigits(append(dst, '.'), nanos, 9)
}

// appendDigits appends n with leading zeros in a width of up to 9.
func appendDigits(dst []byte, n, width int) []byte {
	dst = append(dst, "000000000"[:width]...)
	for i := len(dst) - 1; n > 0; i-- {
		dst[i] = '0' + byte(n%10)
		n /= 10
	}
	return dst
}
