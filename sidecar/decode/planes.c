// The layout and the colours of a picture's planes.

#include "decode.h"
#include <libavutil/imgutils.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>
#include <string.h>

// Says whether our own code reads the format: 8 bits, one plane a component,
// luma first; or grey.
int pantau_plain(enum AVPixelFormat format)
{
	const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(format);
	if (format == AV_PIX_FMT_GRAY8)
		return 1;
	if (!d || d->nb_components < 3 || d->flags & (AV_PIX_FMT_FLAG_RGB | AV_PIX_FMT_FLAG_PAL | AV_PIX_FMT_FLAG_HWACCEL))
		return 0;
	for (int i = 0; i < 3; i++)
		if (d->comp[i].plane != i || d->comp[i].step != 1 || d->comp[i].depth != 8 || d->comp[i].shift != 0)
			return 0;
	return 1;
}

// Reads the colours from the frame. What a stream leaves unsaid: BT.709 from
// 720 lines on, else BT.601; limited range unless the format is one of JPEG's.
pantau_colour pantau_colour_of(const AVFrame *f)
{
	const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(f->format);
	pantau_colour c = {.kr = 0.299f, .kb = 0.114f, .planes = 3, .sx = d->log2_chroma_w, .sy = d->log2_chroma_h};
	switch (f->colorspace) {
	case AVCOL_SPC_FCC:
	case AVCOL_SPC_BT470BG:
	case AVCOL_SPC_SMPTE170M:
		break;
	case AVCOL_SPC_BT2020_NCL:
	case AVCOL_SPC_BT2020_CL:
		c.kr = 0.2627f, c.kb = 0.0593f;
		break;
	default:
		if (f->colorspace == AVCOL_SPC_BT709 || f->height >= 720)
			c.kr = 0.2126f, c.kb = 0.0722f;
	}
	switch ((enum AVPixelFormat)f->format) {
	case AV_PIX_FMT_GRAY8:
		c.planes = 1;
		// fall through
	case AV_PIX_FMT_YUVJ420P:
	case AV_PIX_FMT_YUVJ422P:
	case AV_PIX_FMT_YUVJ444P:
	case AV_PIX_FMT_YUVJ440P:
	case AV_PIX_FMT_YUVJ411P:
		c.full = f->color_range != AVCOL_RANGE_MPEG;
		break;
	default:
		c.full = f->color_range == AVCOL_RANGE_JPEG;
	}
	return c;
}

// Chooses the plain format that keeps most of another one.
static enum AVPixelFormat nearest_plain(const AVPixFmtDescriptor *d, int rgb)
{
	if (rgb)
		return AV_PIX_FMT_YUV444P;
	if (d->nb_components < 3)
		return AV_PIX_FMT_GRAY8;
	if (!d->log2_chroma_w)
		return AV_PIX_FMT_YUV444P;
	return d->log2_chroma_h ? AV_PIX_FMT_YUV420P : AV_PIX_FMT_YUV422P;
}

static int convert(AVFrame *dst, const AVFrame *src, int rgb)
{
	struct SwsContext *sws = sws_getContext(src->width, src->height, src->format,
		dst->width, dst->height, dst->format, SWS_BILINEAR | SWS_ACCURATE_RND, NULL, NULL, NULL);
	if (!sws)
		return AVERROR(ENOSYS);
	int full = rgb || src->color_range == AVCOL_RANGE_JPEG;
	const int *bt601 = sws_getCoefficients(SWS_CS_ITU601);
	sws_setColorspaceDetails(sws, bt601, full, bt601, full, 0, 1 << 16, 1 << 16);
	int rows = sws_scale(sws, (const uint8_t *const *)src->data, src->linesize, 0, src->height, dst->data, dst->linesize);
	sws_freeContext(sws);
	return rows == dst->height ? 0 : AVERROR_EXTERNAL;
}

// Replaces a frame that is not plain by one that is; frees it on an error.
int pantau_make_plain(AVFrame **f)
{
	AVFrame *src = *f, *dst;
	if (pantau_plain(src->format))
		return 0;
	const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(src->format);
	int rgb = d && d->flags & (AV_PIX_FMT_FLAG_RGB | AV_PIX_FMT_FLAG_PAL);
	int err = d && !(d->flags & AV_PIX_FMT_FLAG_HWACCEL) ? 0 : AVERROR(ENOSYS);
	if (!(dst = av_frame_alloc()))
		err = AVERROR(ENOMEM);
	if (!err) {
		av_frame_copy_props(dst, src);
		dst->width = src->width;
		dst->height = src->height;
		dst->format = nearest_plain(d, rgb);
		if (rgb) {
			dst->colorspace = AVCOL_SPC_SMPTE170M;
			dst->color_range = AVCOL_RANGE_JPEG;
		}
		err = av_frame_get_buffer(dst, 0);
	}
	if (!err)
		err = convert(dst, src, rgb);
	if (err)
		av_frame_free(&dst);
	av_frame_free(&src);
	*f = dst;
	return err;
}

// Blanks the spans. The frame's pixels are copied first if the decoder still
// refers to them.
int pantau_mask(AVFrame *f, const pantau_span *spans, int n)
{
	int err = av_frame_make_writable(f);
	if (err < 0)
		return err;
	pantau_colour c = pantau_colour_of(f);
	for (const pantau_span *s = spans; s < spans + n; s++) {
		memset(f->data[0] + (ptrdiff_t)s->y * f->linesize[0] + s->x0, c.full ? 0 : 16, s->x1 - s->x0);
		int x0 = s->x0 >> c.sx, x1 = AV_CEIL_RSHIFT(s->x1, c.sx);
		for (int p = 1; p < c.planes; p++)
			memset(f->data[p] + (ptrdiff_t)(s->y >> c.sy) * f->linesize[p] + x0, 128, x1 - x0);
	}
	return 0;
}

// The format of the same layout whose name says nothing of the range.
static enum AVPixelFormat without_range(enum AVPixelFormat format)
{
	switch (format) {
	case AV_PIX_FMT_YUVJ420P:
		return AV_PIX_FMT_YUV420P;
	case AV_PIX_FMT_YUVJ422P:
		return AV_PIX_FMT_YUV422P;
	case AV_PIX_FMT_YUVJ444P:
		return AV_PIX_FMT_YUV444P;
	case AV_PIX_FMT_YUVJ440P:
		return AV_PIX_FMT_YUV440P;
	case AV_PIX_FMT_YUVJ411P:
		return AV_PIX_FMT_YUV411P;
	default:
		return format;
	}
}

static int scale(const AVFrame *f, enum AVPixelFormat format, int width, int height, uint8_t *const *dst, const int *strides)
{
	struct SwsContext *sws = sws_getContext(f->width, f->height, format, width, height, AV_PIX_FMT_YUV420P,
		SWS_FAST_BILINEAR, NULL, NULL, NULL);
	if (!sws)
		return AVERROR(ENOSYS);
	const int *bt601 = sws_getCoefficients(SWS_CS_ITU601); // one matrix and one range: samples stay what they are
	sws_setColorspaceDetails(sws, bt601, 1, bt601, 1, 0, 1 << 16, 1 << 16);
	int rows = sws_scale(sws, (const uint8_t *const *)f->data, f->linesize, 0, f->height, dst, strides);
	sws_freeContext(sws);
	return rows == height ? 0 : AVERROR_EXTERNAL;
}

// Copies the samples as they are, in 4:2:0, scaled where the sizes differ by
// more than a pixel. The chroma planes have half the size, rounded up.
int pantau_copy_planes(const AVFrame *f, int width, int height, uint8_t *y, int y_stride, uint8_t *cb, uint8_t *cr, int c_stride)
{
	uint8_t *const dst[4] = {y, cb, cr};
	const int strides[4] = {y_stride, c_stride, c_stride};
	enum AVPixelFormat format = without_range(f->format);
	int dx = f->width - width, dy = f->height - height;
	if (format != AV_PIX_FMT_YUV420P || dx < 0 || dx > 1 || dy < 0 || dy > 1)
		return scale(f, format, width, height, dst, strides);
	for (int p = 0; p < 3; p++)
		av_image_copy_plane(dst[p], strides[p], f->data[p], f->linesize[p], p ? (width + 1) / 2 : width, p ? (height + 1) / 2 : height);
	return 0;
}
