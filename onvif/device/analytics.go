package device

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"pantau/onvif/metadata"
)

// The analytics module: what finds and follows objects. Its name is the Source of the
// frames of the metadata stream.
const (
	moduleName = "pantau"
	moduleType = "pantau:ObjectTracker"
)

// analyticsOperations are those of the analytics service (Analytics 6).
func analyticsOperations() map[string]operation {
	noModules := operation{access: change, answer: func(*call) (markup, error) {
		return "", fixed("the analytics module of this device is fixed")
	}}
	return map[string]operation{
		"GetServiceCapabilities": {access: open, answer: func(c *call) (markup, error) {
			return `<tan:GetServiceCapabilitiesResponse>` + c.capabilities(analyticsSpace) + `</tan:GetServiceCapabilitiesResponse>`, nil
		}},
		"GetSupportedRules":            {answer: (*call).supportedRules},
		"GetRules":                     {answer: (*call).getRules},
		"GetRuleOptions":               {answer: (*call).ruleOptions},
		"CreateRules":                  {access: change, answer: (*call).createRules},
		"ModifyRules":                  {access: change, answer: (*call).modifyRules},
		"DeleteRules":                  {access: change, answer: (*call).deleteRules},
		"GetSupportedAnalyticsModules": {answer: (*call).supportedModules},
		"GetAnalyticsModules":          {answer: (*call).getModules},
		"GetAnalyticsModuleOptions":    {answer: (*call).moduleOptions},
		"CreateAnalyticsModules":       noModules,
		"ModifyAnalyticsModules":       noModules,
		"DeleteAnalyticsModules":       noModules,
		"GetSupportedMetadata":         {answer: (*call).supportedMetadata},
	}
}

// configured is the camera of the analytics configuration that a request names.
func (c *call) configured() (Camera, error) {
	token := c.in.Text("ConfigurationToken")
	cam, ok := c.find(token)
	if !ok {
		return cam, invalid("ter:NoConfig", "there is no analytics configuration %.64q", token)
	}
	return cam, nil
}

func (c *call) supportedRules() (markup, error) {
	if _, err := c.configured(); err != nil {
		return "", err
	}
	return c.response("tan:", `<tan:SupportedRules><tt:RuleContentSchemaLocation>http://www.onvif.org/ver10/schema/onvif.xsd</tt:RuleContentSchemaLocation>`+
		each(ruleTypes(), ruleType.describe)+`</tan:SupportedRules>`), nil
}

func (c *call) getRules() (markup, error) {
	cam, err := c.configured()
	if err != nil {
		return "", err
	}
	return c.response("tan:", each(cam.Rules, func(r Rule) markup { return r.config("tan:Rule") })), nil
}

func (c *call) ruleOptions() (markup, error) {
	if _, err := c.configured(); err != nil {
		return "", err
	}
	types := ruleTypes()
	if name := c.in.Text("RuleType"); name != "" {
		t, ok := ruleTypeOf(typeName(c.root, name))
		if !ok {
			return "", invalid(NoRule, "there is no type %.64q of rules", name)
		}
		types = []ruleType{t}
	}
	return c.response("tan:", each(types, ruleType.options)), nil
}

// rules are those of a request.
func (c *call) rules() ([]Rule, error) {
	elements := c.in.All("Rule")
	switch {
	case len(elements) == 0:
		return nil, invalid("ter:InvalidRule", "the request has no rule; give 1 to %d", maxRules)
	case len(elements) > maxRules:
		return nil, conflict("ter:TooManyRules", "a request has at most %d rules", maxRules)
	}
	all := make([]Rule, len(elements))
	for i, e := range elements {
		var err error
		if all[i], err = readRule(c.root, e); err != nil {
			return nil, err
		}
		if slices.ContainsFunc(all[:i], func(r Rule) bool { return r.Name == all[i].Name }) {
			return nil, invalid("ter:InvalidRule", "two rules are called %q", all[i].Name)
		}
	}
	return all, nil
}

func (cam Camera) has(rule string) bool {
	return slices.ContainsFunc(cam.Rules, func(r Rule) bool { return r.Name == rule })
}

// changeRules asks the backend, after the names were looked at.
func (c *call) changeRules(cam Camera, change RuleChange) (markup, error) {
	err := c.server.o.Backend.ChangeRules(context.WithoutCancel(c.ctx), cam.ID, c.who.name, change)
	refusal := (*Refusal)(nil)
	switch {
	case errors.As(err, &refusal) && refusal.Invalid:
		return "", invalid(cmp.Or(refusal.Code, "ter:InvalidRule"), "%s", refusal.Reason)
	case errors.As(err, &refusal):
		return "", conflict("ter:ConfigurationConflict", "%s", refusal.Reason)
	case err != nil:
		return "", err
	}
	return c.response("tan:", ""), nil
}

// given are the rules of a request, and the camera that they are for.
func (c *call) given() (Camera, []Rule, error) {
	cam, err := c.configured()
	if err != nil {
		return Camera{}, nil, err
	}
	all, err := c.rules()
	return cam, all, err
}

func (c *call) createRules() (markup, error) {
	cam, all, err := c.given()
	if err != nil {
		return "", err
	}
	for _, r := range all {
		if cam.has(r.Name) {
			return "", invalid(RuleExists, "there is a rule %q already; change it by ModifyRules", r.Name)
		}
		if t, _ := ruleTypeOf(r.Type); t.fixed {
			return "", conflict("ter:ConfigurationConflict", "rules of type %s cannot be made by ONVIF, which has no words for all that they need: make a parking or a crowd over Pantau's API or in its file", t.qualified())
		}
	}
	if len(cam.Rules)+len(all) > maxOfCamera {
		return "", conflict("ter:TooManyRules", "a camera has at most %d rules", maxOfCamera)
	}
	return c.changeRules(cam, RuleChange{Create: all})
}

func (c *call) modifyRules() (markup, error) {
	cam, all, err := c.given()
	if err != nil {
		return "", err
	}
	for _, r := range all {
		if !cam.has(r.Name) {
			return "", invalid(NoRule, "there is no rule %q; make it by CreateRules", r.Name)
		}
	}
	return c.changeRules(cam, RuleChange{Modify: all})
}

func (c *call) deleteRules() (markup, error) {
	cam, err := c.configured()
	if err != nil {
		return "", err
	}
	var names []string
	for _, e := range c.in.All("RuleName") {
		i := slices.IndexFunc(cam.Rules, func(r Rule) bool { return r.Name == e.Text() })
		if i < 0 {
			return "", invalid(NoRule, "there is no rule %.64q", e.Text())
		}
		if t, _ := ruleTypeOf(cam.Rules[i].Type); t.fixed {
			return "", conflict("ter:ConfigurationConflict", "rule %q is of a type that cannot be deleted by ONVIF, as it cannot be made by it: delete it over Pantau's API or in its file", e.Text())
		}
		names = append(names, e.Text())
	}
	if len(names) == 0 {
		return "", invalid(NoRule, "the request names no rule")
	}
	return c.changeRules(cam, RuleChange{Delete: names})
}

// module writes the one module as a tt:Config.
func module(tag string) markup {
	return form(`<%s Name="%s" Type="%s"><tt:Parameters/></%s>`, markup(tag), moduleName, moduleType, markup(tag))
}

func (c *call) supportedModules() (markup, error) {
	if _, err := c.configured(); err != nil {
		return "", err
	}
	return c.response("tan:", form(`<tan:SupportedAnalyticsModules><tt:AnalyticsModuleDescription Name="%s" fixed="true" maxInstances="1"><tt:Parameters/></tt:AnalyticsModuleDescription></tan:SupportedAnalyticsModules>`, moduleType)), nil
}

func (c *call) getModules() (markup, error) {
	if _, err := c.configured(); err != nil {
		return "", err
	}
	return c.response("tan:", module("tan:AnalyticsModule")), nil
}

// moduleOptions: the module has no parameters.
func (c *call) moduleOptions() (markup, error) {
	if _, err := c.configured(); err != nil {
		return "", err
	}
	return c.response("tan:", ""), nil
}

// supportedMetadata shows one object of each class, in the top left quarter of the
// picture (Analytics 6.3.3.7).
func (c *call) supportedMetadata() (markup, error) {
	if t := c.in.Text("Type"); t != "" && t != moduleType {
		return "", invalid("ter:TypeNotExistent", "there is no type %.64q of modules; the one here is %s", t, moduleType)
	}
	f := metadata.Frame{Time: c.server.gate.now(), Source: moduleName, Deleted: []uint64{99}, Merges: []metadata.Merge{{From: []uint64{1, 98}, To: 1}}}
	for i, name := range []string{"person", "bicycle", "motorcycle", "car", "bus", "truck", "dog"} {
		o := metadata.Object{ID: uint64(i + 1), Box: metadata.FromPicture(0.06*float64(i), 0.1, 0.06*float64(i)+0.05, 0.2), Speed: 5}
		o.Classes, o.Vehicle = metadata.Classify(name, 0.9)
		f.Objects = append(f.Objects, o)
	}
	frame := strings.TrimSuffix(strings.TrimPrefix(string(f.AppendXML(nil)), "<tt:Frame"), "</tt:Frame>")
	return c.response("tan:", form(`<tan:AnalyticsModule Type="%s"><tan:SampleFrame%s</tan:SampleFrame></tan:AnalyticsModule>`, moduleType, markup(frame))), nil
}
