// A picture's planes into a tensor, in one pass over the pixels: scaling,
// conversion to RGB, and normalisation (numbers) or rounding (bytes).
//
// A target pixel is the mean of the source area that it covers (shrinking), or
// is interpolated between its two neighbours (growing), along each axis and in
// each plane on its own. Chroma samples are taken to lie in the middle of the
// pixels that they stand for. Everything is on the stack: about 450 kB.

#include "decode.h"
#include <math.h>
#include <string.h>

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
	const uint8_t *restrict a = plane + t.first * stride, *restrict last = a + (t.n - 1) * stride;
	for (int x = x0; x < x1; x++)
		acc[x] = t.w_first * a[x] + t.w_last * last[x];
	a += stride;
	for (; a + 3 * stride < last; a += 4 * stride) {
		const uint8_t *restrict b = a + stride, *restrict c = b + stride, *restrict d = c + stride;
		for (int x = x0; x < x1; x++)
			acc[x] += t.w_mid * ((a[x] + b[x]) + (c[x] + d[x]));
	}
	for (; a < last; a += stride)
		for (int x = x0; x < x1; x++)
			acc[x] += t.w_mid * a[x];
}

// The weights of all target pixels of a row: taps for each, a multiple of 4,
// those that are not needed 0. At most SLACK samples past the end are read.
enum { SLACK = 8 };

typedef struct {
	int n, taps;
	int first[PANTAU_MAX_TENSOR];
	float weight[PANTAU_MAX_SIDE + 5 * PANTAU_MAX_TENSOR]; // n·(step + 5) suffice
} columns;

static void weigh(columns *c, axis a, int n)
{
	c->n = n;
	c->taps = a.step > 1 ? ((int)ceil(a.step) + 4) & ~3 : 4;
	float *w = c->weight;
	for (int i = 0; i < n; i++) {
		taps t = taps_at(a, i);
		c->first[i] = t.first;
		for (int k = 0; k < c->taps; k++)
			*w++ = k == 0 ? t.w_first : k < t.n - 1 ? t.w_mid : k < t.n ? t.w_last : 0;
	}
}

typedef float four __attribute__((vector_size(16), aligned(4), may_alias));

// Adds the first half of each of two vectors to its second half, crosswise.
#define HALVES(a, b, i, j, k, l, m, n, o, p) (__builtin_shufflevector(a, b, i, j, k, l) + __builtin_shufflevector(a, b, m, n, o, p))

// Adds up the columns of a row, four target pixels at a time: 1.3 times as fast
// as one after the other. out has room for a multiple of four.
PANTAU_HOT static void add_columns(const float *restrict acc, const columns *restrict c, float *restrict out)
{
	for (int i = 0; i < c->n; i += 4) {
		four sum[4];
		for (int k = 0; k < 4; k++) {
			int at = i + k < c->n ? i + k : c->n - 1;
			const float *a = acc + c->first[at], *w = c->weight + (size_t)at * c->taps;
			sum[k] = *(const four *)a * *(const four *)w;
			for (int t = 4; t < c->taps; t += 4)
				sum[k] += *(const four *)(a + t) * *(const four *)(w + t);
		}
		four low = HALVES(sum[0], sum[1], 0, 4, 1, 5, 2, 6, 3, 7);
		four high = HALVES(sum[2], sum[3], 0, 4, 1, 5, 2, 6, 3, 7);
		*(four *)(out + i) = HALVES(low, high, 0, 1, 4, 5, 2, 3, 6, 7);
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

// The same, rounded to the nearest and not normalised.
PANTAU_HOT static void to_bytes(conversion v, int n, const float *restrict y, const float *restrict cb, const float *restrict cr,
	uint8_t *restrict r, uint8_t *restrict g, uint8_t *restrict b)
{
	for (int i = 0; i < n; i++) {
		float l = v.luma * (y[i] - v.black) + 0.5f, u = cb[i] - 128, w = cr[i] - 128;
		r[i] = (uint8_t)(int)level(l + v.red_cr * w);
		g[i] = (uint8_t)(int)level(l + v.green_cb * u + v.green_cr * w);
		b[i] = (uint8_t)(int)level(l + v.blue_cb * u);
	}
}

static void fill(float *row, int from, int to, float v)
{
	for (int x = from; x < to; x++)
		row[x] = v;
}

// Fills a stretch of a channel of the tensor with the pad's value.
static void pad_row(pantau_tensor dst, const pantau_fit *fit, int channel, size_t from, int n)
{
	if (dst.bytes)
		memset(dst.bytes + from, (int)(level(fit->pad) + 0.5f), n);
	else
		fill(dst.numbers + from, 0, n, (fit->pad - fit->mean[channel]) * fit->scale[channel]);
}

// Fills what the picture leaves free.
static void pad(pantau_tensor dst, const pantau_fit *fit)
{
	size_t row = 0;
	for (int c = 0; c < 3; c++) {
		for (int y = 0; y < fit->height; y++, row += fit->width) {
			int beside = y >= fit->y && y < fit->y + fit->h;
			pad_row(dst, fit, c, row, beside ? fit->x : fit->width);
			if (beside)
				pad_row(dst, fit, c, row + fit->x + fit->w, fit->width - fit->x - fit->w);
		}
	}
}

// Writes the picture into dst: 3·height·width numbers, channel by channel.
void pantau_letterbox(const AVFrame *f, pantau_tensor dst, pantau_fit fit)
{
	float acc[PANTAU_MAX_SIDE + SLACK], rows[3][PANTAU_MAX_TENSOR];
	columns across[2]; // of luma and of chroma
	axis down[2], ax[2];
	pantau_colour c = pantau_colour_of(f);
	conversion v = conversion_of(c, &fit);
	for (int k = 0; k < 2; k++) {
		ax[k] = axis_of(fit.crop_x, fit.crop_w, fit.w, k * c.sx);
		down[k] = axis_of(fit.crop_y, fit.crop_h, fit.h, k * c.sy);
		weigh(&across[k], ax[k], fit.w);
	}
	for (int k = 0; k < 2; k++)
		fill(acc, ax[k].hi, ax[k].hi + SLACK, 0); // no weight, but a number
	fill(rows[1], 0, fit.w, 128); // grey has no chroma
	fill(rows[2], 0, fit.w, 128);
	size_t channel = (size_t)fit.width * fit.height;
	size_t green = channel + (size_t)fit.y * fit.width + fit.x;
	for (int y = 0; y < fit.h; y++, green += fit.width) {
		for (int p = 0; p < c.planes; p++) {
			int k = p > 0;
			add_rows(f->data[p], f->linesize[p], taps_at(down[k], y), ax[k].lo, ax[k].hi, acc);
			add_columns(acc, &across[k], rows[p]);
		}
		size_t red = fit.rgb ? green - channel : green + channel, blue = 2 * green - red;
		if (dst.bytes)
			to_bytes(v, fit.w, rows[0], rows[1], rows[2], dst.bytes + red, dst.bytes + green, dst.bytes + blue);
		else
			to_rgb(v, fit.w, rows[0], rows[1], rows[2], dst.numbers + red, dst.numbers + green, dst.numbers + blue);
	}
	pad(dst, &fit);
}
