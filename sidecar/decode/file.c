// A clip: demuxer and decoder of its best video stream.

#include "decode.h"

// Opens a clip. Only local files are read, whatever the clip refers to.
int pantau_open_file(pantau_file *f, const char *url)
{
	AVDictionary *options = NULL;
	av_dict_set(&options, "protocol_whitelist", "file", 0);
	int err = avformat_open_input(&f->format, url, NULL, &options);
	av_dict_free(&options);
	if (err < 0)
		return err;
	f->format->max_analyze_duration = 5 * AV_TIME_BASE;
	err = avformat_find_stream_info(f->format, NULL);
	int best = err < 0 ? err : av_find_best_stream(f->format, AVMEDIA_TYPE_VIDEO, -1, -1, NULL, 0);
	if (best >= 0) {
		f->stream = f->format->streams[best];
		for (unsigned i = 0; i < f->format->nb_streams; i++)
			if ((int)i != best)
				f->format->streams[i]->discard = AVDISCARD_ALL;
		err = pantau_open_decoder(&f->decoder, f->stream->codecpar->codec_id, f->stream->codecpar);
	} else {
		err = best;
	}
	if (err < 0)
		pantau_close_file(f);
	return err;
}

// Frees everything but the frames that were given away.
void pantau_close_file(pantau_file *f)
{
	pantau_close_decoder(&f->decoder);
	avformat_close_input(&f->format);
}

// Gives the decoder the next packet of the video, or tells it that none is left.
static void feed(pantau_file *f)
{
	AVPacket *p = f->decoder.packet;
	av_packet_unref(p);
	f->read_err = av_read_frame(f->format, p);
	if (f->read_err < 0)
		avcodec_send_packet(f->decoder.codec, NULL);
	else if (p->stream_index == f->stream->index && avcodec_send_packet(f->decoder.codec, p) < 0)
		f->broken++;
	av_packet_unref(p);
}

// Gives the next picture, in the order of presentation; its pts is the best
// guess of libav, in the stream's time base. What cannot be decoded is counted
// and left out. The error at the end is AVERROR_EOF, or what kept us from reading.
pantau_result pantau_next(pantau_file *f)
{
	for (int errors = 0;;) {
		pantau_result r = pantau_receive(&f->decoder);
		if (r.frame) {
			r.frame->pts = r.frame->best_effort_timestamp;
			return r;
		}
		if (r.err == AVERROR_EOF && f->read_err < 0)
			r.err = f->read_err;
		if (r.err == AVERROR_EOF || r.err == AVERROR(ENOMEM) || (r.err && r.err == f->read_err))
			return r;
		if (r.err) {
			f->broken++;
			if (++errors % 8) // there may be more of this packet, but not for ever
				continue;
		}
		if (f->read_err < 0)
			return (pantau_result){.err = f->read_err};
		feed(f);
	}
}
