// What Go calls of libavcodec, libavformat, libswscale and libjpeg-turbo.
//
// Ownership: who gets an AVFrame from a function of this file owns it and gives
// it back with pantau_free_frame. Its pixels may be shared with the decoder, by
// reference count: they are read-only.
#ifndef PANTAU_DECODE_H
#define PANTAU_DECODE_H

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <stdint.h>

// Limits on what a camera may make us allocate.
enum {
	PANTAU_MAX_PIXELS = 1 << 24, // 4096·4096
	PANTAU_MAX_SIDE = 1 << 14,   // rows of this length fit on the stack
	PANTAU_MAX_TENSOR = 1 << 12, // width of a letterbox
};

// A picture or an error of libav (negative); neither means: nothing yet.
typedef struct {
	AVFrame *frame; // owned by the caller
	int err;
} pantau_result;

// A decoder and the packet that is being filled for it.
typedef struct {
	AVCodecContext *codec;
	AVPacket *packet;
	AVFrame *frame; // where the decoder puts a picture; empty between the calls
	int64_t cpu;    // processor time of all calls of pantau_decode, ns
} pantau_decoder;

// A demuxer, its video stream and that stream's decoder.
typedef struct {
	AVFormatContext *format;
	AVStream *stream; // belongs to format
	pantau_decoder decoder;
	int read_err; // why reading ended; 0 while it goes on
	int broken;   // packets that could not be decoded
} pantau_file;

// decoder.c
int pantau_open_decoder(pantau_decoder *d, enum AVCodecID id, const AVCodecParameters *par);
void pantau_close_decoder(pantau_decoder *d);
uint8_t *pantau_packet(pantau_decoder *d, int size);
pantau_result pantau_decode(pantau_decoder *d, int64_t seq, int drain);
pantau_result pantau_receive(pantau_decoder *d);
void pantau_free_frame(AVFrame *f);

// file.c
int pantau_open_file(pantau_file *f, const char *url);
void pantau_close_file(pantau_file *f);
pantau_result pantau_next(pantau_file *f);

// planes.c
typedef struct {
	float kr, kb;  // weights of red and blue in luma (ITU-T H.273, table 4)
	int full;      // full range: luma 0..255; otherwise 16..235
	int planes;    // 3, or 1 for grey
	int sx, sy;    // log2 of the chroma planes' subsampling
} pantau_colour;

int pantau_plain(enum AVPixelFormat format);
pantau_colour pantau_colour_of(const AVFrame *f);
int pantau_make_plain(AVFrame **f);

typedef struct {
	int32_t y, x0, x1; // pixels x0 ≤ x < x1 of row y
} pantau_span;

int pantau_mask(AVFrame *f, const pantau_span *spans, int n);

int pantau_copy_planes(const AVFrame *f, int width, int height, uint8_t *y, int y_stride, uint8_t *cb, uint8_t *cr, int c_stride);

// letterbox.c
typedef struct {
	int width, height;                  // of the tensor
	int crop_x, crop_y, crop_w, crop_h; // source rectangle, inside of the picture
	int x, y, w, h;                     // target rectangle, inside of the tensor
	int rgb;                            // order of the channels: RGB, otherwise BGR
	float mean[3], scale[3];            // in the order of the channels
	float pad;
} pantau_fit;

// Exactly one of the two is there: what the tensor is made of.
typedef struct {
	float *numbers;
	uint8_t *bytes;
} pantau_tensor;

void pantau_letterbox(const AVFrame *f, pantau_tensor dst, pantau_fit fit);

// ycbcr.c
typedef struct {
	uint8_t *data; // free with pantau_free_jpeg
	unsigned long size;
} pantau_jpeg;

void pantau_ycbcr(const AVFrame *f, uint8_t *y, int y_stride, uint8_t *cb, uint8_t *cr, int c_stride);
pantau_jpeg pantau_compress(const AVFrame *f, int quality);
void pantau_free_jpeg(pantau_jpeg j);

// Hot loops are compiled for the processor's vector units and for any
// processor; which one runs is chosen when the program is loaded.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define PANTAU_HOT __attribute__((target_clones("arch=x86-64-v3", "default")))
#else
#define PANTAU_HOT
#endif

#endif
