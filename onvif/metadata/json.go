package metadata

import "encoding/json"

// The JSON forms follow the annex "JSON payload format" of ONVIF's core
// specification: attributes begin with @, text is #text, prefixes are left out.

type jsonFrame struct {
	Time    string       `json:"@UtcTime"`
	Source  string       `json:"@Source,omitempty"`
	Objects []jsonObject `json:"Object,omitempty"`
	Tree    *jsonTree    `json:"ObjectTree,omitempty"`
}

type jsonObject struct {
	ID         uint64         `json:"@ObjectId"`
	Appearance jsonAppearance `json:"Appearance"`
	Behaviour  *jsonBehaviour `json:"Behaviour,omitempty"`
}

type jsonAppearance struct {
	Shape   jsonShape     `json:"Shape"`
	Class   *jsonClass    `json:"Class,omitempty"`
	Vehicle []jsonVehicle `json:"VehicleInfo,omitempty"`
}

type jsonShape struct {
	Box    map[string]json.Number `json:"BoundingBox"`
	Centre map[string]json.Number `json:"CenterOfGravity"`
}

type jsonClass struct {
	Type []jsonLikely `json:"Type"`
}

type jsonVehicle struct {
	Type jsonLikely `json:"Type"`
}

type jsonLikely struct {
	Likelihood float64 `json:"@Likelihood"`
	Name       string  `json:"#text"`
}

type jsonBehaviour struct {
	Speed float64 `json:"Speed"`
}

type jsonTree struct {
	Merge  []jsonMerge `json:"Merge,omitempty"`
	Delete []jsonID    `json:"Delete,omitempty"`
}

type jsonMerge struct {
	From []jsonID `json:"from"`
	To   jsonID   `json:"to"`
}

type jsonID struct {
	ID uint64 `json:"@ObjectId"`
}

// SceneJSON is the payload of a topic onvif-mj (Analytics 5.5).
func SceneJSON(frames []Frame) []byte {
	out := make([]jsonFrame, len(frames))
	for i := range frames {
		out[i] = frames[i].json()
	}
	return marshal(map[string]any{"Frame": out})
}

// JSON is the payload of a topic onvif-ej (Core 11.12).
func (n *Notification) JSON() []byte {
	payload := map[string]any{"UtcTime": n.Time.UTC().Format(timeFormat)}
	if n.Operation != "" {
		payload["PropertyOperation"] = n.Operation
	}
	for name, items := range map[string][]Item{"Source": n.Source, "Key": n.Key, "Data": n.Data} {
		if len(items) > 0 {
			payload[name] = values(items)
		}
	}
	return marshal(payload)
}

func (f *Frame) json() jsonFrame {
	out := jsonFrame{Time: f.Time.UTC().Format(timeFormat), Source: f.Source}
	for i := range f.Objects {
		out.Objects = append(out.Objects, f.Objects[i].json())
	}
	if len(f.Merges)+len(f.Deleted) > 0 {
		out.Tree = &jsonTree{Delete: identities(f.Deleted)}
		for _, m := range f.Merges {
			out.Tree.Merge = append(out.Tree.Merge, jsonMerge{From: identities(m.From), To: jsonID{m.To}})
		}
	}
	return out
}

func (o *Object) json() jsonObject {
	sides, middle := o.Box.sides(), o.Box.middle()
	out := jsonObject{ID: o.ID}
	out.Appearance.Shape = jsonShape{Box: numbers(sides[:]), Centre: numbers(middle[:])}
	if len(o.Classes) > 0 {
		out.Appearance.Class = &jsonClass{}
		for _, c := range o.Classes {
			out.Appearance.Class.Type = append(out.Appearance.Class.Type, jsonLikely{c.Likelihood, c.Name})
		}
	}
	if o.Vehicle.Name != "" {
		out.Appearance.Vehicle = []jsonVehicle{{jsonLikely{o.Vehicle.Likelihood, o.Vehicle.Name}}}
	}
	if o.Speed > 0 {
		out.Behaviour = &jsonBehaviour{o.Speed}
	}
	return out
}

func identities(ids []uint64) []jsonID {
	out := make([]jsonID, len(ids))
	for i, id := range ids {
		out[i].ID = id
	}
	return out
}

func numbers(items []Item) map[string]json.Number {
	out := make(map[string]json.Number, len(items))
	for _, i := range items {
		out["@"+i.Name] = json.Number(i.Value)
	}
	return out
}

func values(items []Item) map[string]string {
	out := make(map[string]string, len(items))
	for _, i := range items {
		out[i.Name] = i.Value
	}
	return out
}

func marshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil { // cannot happen: strings, numbers of the formats above, and maps of them
		panic(err)
	}
	return b
}
