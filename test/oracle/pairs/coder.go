package pairs

import (
	"fmt"
	"slices"
)

// coder visits the fields of an object in a fixed order. Decoding, it chooses
// each value; encoding, it writes down which choice each value is.
type coder struct {
	choose func(n int) int // nil when encoding
	out    []byte
	err    error
}

// fromBytes spends one byte for a choice. Past the end every choice is the
// first, so vocabularies begin with what is plainest.
func fromBytes(data []byte) *coder {
	return &coder{choose: func(n int) int {
		if len(data) == 0 {
			return 0
		}
		b := data[0]
		data = data[1:]
		return int(b) % n
	}}
}

func (c *coder) encoding() bool { return c.choose == nil }

// index is one choice out of n. at is the choice that the present value is,
// used when encoding; below 0 there is none.
func (c *coder) index(n, at int) int {
	if !c.encoding() {
		return c.choose(n)
	}
	if at < 0 || at >= n {
		c.err = fmt.Errorf("choice %d of %d cannot be written", at, n)
		at = 0
	}
	c.out = append(c.out, byte(at))
	return at
}

// pick visits a value of a closed vocabulary. A word that stands in it several
// times is chosen more often.
func pick[T comparable](c *coder, v *T, from []T) {
	at := slices.Index(from, *v)
	if c.encoding() && at < 0 {
		c.err = fmt.Errorf("%v is not in the vocabulary %v", *v, from)
		return
	}
	*v = from[c.index(len(from), at)]
}

// longest is the most bytes that a free text may have.
const longest = 31

// text visits a string of an open vocabulary: one more choice stands for any
// other text, spelled out.
func text[T ~string](c *coder, v *T, from []T) {
	at := slices.Index(from, *v)
	if at < 0 {
		at = len(from)
	}
	i := c.index(len(from)+1, at)
	if i < len(from) {
		*v = from[i]
		return
	}
	b := []byte(*v)
	n := c.index(longest+1, len(b))
	if !c.encoding() {
		b = make([]byte, n)
	}
	for i := range b {
		b[i] = byte(c.index(256, int(b[i])))
	}
	*v = T(b)
}

// list visits a slice of at most most elements. Absent and empty are two
// choices, since code tells them apart by mistake.
func list[T any](c *coder, s *[]T, most int, each func(*T)) {
	at := len(*s) + 1
	if *s == nil {
		at = 0
	}
	switch n := c.index(most+2, at); {
	case c.encoding():
	case n == 0:
		*s = nil
	default:
		*s = make([]T, n-1)
	}
	for i := range *s {
		each(&(*s)[i])
	}
}

// optional visits a pointer: the first absent of the choices leave it nil.
func optional[T any](c *coder, p **T, absent, of int, each func(*T)) {
	at := 0
	if *p != nil {
		at = absent
	}
	i := c.index(of, at)
	switch {
	case c.encoding():
	case i < absent:
		*p = nil
	default:
		*p = new(T)
	}
	if *p != nil {
		each(*p)
	}
}

// entry is one pair of a map.
type entry struct{ key, value string }

// table visits a map as a list of entries in the order of their keys.
func table(c *coder, m *map[string]string, most int, each func(*entry)) {
	var entries []entry
	if *m != nil {
		entries = []entry{}
	}
	for k, v := range *m {
		entries = append(entries, entry{k, v})
	}
	slices.SortFunc(entries, func(a, b entry) int {
		if a.key < b.key {
			return -1
		}
		return 1
	})
	list(c, &entries, most, each)
	if c.encoding() || entries == nil {
		return
	}
	*m = make(map[string]string, len(entries))
	for _, e := range entries {
		(*m)[e.key] = e.value
	}
}
