package onnx

import (
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"

	ort "github.com/yalue/onnxruntime_go"
	"golang.org/x/sys/unix"
)

// Session is one model, ready to run. Any number of Bindings may run at once.
type Session struct {
	session *ort.DynamicAdvancedSession
	Input   Info         // models with one input only
	Outputs []Info       // in the model's order
	spent   atomic.Int64 // processor time of all runs, ns
}

// Info is the name and the shape of a model's input or output. A dimension that
// is free is -1. Its numbers are float32, or uint8 for an input of Bytes.
type Info struct {
	Name  string
	Shape []int64
	Bytes bool
}

// Session reads a model from the bytes of an ONNX file. Each run uses one
// thread, the caller's; parallelism comes from several callers.
func (l *Library) Session(model []byte) (*Session, error) {
	if len(model) == 0 {
		return nil, errors.New("reading model: no bytes")
	}
	inputs, outputs, err := ort.GetInputOutputInfoWithONNXData(model)
	if err != nil {
		return nil, fmt.Errorf("reading model: %w", err)
	}
	if len(inputs) != 1 {
		return nil, fmt.Errorf("reading model: %d inputs, want 1", len(inputs))
	}
	in := inputs[0]
	if in.DataType != ort.TensorElementDataTypeFloat && in.DataType != ort.TensorElementDataTypeUint8 {
		return nil, fmt.Errorf("reading model: input %q is neither float32 nor uint8", in.Name)
	}
	options, err := sessionOptions()
	if err != nil {
		return nil, fmt.Errorf("preparing session: %w", err)
	}
	defer func() { _ = options.Destroy() }()
	s := &Session{Input: Info{in.Name, in.Dimensions, in.DataType == ort.TensorElementDataTypeUint8}}
	var names []string
	for _, o := range outputs {
		if o.DataType != ort.TensorElementDataTypeFloat {
			return nil, fmt.Errorf("reading model: output %q is not float32", o.Name)
		}
		s.Outputs = append(s.Outputs, Info{Name: o.Name, Shape: o.Dimensions})
		names = append(names, o.Name)
	}
	s.session, err = ort.NewDynamicAdvancedSessionWithONNXData(model, []string{s.Input.Name}, names, options)
	if err != nil {
		return nil, fmt.Errorf("preparing session: %w", err)
	}
	return s, nil
}

// sessionOptions: one thread, no spinning (it doubles the CPU time on busy
// cores), every optimisation.
func sessionOptions() (*ort.SessionOptions, error) {
	o, err := ort.NewSessionOptions()
	if err != nil {
		return nil, err
	}
	err = errors.Join(
		o.SetIntraOpNumThreads(1),
		o.SetInterOpNumThreads(1),
		o.SetExecutionMode(ort.ExecutionModeSequential),
		o.SetGraphOptimizationLevel(ort.GraphOptimizationLevelEnableAll),
		o.SetLogSeverityLevel(ort.LoggingLevelError),
		o.AddSessionConfigEntry("session.intra_op.allow_spinning", "0"),
		o.AddSessionConfigEntry("session.inter_op.allow_spinning", "0"),
	)
	if err != nil {
		return nil, errors.Join(err, o.Destroy())
	}
	return o, nil
}

// Close frees the model. Every Binding must be closed before.
func (s *Session) Close() error {
	if err := s.session.Destroy(); err != nil {
		return fmt.Errorf("closing session: %w", err)
	}
	return nil
}

// Binding is one caller's tensors of a Session. It is for one goroutine at a
// time. It must be closed: Go's runtime ends the program when it collects one
// whose memory is still pinned.
type Binding struct {
	Input   []float32   // row-major, as the input's shape; nil for a model that takes bytes
	Bytes   []byte      // the same for a model that takes bytes; nil for others
	Outputs [][]float32 // in the session's order; overwritten by each Run

	session *Session
	binding *ort.IoBinding
	tensors []ort.Value
	pinner  runtime.Pinner // ONNX Runtime keeps pointers into Input, Bytes and Outputs
}

// Bind allocates the tensors for one shape of the input and the shapes of the
// outputs that belong to it.
func (s *Session) Bind(input []int64, outputs [][]int64) (*Binding, error) {
	if len(outputs) != len(s.Outputs) {
		return nil, fmt.Errorf("binding tensors: %d outputs, the model has %d", len(outputs), len(s.Outputs))
	}
	io, err := s.session.CreateIoBinding()
	if err != nil {
		return nil, fmt.Errorf("binding tensors: %w", err)
	}
	b := &Binding{session: s, binding: io}
	bind := func(t ort.Value) error { return io.BindInput(s.Input.Name, t) }
	if s.Input.Bytes {
		b.Bytes, err = tensor[byte](b, input, bind)
	} else {
		b.Input, err = tensor[float32](b, input, bind)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("binding input %v: %w", input, err), b.Close())
	}
	for i, shape := range outputs {
		data, err := tensor[float32](b, shape, func(t ort.Value) error { return io.BindOutput(s.Outputs[i].Name, t) })
		if err != nil {
			return nil, errors.Join(fmt.Errorf("binding output %q %v: %w", s.Outputs[i].Name, shape, err), b.Close())
		}
		b.Outputs = append(b.Outputs, data)
	}
	return b, nil
}

// tensor makes one tensor in memory that the garbage collector leaves in place,
// and hands it to bind.
func tensor[T float32 | byte](b *Binding, shape []int64, bind func(ort.Value) error) ([]T, error) {
	t, err := ort.NewEmptyTensor[T](ort.NewShape(shape...))
	if err != nil {
		return nil, err
	}
	b.tensors = append(b.tensors, t)
	data := t.GetData()
	if len(data) == 0 {
		return nil, errors.New("shape is empty")
	}
	b.pinner.Pin(&data[0])
	return data, bind(t)
}

// Run computes Outputs from Input or Bytes on this thread.
func (b *Binding) Run() error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	begun := threadTime()
	defer func() { b.session.spent.Add(int64(threadTime() - begun)) }()
	if err := b.session.session.RunWithBinding(b.binding); err != nil {
		return fmt.Errorf("running model: %w", err)
	}
	return nil
}

// CPU is the processor time that all runs of the session have taken.
func (s *Session) CPU() time.Duration { return time.Duration(s.spent.Load()) }

// threadTime is the processor time of this thread (clock_gettime(2)).
func threadTime() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		return 0
	}
	return time.Duration(t.Nano())
}

// Close frees the tensors.
func (b *Binding) Close() error {
	err := b.binding.Destroy()
	for _, t := range b.tensors {
		err = errors.Join(err, t.Destroy())
	}
	b.pinner.Unpin()
	if err != nil {
		return fmt.Errorf("freeing tensors: %w", err)
	}
	return nil
}
