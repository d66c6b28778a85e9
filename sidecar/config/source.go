package config

import (
	"cmp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// source is a YAML text that is to be changed here and there.
type source struct {
	text    string
	starts  []int // bytes before each line
	newline string
	quoted  bool // keys are written in quotes: it is JSON
	splices []splice
}

// splice is a piece of the text in the place of which another comes.
type splice struct {
	from, to int // bytes
	text     string
}

func newSource(text string) *source {
	s := &source{text: text, starts: []int{0}, newline: "\n", quoted: strings.HasPrefix(strings.TrimSpace(text), "{\"")}
	for i := range len(text) {
		if text[i] == '\n' {
			s.starts = append(s.starts, i+1)
		}
	}
	if strings.Contains(text, "\r\n") {
		s.newline = "\r\n"
	}
	return s
}

// replace notes that a piece becomes another.
func (s *source) replace(from, to int, text string) {
	s.splices = append(s.splices, splice{from, to, text})
}

func (s *source) insert(at int, text string) { s.replace(at, at, text) }

// result is the text with what was noted.
func (s *source) result() string {
	slices.SortStableFunc(s.splices, func(a, b splice) int { return cmp.Compare(a.from, b.from) })
	var b strings.Builder
	at := 0
	for _, p := range s.splices {
		b.WriteString(s.text[at:max(at, p.from)])
		b.WriteString(p.text)
		at = max(at, p.to)
	}
	b.WriteString(s.text[at:])
	return b.String()
}

// line is the text of a line, from 1, without its break.
func (s *source) line(n int) string { return s.text[s.starts[n-1]:s.lineEnd(n)] }

// lineEnd is where a line ends, before its break.
func (s *source) lineEnd(n int) int {
	end := len(s.text)
	if n < len(s.starts) {
		end = s.starts[n] - 1
	}
	for end > s.starts[n-1] && s.text[end-1] == '\r' {
		end--
	}
	return end
}

// offset is the byte at a place; columns count characters.
func (s *source) offset(p place) int {
	n := min(p.line, len(s.starts))
	at := s.starts[n-1]
	for i := range s.line(n) {
		if p.column--; p.column == 0 {
			return at + i
		}
	}
	return s.lineEnd(n)
}

// before is what stands before a place in its line.
func (s *source) before(p place) string { return s.text[s.starts[p.line-1]:s.offset(p)] }

// last is the last line of the block that begins in a line, and all of which is indented
// deeper. Comments that are belong to it too.
func (s *source) last(line, indent int) int {
	end := line
	for n := line + 1; n <= len(s.starts); n++ {
		switch text := s.line(n); {
		case strings.TrimSpace(text) == "":
		case leading(text) <= indent:
			return end
		default:
			end = n
		}
	}
	return end
}

// cutLines takes whole lines out, with the break before them, so that what is inserted
// behind them stands in a line of its own.
func (s *source) cutLines(first, last int) {
	if first > 1 {
		s.replace(s.lineEnd(first-1), s.lineEnd(last), "")
		return
	}
	s.replace(0, s.starts[min(last, len(s.starts)-1)], "")
}

// span is where a value stands that is written in brackets or as a word; false for blocks,
// and where nothing is written.
func (s *source) span(n ast.Node) (from, to int, ok bool) {
	from = s.offset(placeOf(n))
	end := (*token.Token)(nil)
	switch n := n.(type) {
	case *ast.MappingNode:
		end = n.End
	case *ast.SequenceNode:
		end = n.End
	case *ast.AnchorNode:
		_, to, ok = s.span(n.Value)
		return from, to, ok
	case *ast.AliasNode:
		name := "*" + n.Value.GetToken().Value
		return from, from + len(name), strings.HasPrefix(s.text[from:], name)
	case *ast.StringNode, *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.NullNode:
		return s.word(from, n.GetToken())
	}
	if end == nil {
		return from, from, false
	}
	return from, s.offset(place{line: end.Position.Line, column: end.Position.Column}) + 1, true
}

// word is where a word stands that begins at a byte.
func (s *source) word(from int, t *token.Token) (int, int, bool) {
	if t.Type != token.SingleQuoteType && t.Type != token.DoubleQuoteType {
		return from, from + len(t.Value), t.Value != "" && strings.HasPrefix(s.text[from:], t.Value)
	}
	mark := s.text[from]
	for i := from + 1; i < len(s.text); i++ {
		switch {
		case mark == '"' && s.text[i] == '\\':
			i++
		case s.text[i] == mark && mark == '\'' && i+1 < len(s.text) && s.text[i+1] == mark:
			i++
		case s.text[i] == mark:
			return from, i + 1, mark == '"' || mark == '\''
		}
	}
	return from, from, false
}
