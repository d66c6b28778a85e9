// H.264 in an MP4 file.

#include "mp4.h"
#include "x264.h"

// Full range becomes limited range, which every player shows alike (ITU-T
// H.273, clause 8.3).
static void tables(pantau_mp4 *m)
{
	for (int v = 0; v < 256; v++) {
		m->luma[v] = 16 + (v * 219 + 127) / 255;
		int c = 128 + ((v - 128) * 224 + (v < 128 ? -127 : 127)) / 255;
		m->chroma[v] = c < 16 ? 16 : c;
	}
}

static int open_encoder(pantau_mp4 *m, int width, int height, double rate)
{
	pantau_x264 o = {
		.width = (width + 1) & ~1, .height = (height + 1) & ~1, .rate = rate, .preset = "veryfast", .crf = 23,
		.space = AVCOL_SPC_SMPTE170M, .range = AVCOL_RANGE_MPEG, .global = m->format->oformat->flags & AVFMT_GLOBALHEADER,
	};
	return pantau_open_x264(&m->codec, &o);
}

static int open_frame(pantau_mp4 *m)
{
	m->packet = av_packet_alloc();
	m->frame = pantau_new_picture(m->codec);
	return m->packet && m->frame ? 0 : AVERROR(ENOMEM);
}

static int open_stream(pantau_mp4 *m, const char *url)
{
	if (!(m->stream = avformat_new_stream(m->format, NULL)))
		return AVERROR(ENOMEM);
	m->stream->time_base = m->codec->time_base;
	m->stream->avg_frame_rate = m->codec->framerate;
	int err = avcodec_parameters_from_context(m->stream->codecpar, m->codec);
	if (err >= 0)
		err = avio_open(&m->format->pb, url, AVIO_FLAG_WRITE);
	if (err < 0)
		return err;
	AVDictionary *options = NULL;
	av_dict_set(&options, "movflags", "+faststart", 0); // a browser plays before the end has come
	err = avformat_write_header(m->format, &options);
	av_dict_free(&options);
	return err < 0 ? err : 0;
}

// Opens the encoder and then the file, so that a bad size leaves no file behind.
int pantau_mp4_open(pantau_mp4 *m, const char *url, int width, int height, double rate)
{
	tables(m);
	int err = avformat_alloc_output_context2(&m->format, NULL, "mp4", url);
	if (err >= 0)
		err = open_encoder(m, width, height, rate);
	if (err >= 0)
		err = open_frame(m);
	if (err >= 0)
		err = open_stream(m, url);
	if (err < 0)
		pantau_mp4_close(m);
	return err;
}

// Copies a plane of the next picture, repeating its last column and row where
// the encoder's is larger.
int pantau_mp4_plane(pantau_mp4 *m, int plane, const uint8_t *src, int stride, int width, int height)
{
	AVFrame *f = m->frame;
	int err = plane == 0 ? av_frame_make_writable(f) : 0; // the encoder may still look at the picture before
	int w = plane ? f->width / 2 : f->width, h = plane ? f->height / 2 : f->height;
	const uint8_t *table = plane ? m->chroma : m->luma;
	for (int y = 0; err >= 0 && y < h; y++) {
		const uint8_t *from = src + (ptrdiff_t)(y < height ? y : height - 1) * stride;
		uint8_t *to = f->data[plane] + (ptrdiff_t)y * f->linesize[plane];
		for (int x = 0; x < w; x++)
			to[x] = table[from[x < width ? x : width - 1]];
	}
	return err;
}

// Writes what the encoder has ready.
static int drain(pantau_mp4 *m)
{
	for (;;) {
		int err = avcodec_receive_packet(m->codec, m->packet);
		if (err < 0)
			return err == AVERROR(EAGAIN) || err == AVERROR_EOF ? 0 : err;
		av_packet_rescale_ts(m->packet, m->codec->time_base, m->stream->time_base);
		m->packet->stream_index = m->stream->index;
		err = av_interleaved_write_frame(m->format, m->packet);
		if (err < 0)
			return err;
	}
}

// Encodes the picture that was copied in. pts is in 1/90000 s.
int pantau_mp4_send(pantau_mp4 *m, int64_t pts)
{
	m->frame->pts = pts;
	int err = avcodec_send_frame(m->codec, m->frame);
	return err < 0 ? err : drain(m);
}

// Writes what is left, and the index.
int pantau_mp4_finish(pantau_mp4 *m)
{
	int err = avcodec_send_frame(m->codec, NULL);
	int more = drain(m), trailer = av_write_trailer(m->format);
	int closed = avio_closep(&m->format->pb);
	return err < 0 ? err : more < 0 ? more : trailer < 0 ? trailer : closed;
}

// Frees everything.
void pantau_mp4_close(pantau_mp4 *m)
{
	if (m->format)
		avio_closep(&m->format->pb);
	avformat_free_context(m->format);
	m->format = NULL;
	avcodec_free_context(&m->codec);
	av_frame_free(&m->frame);
	av_packet_free(&m->packet);
}
