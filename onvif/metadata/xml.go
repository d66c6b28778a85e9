package metadata

import (
	"strconv"
	"unicode/utf8"
)

// The namespaces of the documents.
const (
	SchemaNamespace = "http://www.onvif.org/ver10/schema"
	TopicNamespace  = "http://www.onvif.org/ver10/topics"
	NotifyNamespace = "http://docs.oasis-open.org/wsn/b-2"
	OwnNamespace    = "urn:pantau:topics" // of topics that ONVIF has not, prefix pantau
	concreteSet     = "http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet"
)

// timeFormat is xs:dateTime in UTC with microseconds.
const timeFormat = "2006-01-02T15:04:05.000000Z"

// AppendXML appends the document, UTF-8 without XML declaration.
func (s *Stream) AppendXML(dst []byte) []byte {
	dst = append(dst, `<tt:MetadataStream xmlns:tt="`+SchemaNamespace+`"`...)
	if len(s.Events) > 0 {
		dst = append(dst, ` xmlns:wsnt="`+NotifyNamespace+`" xmlns:tns1="`+TopicNamespace+`" xmlns:pantau="`+OwnNamespace+`"`...)
	}
	dst = append(dst, '>')
	if len(s.Frames) > 0 {
		dst = append(dst, "<tt:VideoAnalytics>"...)
		for i := range s.Frames {
			dst = s.Frames[i].AppendXML(dst)
		}
		dst = append(dst, "</tt:VideoAnalytics>"...)
	}
	if len(s.Events) > 0 {
		dst = append(dst, "<tt:Event>"...)
		for i := range s.Events {
			dst = s.Events[i].AppendXML(dst)
		}
		dst = append(dst, "</tt:Event>"...)
	}
	return append(dst, "</tt:MetadataStream>"...)
}

// AppendXML appends the scene as a tt:Frame. The prefix tt must have been declared around it.
func (f *Frame) AppendXML(dst []byte) []byte {
	dst = append(dst, "<tt:Frame"...)
	dst = attribute(dst, "UtcTime", f.Time.UTC().Format(timeFormat))
	if f.Source != "" {
		dst = attribute(dst, "Source", f.Source)
	}
	dst = append(dst, '>')
	for i := range f.Objects {
		dst = f.Objects[i].appendXML(dst)
	}
	if len(f.Merges)+len(f.Deleted) > 0 {
		dst = append(dst, "<tt:ObjectTree>"...)
		for _, m := range f.Merges {
			dst = append(dst, "<tt:Merge>"...)
			for _, id := range m.From {
				dst = identity(dst, "from", id)
			}
			dst = identity(dst, "to", m.To)
			dst = append(dst, "</tt:Merge>"...)
		}
		for _, id := range f.Deleted {
			dst = identity(dst, "Delete", id)
		}
		dst = append(dst, "</tt:ObjectTree>"...)
	}
	return append(dst, "</tt:Frame>"...)
}

func identity(dst []byte, element string, id uint64) []byte {
	dst = append(append(dst, "<tt:"...), element...)
	dst = attribute(dst, "ObjectId", strconv.FormatUint(id, 10))
	return append(dst, "/>"...)
}

func (o *Object) appendXML(dst []byte) []byte {
	dst = append(dst, "<tt:Object"...)
	dst = attribute(dst, "ObjectId", strconv.FormatUint(o.ID, 10))
	dst = append(dst, "><tt:Appearance><tt:Shape><tt:BoundingBox"...)
	for _, side := range o.Box.sides() {
		dst = attribute(dst, side.Name, side.Value)
	}
	dst = append(dst, "/><tt:CenterOfGravity"...)
	for _, axis := range o.Box.middle() {
		dst = attribute(dst, axis.Name, axis.Value)
	}
	dst = append(dst, "/></tt:Shape>"...)
	if len(o.Classes) > 0 {
		dst = append(dst, "<tt:Class>"...)
		for _, c := range o.Classes {
			dst = c.appendXML(dst)
		}
		dst = append(dst, "</tt:Class>"...)
	}
	if o.Vehicle.Name != "" {
		dst = append(dst, "<tt:VehicleInfo>"...)
		dst = o.Vehicle.appendXML(dst)
		dst = append(dst, "</tt:VehicleInfo>"...)
	}
	dst = append(dst, "</tt:Appearance>"...)
	if o.Speed > 0 {
		dst = append(dst, "<tt:Behaviour><tt:Speed>"...)
		dst = strconv.AppendFloat(dst, o.Speed, 'f', 2, 64)
		dst = append(dst, "</tt:Speed></tt:Behaviour>"...)
	}
	return append(dst, "</tt:Object>"...)
}

// sides are the attributes of tt:Rectangle.
func (b Box) sides() [4]Item {
	return [4]Item{{"left", coordinate(b.Left)}, {"top", coordinate(b.Top)}, {"right", coordinate(b.Right)}, {"bottom", coordinate(b.Bottom)}}
}

// middle are the attributes of tt:Vector.
func (b Box) middle() [2]Item {
	return [2]Item{{"x", coordinate((b.Left + b.Right) / 2)}, {"y", coordinate((b.Top + b.Bottom) / 2)}}
}

// coordinate has five digits: a tenth of a pixel of the widest pictures.
func coordinate(v float64) string { return strconv.FormatFloat(v, 'f', 5, 64) }

func (l Likely) appendXML(dst []byte) []byte {
	dst = append(dst, "<tt:Type"...)
	dst = attribute(dst, "Likelihood", strconv.FormatFloat(l.Likelihood, 'f', 3, 64))
	dst = append(dst, '>')
	dst = escape(dst, l.Name)
	return append(dst, "</tt:Type>"...)
}

// AppendXML appends the event as a wsnt:NotificationMessage. The prefixes wsnt, tt and tns1
// must have been declared around it.
func (n *Notification) AppendXML(dst []byte) []byte {
	dst = append(dst, "<wsnt:NotificationMessage><wsnt:Topic"...)
	dst = attribute(dst, "Dialect", concreteSet)
	dst = append(dst, ">tns1:"...)
	dst = escape(dst, n.Topic)
	dst = append(dst, "</wsnt:Topic><wsnt:Message><tt:Message"...)
	dst = attribute(dst, "UtcTime", n.Time.UTC().Format(timeFormat))
	if n.Operation != "" {
		dst = attribute(dst, "PropertyOperation", string(n.Operation))
	}
	dst = append(dst, '>')
	for _, part := range []struct {
		element string
		items   []Item
	}{{"Source", n.Source}, {"Key", n.Key}, {"Data", n.Data}} {
		if len(part.items) == 0 {
			continue
		}
		dst = append(append(append(dst, "<tt:"...), part.element...), '>')
		for _, i := range part.items {
			dst = append(dst, "<tt:SimpleItem"...)
			dst = attribute(dst, "Name", i.Name)
			dst = attribute(dst, "Value", i.Value)
			dst = append(dst, "/>"...)
		}
		dst = append(append(append(dst, "</tt:"...), part.element...), '>')
	}
	return append(dst, "</tt:Message></wsnt:Message></wsnt:NotificationMessage>"...)
}

func attribute(dst []byte, name, value string) []byte {
	dst = append(append(append(dst, ' '), name...), `="`...)
	return append(escape(dst, value), '"')
}

// escape appends text as XML 1.0 allows it. Characters that it does not allow become
// U+FFFD.
func escape(dst []byte, text string) []byte {
	for _, r := range text {
		switch {
		case r == '&':
			dst = append(dst, "&amp;"...)
		case r == '<':
			dst = append(dst, "&lt;"...)
		case r == '>':
			dst = append(dst, "&gt;"...)
		case r == '"':
			dst = append(dst, "&#34;"...)
		case r == '\t' || r == '\n' || r == '\r':
			dst = append(strconv.AppendInt(append(dst, "&#"...), int64(r), 10), ';')
		case r < 0x20 || r == 0xFFFE || r == 0xFFFF:
			dst = utf8.AppendRune(dst, utf8.RuneError)
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return dst
}
