// What Go calls to make a live stream. Everything belongs to the pantau_h264,
// from pantau_h264_open to pantau_h264_close.
#ifndef PANTAU_H264_H
#define PANTAU_H264_H

#include "x264.h"

typedef struct {
	AVCodecContext *codec;
	AVFrame *frame;   // where the next picture is put
	AVPacket *packet; // the newest coded picture
	int64_t cpu;      // processor time of all calls of pantau_h264_encode, ns
} pantau_h264;

int pantau_h264_open(pantau_h264 *e, const pantau_x264 *o);
int pantau_h264_begin(pantau_h264 *e);
int pantau_h264_encode(pantau_h264 *e, int64_t pts, int key);
void pantau_h264_close(pantau_h264 *e);

#endif
