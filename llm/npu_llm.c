// SPDX-License-Identifier: MIT
/* npu-llm: decodes a language model on an NPU. */
#include <stdio.h>

#include "cli.h"

int main(int argc, char **argv)
{
	struct llm_err err = { "" };
	struct llm_options o;
	int ret = llm_options_parse(argc, argv, &o, &err);

	if (!ret)
		ret = o.command == LLM_CMD_RUN ? llm_cmd_run(&o, &err) : llm_cmd_bench(&o, &err);
	else if (ret > 0)
		ret = 0;
	if (ret)
		fprintf(stderr, "npu-llm: %s\n", err.text);
	llm_options_free(&o);
	return ret != 0;
}
