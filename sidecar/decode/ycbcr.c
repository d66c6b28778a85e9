// A picture's planes as JPEG has them: 4:2:0, full range, BT.601 (ITU-T T.871).

#include "decode.h"
#include <stdlib.h>
#include <string.h>
#include <turbojpeg.h>

enum { BITS = 14 }; // of the fixed-point factors

// From a picture's Y'CbCr to JPEG's: luma gets a share of both chromas where
// the matrices differ, and each chroma a share of the other.
typedef struct {
	int y, y_cb, y_cr, cb, cb_cr, cr, cr_cb;
	int black;
} matrix;

static int fixed(double v) { return (int)(v * (1 << BITS) + (v < 0 ? -0.5 : 0.5)); }

// Goes over R'G'B': c gives them, BT.601 takes them.
static matrix to_jpeg(pantau_colour c)
{
	double luma = c.full ? 1 : 255.0 / 219, chroma = c.full ? 1 : 255.0 / 224, kg = 1 - c.kr - c.kb;
	double red_cr = 2 * (1 - c.kr), blue_cb = 2 * (1 - c.kb);
	double green_cb = -c.kb * blue_cb / kg, green_cr = -c.kr * red_cr / kg;
	double y_cb = 0.587 * green_cb + 0.114 * blue_cb, y_cr = 0.299 * red_cr + 0.587 * green_cr;
	return (matrix){
		.y = fixed(luma), .black = c.full ? 0 : 16,
		.y_cb = fixed(chroma * y_cb), .y_cr = fixed(chroma * y_cr),
		.cb = fixed(chroma * (blue_cb - y_cb) / 1.772), .cb_cr = fixed(chroma * -y_cr / 1.772),
		.cr = fixed(chroma * (red_cr - y_cr) / 1.402), .cr_cb = fixed(chroma * -y_cb / 1.402),
	};
}

static inline uint8_t byte(int v)
{
	v = (v + (1 << (BITS - 1))) >> BITS;
	return v < 0 ? 0 : v > 255 ? 255 : v;
}

// Means the chroma samples of one plane that belong to row y of 4:2:0, minus 128.
static void chroma_row(const AVFrame *f, int p, pantau_colour c, int y, int *restrict out)
{
	int w = (f->width + 1) / 2, last = AV_CEIL_RSHIFT(f->width, c.sx) - 1, bottom = AV_CEIL_RSHIFT(f->height, c.sy) - 1;
	int y0 = y * 2 >> c.sy, y1 = (y * 2 + 1) >> c.sy;
	const uint8_t *a = f->data[p] + (ptrdiff_t)y0 * f->linesize[p];
	const uint8_t *b = f->data[p] + (ptrdiff_t)(y1 < bottom ? y1 : bottom) * f->linesize[p];
	if (c.sx == 1)
		for (int x = 0; x < w; x++)
			out[x] = (a[x] + b[x] + 1) / 2 - 128;
	else
		for (int x = 0; x < w; x++) {
			int x0 = x * 2 >> c.sx, x1 = (x * 2 + 1) >> c.sx;
			x1 = x1 < last ? x1 : last;
			out[x] = (a[x0] + a[x1] + b[x0] + b[x1] + 2) / 4 - 128;
		}
}

PANTAU_HOT static void luma_row(matrix m, const uint8_t *restrict src, const int *restrict shift, int w, uint8_t *restrict dst)
{
	for (int x = 0; x < w; x++)
		dst[x] = byte(m.y * (src[x] - m.black) + shift[x]);
}

PANTAU_HOT static void chroma_out(int own, int other, const int *restrict a, const int *restrict b, int w, uint8_t *restrict dst)
{
	for (int x = 0; x < w; x++)
		dst[x] = byte(own * a[x] + other * b[x] + (128 << BITS));
}

// Writes the planes; the chroma planes have half the size, rounded up.
void pantau_ycbcr(const AVFrame *f, uint8_t *y, int y_stride, uint8_t *cb, uint8_t *cr, int c_stride)
{
	int u[PANTAU_MAX_SIDE / 2], v[PANTAU_MAX_SIDE / 2], shift[PANTAU_MAX_SIDE + 1];
	pantau_colour c = pantau_colour_of(f);
	matrix m = to_jpeg(c);
	int w = (f->width + 1) / 2;
	memset(u, 0, sizeof u[0] * w);
	memset(v, 0, sizeof v[0] * w);
	for (int row = 0; row < f->height; row += 2) {
		if (c.planes == 3) {
			chroma_row(f, 1, c, row / 2, u);
			chroma_row(f, 2, c, row / 2, v);
		}
		for (int x = 0; x < w; x++)
			shift[2 * x] = shift[2 * x + 1] = m.y_cb * u[x] + m.y_cr * v[x];
		for (int k = row; k < row + 2 && k < f->height; k++)
			luma_row(m, f->data[0] + (ptrdiff_t)k * f->linesize[0], shift, f->width, y + (ptrdiff_t)k * y_stride);
		chroma_out(m.cb, m.cb_cr, u, v, w, cb + (ptrdiff_t)(row / 2) * c_stride);
		chroma_out(m.cr, m.cr_cb, v, u, w, cr + (ptrdiff_t)(row / 2) * c_stride);
	}
}

// Compresses the picture. Without memory the data is NULL.
pantau_jpeg pantau_compress(const AVFrame *f, int quality)
{
	int w = (f->width + 1) & ~1, h = (f->height + 1) & ~1; // libjpeg-turbo reads whole blocks of 2·2
	pantau_jpeg j = {0};
	uint8_t *planes = calloc((size_t)w * h * 3 / 2, 1);
	tjhandle tj = tjInitCompress();
	if (planes && tj) {
		uint8_t *cb = planes + (size_t)w * h, *cr = cb + (size_t)w * h / 4;
		pantau_ycbcr(f, planes, w, cb, cr, w / 2);
		const uint8_t *all[3] = {planes, cb, cr};
		int strides[3] = {w, w / 2, w / 2};
		if (tjCompressFromYUVPlanes(tj, all, f->width, strides, f->height, TJSAMP_420, &j.data, &j.size, quality, TJFLAG_FASTDCT * (quality < 90)) != 0)
			pantau_free_jpeg(j), j.data = NULL;
	}
	if (tj)
		tjDestroy(tj);
	free(planes);
	return j;
}

// Frees the compressed picture.
void pantau_free_jpeg(pantau_jpeg j) { tjFree(j.data); }
