// A live stream: each picture comes out coded as soon as it has been put in.

#include "h264.h"
#include <time.h>

// Opens the encoder.
int pantau_h264_open(pantau_h264 *e, const pantau_x264 *o)
{
	int err = pantau_open_x264(&e->codec, o);
	if (err >= 0) {
		e->packet = av_packet_alloc();
		e->frame = pantau_new_picture(e->codec);
		err = e->packet && e->frame ? 0 : AVERROR(ENOMEM);
	}
	if (err < 0)
		pantau_h264_close(e);
	return err;
}

// Makes the frame's planes ours to write on.
int pantau_h264_begin(pantau_h264 *e) { return av_frame_make_writable(e->frame); }

// The processor time of this thread, ns (clock_gettime(2)).
static int64_t thread_time(void)
{
	struct timespec t;
	if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t) < 0)
		return 0;
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

// Codes the frame; the packet holds it until the next call. pts is in 1/90000 s.
int pantau_h264_encode(pantau_h264 *e, int64_t pts, int key)
{
	int64_t begun = thread_time();
	e->frame->pts = pts;
	e->frame->pict_type = key ? AV_PICTURE_TYPE_I : AV_PICTURE_TYPE_NONE;
	av_packet_unref(e->packet);
	int err = avcodec_send_frame(e->codec, e->frame);
	if (err >= 0)
		err = avcodec_receive_packet(e->codec, e->packet);
	e->cpu += thread_time() - begun;
	return err;
}

// Frees everything.
void pantau_h264_close(pantau_h264 *e)
{
	avcodec_free_context(&e->codec);
	av_frame_free(&e->frame);
	av_packet_free(&e->packet);
}
