// The encoder that the files and the live streams are made with.
#ifndef PANTAU_X264_H
#define PANTAU_X264_H

#include <libavcodec/avcodec.h>
#include <stdint.h>

enum { PANTAU_CLOCK = 90000 }; // time stamps in a second

typedef struct {
	int width, height; // pixels, even
	double rate;       // expected pictures a second
	enum AVColorSpace space;
	enum AVColorRange range;
	const char *preset; // of x264
	int crf;            // quality, 0..51
	int live;           // each picture comes out at once
	int most;           // bits a second, 0: as many as the quality takes
	int baseline;       // Constrained Baseline profile
	int global;         // parameter sets in the container only
} pantau_x264;

int pantau_open_x264(AVCodecContext **codec, const pantau_x264 *o);
AVFrame *pantau_new_picture(const AVCodecContext *codec);

#endif
