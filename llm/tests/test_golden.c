// SPDX-License-Identifier: MIT
/*
 * Greedy decoding against llama.cpp's: tests/golden holds its tokens, made by
 * selftests/peers/golden. A step where its own two best logits are closer than NEAR_TIE may end a
 * comparison; the test says where.
 *
 * usage: test_golden MODEL_DIR GOLDEN_DIR
 */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "engine.h"
#include "gguf.h"
#include "tap.h"

#define NEAR_TIE	0.01
#define MAX_STEPS	1024

struct golden {
	char model[256];	/* file name */
	uint32_t prompt[1024];
	uint32_t n_prompt;
	uint32_t token[MAX_STEPS];
	double gap[MAX_STEPS];
	uint32_t n;
};

static void read_ids(const char *s, struct golden *g)
{
	char *end;

	for (;; s = end) {
		unsigned long id = strtoul(s, &end, 10);

		if (end == s || g->n_prompt == 1024)
			return;
		g->prompt[g->n_prompt++] = (uint32_t)id;
	}
}

static bool read_golden(const char *path, struct golden *g)
{
	static char line[65536];
	FILE *f = fopen(path, "r");
	unsigned int step, token;
	double gap;

	if (!f)
		return false;
	memset(g, 0, sizeof(*g));
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "# model: %255s", g->model) == 1)
			continue;
		if (!strncmp(line, "# prompt_ids:", 13)) {
			read_ids(line + 13, g);
		} else if (sscanf(line, "%u %u %*f %*f %lf", &step, &token, &gap) == 3 &&
			   g->n < MAX_STEPS) {
			g->token[g->n] = token;
			g->gap[g->n++] = gap;
		}
	}
	fclose(f);
	return g->n_prompt && g->n;
}

struct sink {
	uint32_t ids[MAX_STEPS];
	uint32_t n;
};

static bool keep(void *opaque, uint32_t id)
{
	struct sink *s = opaque;

	if (s->n < MAX_STEPS)
		s->ids[s->n++] = id;
	return true;
}

static int decode(const struct llm_model *m, const struct golden *g, struct sink *s,
		  struct llm_err *err)
{
	struct llm_engine_config c = { .device = "sim", .ctx = 512, .chunk = 128,
				       .priority = NPU_PRIORITY_NORMAL };
	struct llm_engine *e;
	uint32_t next, done;
	int ret = llm_engine_create(m, &c, &e, err);

	if (ret)
		return ret;
	s->n = 0;
	ret = llm_engine_prefill(e, g->prompt, g->n_prompt, &next, err);
	if (!ret && keep(s, next))
		ret = llm_engine_decode(e, g->n - 1, keep, s, &done, err);
	llm_engine_destroy(e);
	return ret;
}

static void compare(const char *models, const char *path, const char *name)
{
	static struct golden g;
	static struct sink s;
	struct llm_err err = { "" };
	struct llm_model m;
	struct gguf *file;
	char model[4096];
	uint32_t i;
	int ret;

	if (!read_golden(path, &g)) {
		tap_ok(false, "golden %s: can be read", name);
		return;
	}
	snprintf(model, sizeof(model), "%s/%s", models, g.model);
	ret = gguf_open(model, &file, &err);
	if (!ret) {
		ret = llm_model_read(file, &m, &err);
		if (!ret) {
			ret = decode(&m, &g, &s, &err);
			llm_model_free(&m);
		}
		gguf_close(file);
	}
	for (i = 0; !ret && i < g.n && i < s.n && s.ids[i] == g.token[i]; i++)
		;
	if (ret)
		tap_diag("%s", err.text);
	else if (i < g.n)
		tap_diag("step %u of %u: token %u, llama.cpp has %u, its best two differ by %g", i,
			 g.n, s.ids[i], g.token[i], g.gap[i]);
	tap_ok(!ret && (i == g.n || (i < s.n && g.gap[i] < NEAR_TIE)),
	       "golden %s: %u greedy tokens as llama.cpp has them", name, i);
}

static int is_golden(const struct dirent *d)
{
	size_t n = strlen(d->d_name);

	return n > 4 && !strcmp(d->d_name + n - 4, ".txt");
}

int main(int argc, char **argv)
{
	struct dirent **list;
	char path[4096];
	int n;

	if (argc != 3) {
		fprintf(stderr, "usage: test_golden MODEL_DIR GOLDEN_DIR\n");
		return 2;
	}
	n = scandir(argv[2], &list, is_golden, alphasort);
	tap_ok(n > 0, "golden: there are files to compare with");
	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/%s", argv[2], list[i]->d_name);
		compare(argv[1], path, list[i]->d_name);
		free(list[i]);
	}
	free(list);
	return tap_done();
}
