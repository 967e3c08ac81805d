// SPDX-License-Identifier: MIT
/*
 * compare-logits - how far two dumps of raw float32 logits are apart
 *
 *   compare-logits A B [--vocab N] [--max NMSE]
 *
 * NMSE is sum((a - b)^2) / sum(b^2) over all elements; B is the reference. With
 * --vocab the dumps are rows of N logits: the worst row is named, and rows whose
 * arg-max agrees are counted. Exit: 0, 1 more than --max apart or not comparable.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct dump {
	const char *name;
	const float *v;
	size_t n;	/* floats */
};

static void die(const char *name, const char *why)
{
	fprintf(stderr, "compare-logits: %s: %s\n", name, why);
	exit(1);
}

static struct dump map(const char *name)
{
	struct dump d = { .name = name };
	int fd = open(name, O_RDONLY);
	struct stat st;
	void *p;

	if (fd < 0 || fstat(fd, &st))
		die(name, strerror(errno));
	if (st.st_size == 0 || st.st_size % (off_t)sizeof(float))
		die(name, "is empty or not a whole number of float32");
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		die(name, strerror(errno));
	close(fd);
	d.v = p;
	d.n = (size_t)st.st_size / sizeof(float);
	return d;
}

static size_t arg_max(const float *v, size_t n)
{
	size_t best = 0;

	for (size_t i = 1; i < n; i++)
		if (v[i] > v[best])
			best = i;
	return best;
}

/* NaN when anything is, so that no comparison with a limit passes by it. */
static double nmse(const float *a, const float *b, size_t n)
{
	double error = 0;
	double power = 0;

	for (size_t i = 0; i < n; i++) {
		double d = (double)a[i] - b[i];

		error += d * d;
		power += (double)b[i] * b[i];
	}
	if (power == 0)
		return error == 0 ? 0 : INFINITY;
	return error / power;
}

static void print_rows(struct dump a, struct dump b, size_t vocab)
{
	size_t rows = a.n / vocab;
	size_t agree = 0;
	size_t worst = 0;
	double worst_nmse = -1;

	for (size_t r = 0; r < rows; r++) {
		double e = nmse(a.v + r * vocab, b.v + r * vocab, vocab);

		agree += arg_max(a.v + r * vocab, vocab) == arg_max(b.v + r * vocab, vocab);
		if (!(e <= worst_nmse)) {
			worst_nmse = e;
			worst = r;
		}
	}
	printf("rows %zu arg_max_agree %zu worst_row %zu worst_row_nmse %.6g\n",
	       rows, agree, worst, worst_nmse);
}

int main(int argc, char **argv)
{
	struct dump a, b;
	size_t vocab = 0;
	size_t same = 0;
	double limit = INFINITY;
	double max = 0;
	double all;

	if (argc < 3) {
		fputs("usage: compare-logits A B [--vocab N] [--max NMSE]\n", stderr);
		return 2;
	}
	for (int i = 3; i + 1 < argc; i += 2) {
		if (!strcmp(argv[i], "--vocab"))
			vocab = strtoul(argv[i + 1], NULL, 10);
		else if (!strcmp(argv[i], "--max"))
			limit = strtod(argv[i + 1], NULL);
		else
			die(argv[i], "unknown option (known: --vocab, --max)");
	}
	a = map(argv[1]);
	b = map(argv[2]);
	if (a.n != b.n)
		die(argv[1], "is not as long as the reference");
	if (vocab && a.n % vocab)
		die(argv[1], "is not a whole number of rows of --vocab logits");

	for (size_t i = 0; i < a.n; i++) {
		max = fmax(max, fabs((double)a.v[i] - b.v[i]));
		same += !memcmp(&a.v[i], &b.v[i], sizeof(float));
	}
	all = nmse(a.v, b.v, a.n);
	printf("logits %zu identical %zu max_abs %.6g nmse %.6g\n", a.n, same, max, all);
	if (vocab)
		print_rows(a, b, vocab);
	if (!(all <= limit)) {
		fprintf(stderr, "compare-logits: nmse %.6g is more than %.6g\n", all, limit);
		return 1;
	}
	return 0;
}
