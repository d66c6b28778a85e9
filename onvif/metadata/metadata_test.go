package metadata_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pantau/onvif/metadata"
)

var at = time.Date(2026, 11, 23, 13, 5, 46, 290000000, time.UTC)

// whole is a document with everything that can stand in one.
func whole() metadata.Stream {
	classes, vehicle := metadata.Classify("motorcycle", 0.91)
	return metadata.Stream{
		Frames: []metadata.Frame{{
			Time: at, Source: "pantau",
			Objects: []metadata.Object{{ID: 1007, Box: metadata.FromPicture(0.25, 0.25, 0.75, 0.5), Classes: classes, Vehicle: vehicle, Speed: 8.3}},
			Merges:  []metadata.Merge{{From: []uint64{3, 4}, To: 3}},
			Deleted: []uint64{9},
		}, {Time: at.Add(time.Second)}},
		Events: []metadata.Notification{{
			Topic: metadata.LineCrossed, Time: at,
			Source: []metadata.Item{{Name: "VideoSource", Value: `a<b>&"c`}, {Name: "Rule", Value: "line-3"}},
			Data:   []metadata.Item{{Name: "ObjectId", Value: "1007"}},
		}, {
			Topic: metadata.Counter, Time: at, Operation: metadata.Changed,
			Source: []metadata.Item{{Name: "Rule", Value: "line-3"}}, Data: []metadata.Item{{Name: "Count", Value: "42"}},
		}},
	}
}

func TestXML(t *testing.T) {
	s := whole()
	var got struct {
		XMLName xml.Name `xml:"http://www.onvif.org/ver10/schema MetadataStream"`
		Frames  []struct {
			Time    string `xml:"UtcTime,attr"`
			Objects []struct {
				ID  string `xml:"ObjectId,attr"`
				Box struct {
					Left   float64 `xml:"left,attr"`
					Top    float64 `xml:"top,attr"`
					Right  float64 `xml:"right,attr"`
					Bottom float64 `xml:"bottom,attr"`
				} `xml:"Appearance>Shape>BoundingBox"`
				Centre struct {
					X float64 `xml:"x,attr"`
					Y float64 `xml:"y,attr"`
				} `xml:"Appearance>Shape>CenterOfGravity"`
				Types   []string `xml:"Appearance>Class>Type"`
				Vehicle string   `xml:"Appearance>VehicleInfo>Type"`
				Speed   float64  `xml:"Behaviour>Speed"`
			} `xml:"Object"`
			Deleted []struct {
				ID string `xml:"ObjectId,attr"`
			} `xml:"ObjectTree>Delete"`
		} `xml:"http://www.onvif.org/ver10/schema VideoAnalytics>Frame"`
		Events []struct {
			Topic   string `xml:"Topic"`
			Message struct {
				Operation string `xml:"PropertyOperation,attr"`
				Source    []struct {
					Name  string `xml:"Name,attr"`
					Value string `xml:"Value,attr"`
				} `xml:"Source>SimpleItem"`
			} `xml:"Message>Message"`
		} `xml:"Event>NotificationMessage"`
	}
	if err := xml.Unmarshal(s.AppendXML(nil), &got); err != nil {
		t.Fatal(err)
	}
	o := got.Frames[0].Objects[0]
	if o.Box.Left != -0.5 || o.Box.Top != 0.5 || o.Box.Right != 0.5 || o.Box.Bottom != 0 || o.Centre.X != 0 || o.Centre.Y != 0.25 {
		t.Errorf("box %+v, centre %+v", o.Box, o.Centre)
	}
	if o.ID != "1007" || strings.Join(o.Types, " ") != "Bike Vehicle" || o.Vehicle != "Motorcycle" || o.Speed != 8.3 {
		t.Errorf("object %+v", o)
	}
	if got.Frames[0].Time != "2026-11-23T13:05:46.290000Z" || got.Frames[0].Deleted[0].ID != "9" || len(got.Frames[1].Objects) != 0 {
		t.Errorf("frames %+v", got.Frames)
	}
	if e := got.Events[0]; e.Topic != "tns1:RuleEngine/LineDetector/Crossed" || e.Message.Source[0].Value != `a<b>&"c` || e.Message.Operation != "" {
		t.Errorf("event %+v", e)
	}
	if got.Events[1].Message.Operation != "Changed" {
		t.Errorf("event %+v", got.Events[1])
	}
}

// TestSchema asks xmllint. ONVIF's schemas are not part of the project: PANTAU_ONVIF_XSD
// names a file that includes metadatastream.xsd and the OASIS ones.
func TestSchema(t *testing.T) {
	schema := os.Getenv("PANTAU_ONVIF_XSD")
	if schema == "" {
		t.Skip("PANTAU_ONVIF_XSD names no schema")
	}
	s := whole()
	file := filepath.Join(t.TempDir(), "a.xml")
	if err := os.WriteFile(file, s.AppendXML(nil), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("xmllint", "--nonet", "--noout", "--schema", schema, file).CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

func TestJSON(t *testing.T) {
	s := whole()
	var scene struct {
		Frame []struct {
			Time   string `json:"@UtcTime"`
			Object []struct {
				ID         int `json:"@ObjectId"`
				Appearance struct {
					Shape struct {
						BoundingBox map[string]float64
					}
					Class struct {
						Type []map[string]any
					}
				}
			}
		}
	}
	if err := json.Unmarshal(metadata.SceneJSON(s.Frames), &scene); err != nil {
		t.Fatal(err)
	}
	o := scene.Frame[0].Object[0]
	if o.ID != 1007 || o.Appearance.Shape.BoundingBox["@left"] != -0.5 || o.Appearance.Class.Type[0]["#text"] != "Bike" {
		t.Errorf("object %+v", o)
	}
	want := `{"Data":{"ObjectId":"1007"},"Source":{"Rule":"line-3","VideoSource":"a\u003cb\u003e\u0026\"c"},"UtcTime":"2026-11-23T13:05:46.290000Z"}`
	if got := s.Events[0].JSON(); string(got) != want {
		t.Errorf("event %s, want %s", got, want)
	}
}

func FuzzXML(f *testing.F) {
	f.Add("car", "line-3", 0.1, 0.2, uint64(7))
	f.Add("\x00\xff<![CDATA[", "&#0;", -1e300, 1e300, uint64(0))
	f.Fuzz(func(t *testing.T, class, rule string, left, top float64, id uint64) {
		classes, vehicle := metadata.Classify(class, left)
		s := metadata.Stream{
			Frames: []metadata.Frame{{Time: at, Source: rule, Objects: []metadata.Object{{
				ID: id, Box: metadata.FromPicture(left, top, left+0.1, top+0.1), Classes: classes, Vehicle: vehicle}}}},
			Events: []metadata.Notification{{Topic: metadata.Counter, Time: at, Source: []metadata.Item{{Name: class, Value: rule}}}},
		}
		for d := xml.NewDecoder(bytes.NewReader(s.AppendXML(nil))); ; {
			if _, err := d.Token(); err != nil {
				if err.Error() != "EOF" {
					t.Fatal(err)
				}
				return
			}
		}
	})
}

func BenchmarkXML(b *testing.B) {
	classes, vehicle := metadata.Classify("car", 0.9)
	s := metadata.Stream{Frames: []metadata.Frame{{Time: at}}}
	for i := range uint64(20) {
		s.Frames[0].Objects = append(s.Frames[0].Objects, metadata.Object{ID: i, Box: metadata.FromPicture(0.1, 0.2, 0.3, 0.4), Classes: classes, Vehicle: vehicle})
	}
	b.ReportAllocs()
	var dst []byte
	for b.Loop() {
		dst = s.AppendXML(dst[:0])
	}
}
