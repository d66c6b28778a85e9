// H.264 by libx264.

#include "x264.h"
#include <libavutil/opt.h>
#include <stdio.h>

static void set_live(AVCodecContext *c, const pantau_x264 *o)
{
	av_opt_set(c->priv_data, "tune", "zerolatency", 0); // no look-ahead, no B pictures
	av_opt_set(c->priv_data, "x264-params", "sliced-threads=0", 0);
	av_opt_set(c->priv_data, "forced-idr", "1", 0);
	if (o->most > 0) {
		c->rc_max_rate = o->most;
		c->rc_buffer_size = o->most; // a second
	}
}

// Opens the encoder, one thread, a key picture every two seconds.
int pantau_open_x264(AVCodecContext **codec, const pantau_x264 *o)
{
	const AVCodec *x264 = avcodec_find_encoder_by_name("libx264");
	if (!x264)
		return AVERROR_ENCODER_NOT_FOUND;
	AVCodecContext *c = *codec = avcodec_alloc_context3(x264);
	if (!c)
		return AVERROR(ENOMEM);
	c->width = o->width;
	c->height = o->height;
	c->pix_fmt = AV_PIX_FMT_YUV420P;
	c->color_range = o->range;
	c->colorspace = o->space;
	c->color_primaries = AVCOL_PRI_BT709; // those of sRGB
	c->color_trc = AVCOL_TRC_BT709;
	c->chroma_sample_location = AVCHROMA_LOC_CENTER;
	c->time_base = (AVRational){1, PANTAU_CLOCK};
	c->framerate = av_d2q(o->rate, PANTAU_CLOCK);
	c->gop_size = o->rate < 1 ? 1 : (int)(2 * o->rate);
	c->thread_count = 1;
	if (o->global)
		c->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
	char crf[16];
	snprintf(crf, sizeof crf, "%d", o->crf);
	av_opt_set(c->priv_data, "crf", crf, 0);
	int err = av_opt_set(c->priv_data, "preset", o->preset, 0);
	if (o->live)
		set_live(c, o);
	if (o->baseline)
		av_opt_set(c->priv_data, "profile", "baseline", 0);
	return err < 0 ? err : avcodec_open2(c, x264, NULL);
}

// Makes a picture for the encoder. NULL: no memory.
AVFrame *pantau_new_picture(const AVCodecContext *codec)
{
	AVFrame *f = av_frame_alloc();
	if (!f)
		return NULL;
	f->width = codec->width;
	f->height = codec->height;
	f->format = codec->pix_fmt;
	f->color_range = codec->color_range;
	f->colorspace = codec->colorspace;
	if (av_frame_get_buffer(f, 0) < 0)
		av_frame_free(&f);
	return f;
}
