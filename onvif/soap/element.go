package soap

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/simplifiedchinese"
	utf16 "golang.org/x/text/encoding/unicode"
)

// Bounds of a document. ONVIF's largest answers, hundreds of profiles, stay below
// 1 MiB and 20 levels.
const (
	MaxSize     = 4 << 20 // bytes
	maxDepth    = 64      // levels
	maxElements = 100_000
)

// Reasons to refuse a document.
var (
	ErrTooLarge = errors.New("document too large")
	ErrDoctype  = errors.New("document type declaration refused")
	ErrNoXML    = errors.New("no XML document")
)

// Element is an XML element. A nil Element is an empty one: what is looked for in it
// is not there.
type Element struct {
	Space    string // namespace; the prefix itself where a device has not declared it
	Name     string // local name
	Attrs    []xml.Attr
	Children []*Element
	text     []byte
}

// Parse reads a document. Undeclared prefixes, unclosed elements, invalid UTF-8 and
// a few old charsets are put up with. Where a document breaks off, what came before
// is given together with the error.
func Parse(document []byte) (*Element, error) {
	if len(document) > MaxSize {
		return nil, ErrTooLarge
	}
	text, err := decode(document)
	if err != nil {
		return nil, err
	}
	d := xml.NewDecoder(bytes.NewReader(text))
	d.Strict = false
	d.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil } // decode has done it
	var p parser
	for {
		token, err := d.Token()
		switch {
		case errors.Is(err, io.EOF) && p.root != nil:
			return p.root, nil
		case errors.Is(err, io.EOF):
			return nil, ErrNoXML
		case err != nil:
			return p.root, fmt.Errorf("reading XML: %w", err)
		}
		if err := p.take(token); err != nil {
			return p.root, err
		}
	}
}

// parser makes a tree of tokens.
type parser struct {
	root  *Element
	open  []*Element
	count int
}

func (p *parser) take(token xml.Token) error {
	switch t := token.(type) {
	case xml.StartElement:
		p.count++
		if p.count > maxElements || len(p.open) >= maxDepth {
			return ErrTooLarge
		}
		e := &Element{Space: t.Name.Space, Name: t.Name.Local, Attrs: t.Copy().Attr}
		switch {
		case len(p.open) > 0:
			parent := p.open[len(p.open)-1]
			parent.Children = append(parent.Children, e)
		case p.root == nil:
			p.root = e
		}
		p.open = append(p.open, e)
	case xml.EndElement:
		if len(p.open) > 0 {
			p.open = p.open[:len(p.open)-1]
		}
	case xml.CharData:
		if len(p.open) > 0 {
			e := p.open[len(p.open)-1]
			e.text = append(e.text, t...)
		}
	case xml.Directive:
		// ONVIF needs none, and entities that grow are declared in one.
		return ErrDoctype
	}
	return nil
}

// charsets that devices send beside UTF-8. Their names are in lower case.
var charsets = map[string]encoding.Encoding{
	"iso-8859-1": charmap.Windows1252, "latin1": charmap.Windows1252, "windows-1252": charmap.Windows1252,
	"gb2312": simplifiedchinese.GB18030, "gbk": simplifiedchinese.GB18030, "gb18030": simplifiedchinese.GB18030,
}

// decode gives a document in UTF-8 that holds nothing which XML forbids.
func decode(document []byte) ([]byte, error) {
	if bytes.HasPrefix(document, []byte("\xfe\xff")) || bytes.HasPrefix(document, []byte("\xff\xfe")) {
		if text, err := utf16.UTF16(utf16.BigEndian, utf16.ExpectBOM).NewDecoder().Bytes(document); err == nil {
			document = text
		}
	}
	start := bytes.IndexByte(document, '<') // some send blank lines or a byte order mark first
	if start < 0 {
		return nil, ErrNoXML
	}
	document = document[start:]
	if e := charsets[declared(document)]; e != nil {
		if text, err := e.NewDecoder().Bytes(document); err == nil {
			document = text
		}
	}
	clean := func(r rune) rune {
		if r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF {
			return unicode.ReplacementChar
		}
		return r
	}
	return bytes.Map(clean, document), nil // Map makes U+FFFD of what is not UTF-8
}

// declared is the encoding in an XML declaration, in lower case.
func declared(document []byte) string {
	head, _, ok := bytes.Cut(document[:min(len(document), 200)], []byte("?>"))
	if !ok || !bytes.HasPrefix(head, []byte("<?xml")) {
		return ""
	}
	_, value, _ := bytes.Cut(head, []byte("encoding="))
	if len(value) < 2 {
		return ""
	}
	name, _, _ := bytes.Cut(value[1:], value[:1])
	return strings.ToLower(string(name))
}

// Child is the first child of that local name, at the end of a path of names.
func (e *Element) Child(path ...string) *Element {
	for _, name := range path {
		if e = e.first(name); e == nil {
			return nil
		}
	}
	return e
}

func (e *Element) first(name string) *Element {
	if e == nil {
		return nil
	}
	for _, c := range e.Children {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// All are the children of that local name.
func (e *Element) All(name string) []*Element {
	if e == nil {
		return nil
	}
	var found []*Element
	for _, c := range e.Children {
		if c.Name == name {
			found = append(found, c)
		}
	}
	return found
}

// Find is the first element of that local name at any depth, e itself included.
func (e *Element) Find(name string) *Element {
	if e == nil || e.Name == name {
		return e
	}
	for _, c := range e.Children {
		if found := c.Find(name); found != nil {
			return found
		}
	}
	return nil
}

// Attr is the value of an attribute.
func (e *Element) Attr(name string) string {
	if e == nil {
		return ""
	}
	for _, a := range e.Attrs {
		if a.Name.Local == name && a.Name.Space != "xmlns" {
			return Printable(a.Value)
		}
	}
	return ""
}

// Namespace is what a prefix stands for, the first time that it is declared in e or
// below; empty if it is not.
func (e *Element) Namespace(prefix string) string {
	if e == nil {
		return ""
	}
	for _, a := range e.Attrs {
		if a.Name.Space == "xmlns" && a.Name.Local == prefix {
			return a.Value
		}
	}
	for _, c := range e.Children {
		if space := c.Namespace(prefix); space != "" {
			return space
		}
	}
	return ""
}

// Text is what stands in the element at the end of a path of names, without the space
// around it and without control characters, so that it may be printed.
func (e *Element) Text(path ...string) string {
	if e = e.Child(path...); e == nil {
		return ""
	}
	return Printable(string(e.text))
}

// Int is a text as a whole number; 0 where there is none.
func (e *Element) Int(path ...string) int {
	f := e.Float(path...)
	if f < -1<<31 || f > 1<<31 || f != f {
		return 0
	}
	return int(f)
}

// Float is a text as a number; 0 where there is none.
func (e *Element) Float(path ...string) float64 {
	f, err := strconv.ParseFloat(e.Text(path...), 64)
	if err != nil {
		return 0
	}
	return f
}

// Printable takes out what would steer a terminal: control characters, and marks that
// turn the direction of writing.
func Printable(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n' || r == '\r':
			return ' '
		case unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r):
			return -1
		}
		return r
	}, s))
}

// XML writes an element with all that is in it, on one line, so that it can be sent
// back to the device that it comes from. extra are attributes that are added to it, as
// they stand; they begin with a space.
func (e *Element) XML(extra string) string {
	var b strings.Builder
	e.write(&b, extra)
	return b.String()
}

func (e *Element) write(b *strings.Builder, extra string) {
	if e == nil {
		return
	}
	// Each element declares its own namespace: prefixes may be declared anywhere above.
	b.WriteString("<" + e.Name + ` xmlns="` + Escape(e.Space) + `"` + extra)
	for i, a := range e.Attrs {
		switch {
		case a.Name.Space == "xmlns" || a.Name.Local == "xmlns":
			continue
		case a.Name.Space == "":
			b.WriteString(" " + a.Name.Local)
		default:
			fmt.Fprintf(b, ` xmlns:a%d="%s" a%d:%s`, i, Escape(a.Name.Space), i, a.Name.Local)
		}
		b.WriteString(`="` + Escape(a.Value) + `"`)
	}
	b.WriteString(">" + Escape(strings.TrimSpace(string(e.text))))
	for _, c := range e.Children {
		c.write(b, "")
	}
	b.WriteString("</" + e.Name + ">")
}

// SetText replaces the text of an element.
func (e *Element) SetText(text string) { e.text = []byte(text) }

// SetAttr replaces the value of an attribute, and says whether it is there.
func (e *Element) SetAttr(name, value string) bool {
	for i, a := range e.Attrs {
		if a.Name.Local == name && a.Name.Space != "xmlns" {
			e.Attrs[i].Value = value
			return true
		}
	}
	return false
}

// Adopt gives a namespace to all elements in e whose prefix was not declared.
func (e *Element) Adopt(space string) {
	if !strings.Contains(e.Space, ":") {
		e.Space = space
	}
	for _, c := range e.Children {
		c.Adopt(space)
	}
}
