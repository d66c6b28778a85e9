// A picture's planes into a tensor, in one pass over the pixels: scaling,
// conversion to RGB and normalisation.
//
// A target pixel is the mean of the source area that it covers (shrinking), or
// is interpolated between its two neighbours (growing), along each axis and in
// each plane on its own. Chroma samples are taken to lie in the middle of the
// pixels that they stand for. Everything is on the stack: about 280 kB.

#include "decode.h"
#include <math.h>

// The source samples of one target pixel along one axis, with their weights:
// n from first on; the first, those in between, and the last. The sum is 1.
typedef struct {
	int first, n;
	float w_first, w_mid, w_last;
} taps;

// A stretch of a plane along one axis, in samples, seen from the target.
typedef struct {
	double from, step; // where target pixel 0 begins, and how much one covers
	int lo, hi;        // samples that may be read: lo ≤ i < hi
} axis;

static axis axis_of(int crop, int size, int target, int shift)
{
	int unit = 1 << shift;
	return (axis){
		.from = (double)crop / unit,
		.step = (double)size / target / unit,
		.lo = crop >> shift,
		.hi = (crop + size + unit - 1) >> shift,
	};
}

static int clamp(int v, int lo, int hi) { return v < lo ? lo : v > hi ? hi : v; }

static taps interpolate(axis a, int i)
{
	double at = a.from + (i + 0.5) * a.step - 0.5, down = floor(at);
	int left = clamp((int)down, a.lo, a.hi - 1), right = clamp((int)down + 1, a.lo, a.hi - 1);
	float w = (float)(at - down);
	if (left == right)
		return (taps){left, 1, 1, 0, 0};
	return (taps){left, 2, 1 - w, 0, w};
}

static taps average(axis a, int i)
{
	double begin = fmax(a.from + i * a.step, a.lo), end = fmin(a.from + (i + 1) * a.step, a.hi);
	int first = (int)begin, last = (int)ceil(end) - 1;
	if (last <= first)
		return (taps){first, 1, 1, 0, 0};
	float unit = (float)(1 / (end - begin));
	return (taps){first, last - first + 1, (float)(first + 1 - begin) * unit, unit, (float)(end - last) * unit};
}

static taps taps_at(axis a, int i) { return a.step > 1 ? average(a, i) : interpolate(a, i); }

// Adds up the rows of a plane, from column x0 to x1: acc[x] for x0 ≤ x < x1.
PANTAU_HOT static void add_rows(const uint8_t *plane, ptrdiff_t stride, taps t, int x0, int x1, float *restrict acc)
{
	const uint8_t *restrict row = plane + t.first * stride;
	for (int x = x0; x < x1; x++)
		acc[x] = t.w_first * row[x];
	int k = 1;
	for (; k + 2 < t.n; k += 2) {
		const uint8_t *restrict a = row + k * stride, *restrict b = a + stride;
		for (int x = x0; x < x1; x++)
			acc[x] += t.w_mid * (a[x] + b[x]);
	}
	for (; k < t.n; k++) {
		const uint8_t *restrict a = row + k * stride;
		float w = k < t.n - 1 ? t.w_mid : t.w_last;
		for (int x = x0; x < x1; x++)
			acc[x] += w * a[x];
	}
}

// Adds up the columns of a row: out[i] for each of the target's pixels.
PANTAU_HOT static void add_columns(const float *restrict acc, const taps *restrict t, int n, float *restrict out)
{
	for (int i = 0; i < n; i++) {
		const float *a = acc + t[i].first;
		float mid = 0;
		int last = t[i].n - 1;
		for (int k = 1; k < last; k++)
			mid += a[k];
		out[i] = t[i].w_first * a[0] + t[i].w_mid * mid + t[i].w_last * a[last];
	}
}

// From Y'CbCr to normalised R'G'B', 0..255 before normalisation (ITU-T H.273,
// clause 8.3).
typedef struct {
	float luma, black;              // Y = luma·(y - black)
	float red_cr, green_cb, green_cr, blue_cb;
	float scale[3], shift[3];       // v·scale + shift, in the order R, G, B
} conversion;

static conversion conversion_of(pantau_colour c, const pantau_fit *fit)
{
	float kg = 1 - c.kr - c.kb, chroma = c.full ? 1 : 255.0f / 224;
	conversion v = {
		.luma = c.full ? 1 : 255.0f / 219,
		.black = c.full ? 0 : 16,
		.red_cr = 2 * (1 - c.kr) * chroma,
		.green_cb = -2 * c.kb * (1 - c.kb) / kg * chroma,
		.green_cr = -2 * c.kr * (1 - c.kr) / kg * chroma,
		.blue_cb = 2 * (1 - c.kb) * chroma,
	};
	for (int i = 0; i < 3; i++) {
		int channel = fit->rgb ? i : 2 - i;
		v.scale[i] = fit->scale[channel];
		v.shift[i] = -fit->mean[channel] * fit->scale[channel];
	}
	return v;
}

static inline float level(float v) { return v < 0 ? 0 : v > 255 ? 255 : v; }

PANTAU_HOT static void to_rgb(conversion v, int n, const float *restrict y, const float *restrict cb, const float *restrict cr,
	float *restrict r, float *restrict g, float *restrict b)
{
	for (int i = 0; i < n; i++) {
		float l = v.luma * (y[i] - v.black), u = cb[i] - 128, w = cr[i] - 128;
		r[i] = level(l + v.red_cr * w) * v.scale[0] + v.shift[0];
		g[i] = level(l + v.green_cb * u + v.green_cr * w) * v.scale[1] + v.shift[1];
		b[i] = level(l + v.blue_cb * u) * v.scale[2] + v.shift[2];
	}
}

static void fill(float *row, int from, int to, float v)
{
	for (int x = from; x < to; x++)
		row[x] = v;
}

// Fills what the picture leaves free.
static void pad(float *dst, const pantau_fit *fit)
{
	for (int c = 0; c < 3; c++) {
		float v = (fit->pad - fit->mean[c]) * fit->scale[c];
		for (int y = 0; y < fit->height; y++, dst += fit->width) {
			int beside = y >= fit->y && y < fit->y + fit->h;
			fill(dst, 0, beside ? fit->x : fit->width, v);
			if (beside)
				fill(dst, fit->x + fit->w, fit->width, v);
		}
	}
}

// Writes the picture into dst: 3·height·width numbers, channel by channel.
void pantau_letterbox(const AVFrame *f, float *dst, pantau_fit fit)
{
	float acc[PANTAU_MAX_SIDE], rows[3][PANTAU_MAX_TENSOR];
	taps across[2][PANTAU_MAX_TENSOR]; // of luma and of chroma
	pantau_colour c = pantau_colour_of(f);
	conversion v = conversion_of(c, &fit);
	axis ax[2] = {axis_of(fit.crop_x, fit.crop_w, fit.w, 0), axis_of(fit.crop_x, fit.crop_w, fit.w, c.sx)};
	axis ay[2] = {axis_of(fit.crop_y, fit.crop_h, fit.h, 0), axis_of(fit.crop_y, fit.crop_h, fit.h, c.sy)};
	for (int k = 0; k < 2; k++)
		for (int i = 0; i < fit.w; i++)
			across[k][i] = taps_at(ax[k], i);
	fill(rows[1], 0, fit.w, 128); // grey has no chroma
	fill(rows[2], 0, fit.w, 128);
	size_t channel = (size_t)fit.width * fit.height;
	float *first = dst + (size_t)fit.y * fit.width + fit.x;
	for (int y = 0; y < fit.h; y++, first += fit.width) {
		for (int p = 0; p < c.planes; p++) {
			int k = p > 0;
			add_rows(f->data[p], f->linesize[p], taps_at(ay[k], y), ax[k].lo, ax[k].hi, acc);
			add_columns(acc, across[k], fit.w, rows[p]);
		}
		float *red = first + (fit.rgb ? 0 : 2 * channel), *blue = first + (fit.rgb ? 2 * channel : 0);
		to_rgb(v, fit.w, rows[0], rows[1], rows[2], red, first + channel, blue);
	}
	pad(dst, &fit);
}
