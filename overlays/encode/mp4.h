// What Go calls to write a video. Everything belongs to the pantau_mp4, from
// pantau_mp4_open to pantau_mp4_close; pixels are copied in.
#ifndef PANTAU_MP4_H
#define PANTAU_MP4_H

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <stdint.h>

typedef struct {
	AVFormatContext *format;
	AVStream *stream; // belongs to format
	AVCodecContext *codec;
	AVFrame *frame; // the picture on its way to the encoder, its size even
	AVPacket *packet;
	uint8_t luma[256], chroma[256]; // from full range to limited range
} pantau_mp4;

int pantau_mp4_open(pantau_mp4 *m, const char *url, int width, int height, double rate);
int pantau_mp4_plane(pantau_mp4 *m, int plane, const uint8_t *src, int stride, int width, int height);
int pantau_mp4_send(pantau_mp4 *m, int64_t pts);
int pantau_mp4_finish(pantau_mp4 *m);
void pantau_mp4_close(pantau_mp4 *m);

#endif
