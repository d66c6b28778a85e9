package ops

import (
	"github.com/prometheus/client_golang/prometheus"

	"pantau/sidecar"
)

// collector makes the metrics out of the source's answers when it is asked:
// nothing is counted twice.
type collector struct{ source Source }

// Describe says nothing: the metrics are those that Collect gives.
func (c collector) Describe(chan<- *prometheus.Desc) {}

// Collect gives all metrics. Their only labels are camera, reason, stage,
// state, kind, way, stream and group.
func (c collector) Collect(out chan<- prometheus.Metric) {
	for _, cam := range c.source.Cameras() {
		collectCamera(out, cam.ID, &cam.Status)
	}
	collectNode(out, c.source.Node())
}

func collectCamera(out chan<- prometheus.Metric, id string, s *sidecar.Status) {
	m := metrics{out: out, name: "pantau_camera_", labels: []string{"camera"}, values: []string{id}}
	m.number("up", "1 where pictures come and are analysed.", one(s.State == "running"))
	m.number("suspended", "1 where pictures come, and show something else than the rules were drawn on.", one(suspended(s.State)))
	m.number("reconnects_total", "RTSP sessions after the first.", float64(s.Reconnects), counter)
	m.number("clock_offset_seconds", "The camera's clock less this machine's.", s.ClockOffset)
	m.number("facts_lost_total", "Events and counts that could not be kept.", float64(s.LostFacts), counter)
	m.number("decode_cpu_seconds_total", "Processor time of the camera's decoder.", s.DecodeCPU.Seconds(), counter)
	m.number("viewers", "Browsers that watch the live view.", float64(s.Viewers))
	m.number("readers", "Who read the camera over RTSP.", float64(s.Readers))
	m.number("players", "Who watch the camera over WebRTC (WHEP).", float64(s.Players))
	burnt := s.Overlays[sidecar.WayBurnt]
	m.number("overlay_dropped_total", "Pictures that there was no time to draw boxes into.", float64(burnt.Dropped), counter)
	m.number("overlay_encode_cpu_seconds_total", "Processor time of the encoder of pictures with boxes in them.", burnt.CPU.Seconds(), counter)
	for _, way := range []sidecar.Way{sidecar.WayConverted, sidecar.WayBlurred} {
		o := s.Overlays[way]
		m.labels, m.values = []string{"camera", "way"}, []string{id, string(way)}
		m.number("transcode_dropped_total", "Pictures that there was no time to convert.", float64(o.Dropped), counter)
		m.number("transcode_encode_cpu_seconds_total", "Processor time of the encoder of converted pictures.", o.CPU.Seconds(), counter)
	}

	m.labels = []string{"camera", "way"}
	for way, o := range s.Overlays {
		m.values = []string{id, string(way)}
		m.number("overlay_joined_total", "Pictures that were given on with their scene.", float64(o.Joined), counter)
		m.number("overlay_late_total", "Scenes that came after their picture was given on.", float64(o.Late), counter)
		m.number("overlay_frame_error_seconds", "The most, by media time, that a scene was behind the picture.", o.Error.Seconds())
	}
	m.labels = []string{"camera", "kind"}
	for kind, fps := range map[string]float64{"camera": s.FPS.Camera, "processed": s.FPS.Processed,
		"skipped": s.FPS.Skipped, "detection": s.FPS.Detection} {
		m.values = []string{id, kind}
		m.number("fps", "Frames per second: sent by the camera, decoded, skipped, given to the detector.", fps)
	}
	m.labels = []string{"camera", "reason"}
	for reason, n := range s.Dropped {
		m.values = []string{id, reason}
		m.number("dropped_total", "Frames that were left out, by reason.", float64(n), counter)
	}
	m.labels = []string{"camera", "stage"}
	for i, stage := range sidecar.Stages() {
		m.values = []string{id, stage}
		m.histogram("latency_seconds", "Time of a frame in each stage, and from capture to scene.", &s.Stages[i])
	}
}

// suspended says whether a state is a view's.
func suspended(state string) bool {
	switch sidecar.ViewState(state) {
	case sidecar.ViewMoved, sidecar.ViewDark, sidecar.ViewBlurred, sidecar.ViewCovered, sidecar.ViewFrozen:
		return true
	}
	return false
}

func collectNode(out chan<- prometheus.Metric, n sidecar.NodeStatus) {
	m := metrics{out: out, name: "pantau_", labels: []string{"node", "version", "model"}, values: []string{n.Node, n.Version, n.Model}}
	m.number("info", "Always 1: the node, its version and its default model.", 1)
	m.labels, m.values = nil, nil
	m.number("ready", "1 where everything that must run runs.", one(n.Ready))
	m.number("inference_cpu_seconds_total", "Processor time of the models.", n.InferCPU.Seconds(), counter)
	m.number("notes_lost_total", "Notes of states and audits, and lines of the file, that could not be written.", float64(n.Lost), counter)
	m.number("transcodes", "Cameras' pictures that are converted for viewers now, each for all of them.", float64(n.Transcodes.Running))
	m.number("transcodes_most", "How many may be converted at once (live.transcodes).", float64(n.Transcodes.Most))
	m.number("transcodes_refused_total", "Times that there was no room to convert one more; it grows each second while somebody waits.", float64(n.Transcodes.Refused), counter)
	m.number("redis_up", "1 where Redis answers.", one(n.Redis.Connected))
	m.number("redis_scenes_total", "Scenes written to Redis.", float64(n.Redis.Scenes), counter)
	m.number("redis_scenes_dropped_total", "Scenes given up because Redis was away or slow.", float64(n.Redis.Dropped), counter)
	m.number("redis_facts_total", "Events and counts that Redis has acknowledged.", float64(n.Redis.Facts), counter)
	m.number("outbox_entries", "Events and counts that wait on disk.", float64(n.Outbox.Entries))
	m.number("outbox_bytes", "Size of what waits on disk.", float64(n.Outbox.Bytes))
	m.number("outbox_oldest_seconds", "Age of the oldest event or count that waits.", n.Outbox.Oldest)
	m.labels = []string{"stream", "group"}
	for _, g := range n.Groups {
		m.values = []string{g.Stream, g.Name}
		m.number("group_lag_entries", "Entries that a consumer group has not been given; -1 where Redis cannot tell.", float64(g.Lag))
		m.number("group_pending_entries", "Entries that a consumer group has not acknowledged.", float64(g.Pending))
		m.number("group_behind_seconds", "How far a consumer group is behind the newest entry.", g.Behind)
	}
}

func one(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// counter marks a metric that only grows.
const counter = prometheus.CounterValue

// metrics gives metrics of one family of names with the same labels.
type metrics struct {
	out            chan<- prometheus.Metric
	name           string
	labels, values []string
}

func (m metrics) number(name, help string, v float64, kind ...prometheus.ValueType) {
	of := prometheus.GaugeValue
	if len(kind) > 0 {
		of = kind[0]
	}
	m.out <- prometheus.MustNewConstMetric(prometheus.NewDesc(m.name+name, help, m.labels, nil), of, v, m.values...)
}

func (m metrics) histogram(name, help string, h *sidecar.Histogram) {
	buckets, total := make(map[float64]uint64, len(h.Counts)), uint64(0)
	bounds := sidecar.HistogramBounds()
	for i, n := range h.Counts {
		total += n
		if i < len(bounds) {
			buckets[bounds[i].Seconds()] = total
		}
	}
	m.out <- prometheus.MustNewConstHistogram(prometheus.NewDesc(m.name+name, help, m.labels, nil),
		total, h.Sum.Seconds(), buckets, m.values...)
}
