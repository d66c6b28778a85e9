// One decoder of libavcodec, one thread.

#include "decode.h"
#include <time.h>

// Opens the decoder of a codec, with the parameters of a container where there
// are any. A camera's stream (no parameters) is decoded without delay.
int pantau_open_decoder(pantau_decoder *d, enum AVCodecID id, const AVCodecParameters *par)
{
	const AVCodec *codec = avcodec_find_decoder(id);
	if (!codec)
		return AVERROR_DECODER_NOT_FOUND;
	d->codec = avcodec_alloc_context3(codec);
	d->packet = av_packet_alloc();
	d->frame = av_frame_alloc();
	int err = d->codec && d->packet && d->frame ? 0 : AVERROR(ENOMEM);
	if (!err && par)
		err = avcodec_parameters_to_context(d->codec, par);
	if (!err) {
		d->codec->thread_count = 1;
		d->codec->max_pixels = PANTAU_MAX_PIXELS;
		if (!par)
			d->codec->flags |= AV_CODEC_FLAG_LOW_DELAY;
		err = avcodec_open2(d->codec, codec, NULL);
	}
	if (err < 0)
		pantau_close_decoder(d);
	return err;
}

// Frees everything but the frames that were given away.
void pantau_close_decoder(pantau_decoder *d)
{
	avcodec_free_context(&d->codec);
	av_packet_free(&d->packet);
	av_frame_free(&d->frame);
}

// Gives room for an access unit of size bytes, to be filled before the next
// pantau_decode. It belongs to the decoder. NULL: no memory.
uint8_t *pantau_packet(pantau_decoder *d, int size)
{
	av_packet_unref(d->packet);
	return av_new_packet(d->packet, size) < 0 ? NULL : d->packet->data;
}

// The processor time of this thread, ns (clock_gettime(2)).
static int64_t thread_time(void)
{
	struct timespec t;
	if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t) < 0)
		return 0;
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

// Decodes the filled packet. The picture's pts is the seq of the packet it came
// with. With drain the picture is given at once, and the decoder begins anew.
pantau_result pantau_decode(pantau_decoder *d, int64_t seq, int drain)
{
	int64_t begun = thread_time();
	d->packet->pts = seq;
	int err = avcodec_send_packet(d->codec, d->packet);
	av_packet_unref(d->packet);
	pantau_result r = pantau_receive(d);
	if (drain) {
		if (!r.frame && !r.err && avcodec_send_packet(d->codec, NULL) >= 0)
			r = pantau_receive(d);
		avcodec_flush_buffers(d->codec);
	}
	if (err < 0 && !r.frame)
		r.err = err;
	d->cpu += thread_time() - begun;
	return r;
}

// Broken beyond the patching of single blocks, or too large for us.
static int damaged(const AVFrame *f)
{
	int bad = FF_DECODE_ERROR_INVALID_BITSTREAM | FF_DECODE_ERROR_CONCEALMENT_ACTIVE | FF_DECODE_ERROR_DECODE_SLICES;
	return f->flags & AV_FRAME_FLAG_CORRUPT || f->decode_error_flags & bad ||
	       f->width <= 0 || f->height <= 0 || f->width > PANTAU_MAX_SIDE || f->height > PANTAU_MAX_SIDE;
}

// Takes the next picture from the decoder: planar YUV of 8 bits or grey. At the
// end of a drained stream the error is AVERROR_EOF.
pantau_result pantau_receive(pantau_decoder *d)
{
	pantau_result r = {0};
	r.err = avcodec_receive_frame(d->codec, d->frame);
	if (r.err == AVERROR(EAGAIN))
		r.err = 0;
	else if (!r.err && damaged(d->frame))
		r.err = AVERROR_INVALIDDATA;
	else if (!r.err && !(r.frame = av_frame_alloc()))
		r.err = AVERROR(ENOMEM);
	if (r.frame) {
		av_frame_move_ref(r.frame, d->frame);
		r.err = pantau_make_plain(&r.frame);
	}
	av_frame_unref(d->frame);
	return r;
}

// Gives a frame back.
void pantau_free_frame(AVFrame *f) { av_frame_free(&f); }
