package analyse

import (
	"pantau/sidecar"
	"pantau/sidecar/internal/nearest"
)

// known are the classes that a function may name: the 80 of COCO (Lin 2014),
// which all detectors of the manifest speak.
var known = [...]sidecar.Class{
	"person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat", "traffic light",
	"fire hydrant", "stop sign", "parking meter", "bench", "bird", "cat", "dog", "horse", "sheep", "cow",
	"elephant", "bear", "zebra", "giraffe", "backpack", "umbrella", "handbag", "tie", "suitcase", "frisbee",
	"skis", "snowboard", "sports ball", "kite", "baseball bat", "baseball glove", "skateboard", "surfboard",
	"tennis racket", "bottle", "wine glass", "cup", "fork", "knife", "spoon", "bowl", "banana", "apple",
	"sandwich", "orange", "broccoli", "carrot", "hot dog", "pizza", "donut", "cake", "chair", "couch",
	"potted plant", "bed", "dining table", "toilet", "tv", "laptop", "mouse", "remote", "keyboard",
	"cell phone", "microwave", "oven", "toaster", "sink", "refrigerator", "book", "clock", "vase", "scissors",
	"teddy bear", "hair drier", "toothbrush",
}

// synonyms are words that people use for the default classes.
var synonyms = map[string]string{
	"pedestrian": "person", "people": "person", "human": "person",
	"motorbike": "motorcycle", "scooter": "motorcycle", "moped": "motorcycle",
	"bike": "bicycle", "cyclist": "bicycle", "lorry": "truck", "van": "car", "taxi": "car",
}

// meant is the word that w was probably meant to be; empty if none is near.
func meant(w string, words []string) string {
	if s, ok := synonyms[w]; ok {
		return s
	}
	return nearest.Word(w, words)
}
