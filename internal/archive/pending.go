package archive

// pending are items whose kind is not known yet, end to end.
type pending struct {
	data []byte
	ends []int
}

func (p *pending) add(raw []byte) error {
	if int64(len(p.data)+len(raw)) > maxPending {
		return remedy("more than %s of items come before the kind of their list", size(maxPending))
	}
	p.data = append(p.data, raw...)
	p.ends = append(p.ends, len(p.data))
	return nil
}

func (p *pending) all() func(yield func([]byte) bool) {
	return func(yield func([]byte) bool) {
		from := 0
		for _, to := range p.ends {
			if !yield(p.data[from:to]) {
				return
			}
			from = to
		}
	}
}
