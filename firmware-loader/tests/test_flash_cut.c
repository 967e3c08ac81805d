// SPDX-License-Identifier: MIT
/*
 * Power goes during every write to the flash, in every way in which it can: afterwards the device
 * boots exactly the expected version.
 */
#include "flash_sim.h"

#define STATE	sizeof(struct npu_flash_state)

/* What the device is in before the act; what the act is; what holds before and after. */
struct scenario {
	const char *name;
	void (*prepare)(struct sim *sim);
	int (*act)(struct sim *sim);
	int writes;		/* of the act */
	int commit;		/* write that makes the difference */
	const char *before;	/* version that boots if that write is not done */
	const char *after;
	uint32_t counter_before, counter_after;	/* security counter before that boot */
	/* runs of a sick version after the cut, until another one boots; zero: not sick */
	int runs_before, runs_after;
	const char *falls_back_to;
	/* the image that boots between commit and the last write, NULL: after */
	const char *between;
};

static void must(bool ok, const char *what)
{
	if (!ok)
		tap_ok(false, "flash cut: preparation: %s", what);
}

/* Confirmed and active in A, the golden image is g. */
static void confirmed_one(struct sim *sim)
{
	must(!sim_create(sim, "g", 1), "create");
	must(!sim_stage(sim, "v1", 1), "stage v1");
	must(sim_boots(sim, "v1"), "boot v1");
}

/* v2 is active in B, v1 confirmed in A */
static void confirmed_two(struct sim *sim)
{
	confirmed_one(sim);
	must(!sim_stage(sim, "v2", 1), "stage v2");
	must(sim_boots(sim, "v2"), "boot v2");
}

static void only_golden(struct sim *sim)
{
	must(!sim_create(sim, "g", 1), "create");
}

static void only_staged(struct sim *sim)
{
	only_golden(sim);
	must(!sim_stage(sim, "v1", 1), "stage v1");
}

static void staged_sick(struct sim *sim)
{
	confirmed_one(sim);
	must(!sim_stage(sim, "sick", 1), "stage sick");
}

static void sick_used_up(struct sim *sim)
{
	int i;

	staged_sick(sim);
	for (i = 0; i < NPU_FLASH_ATTEMPTS; i++)
		must(sim_boots(sim, "sick"), "boot sick");
}

static void staged_secure(struct sim *sim)
{
	confirmed_one(sim);
	must(!sim_stage(sim, "v2", 5), "stage v2");
}

static void rotten_active(struct sim *sim)
{
	confirmed_two(sim);
	sim->bytes[npu_flash_slot_at(SIM_SLOT_BYTES, NPU_FW_SOURCE_SLOT_B) + 5000] ^= 1;
}

static int stage_v3(struct sim *sim)
{
	return sim_stage(sim, "v3", 1);
}

static int stage_v1(struct sim *sim)
{
	return sim_stage(sim, "v1", 1);
}

static int choose(struct sim *sim)
{
	struct npu_flash_io io = sim_io(sim);
	struct npu_flash_choice choice;
	struct npu_flash flash;
	int ret = npu_flash_open(&flash, &io);

	if (!ret)
		ret = npu_flash_choose(&flash, &sim_judge, &choice);
	if (!ret)
		free(choice.image);
	return ret;
}

static int boot(struct sim *sim)
{
	return sim_boot(sim).ret;
}

static int host_healthy(struct sim *sim)
{
	struct npu_flash_io io = sim_io(sim);
	struct npu_flash flash;
	int ret = npu_flash_open(&flash, &io);

	return ret ? ret : npu_flash_confirm(&flash, NPU_FW_SOURCE_HOST, 9);
}

#define STAGE_WRITES	(1 + SIM_IMAGE_SECTORS + 1)

static const struct scenario scenarios[] = {
	{ "the first update is staged", only_golden, stage_v3, SIM_IMAGE_SECTORS + 1,
	  SIM_IMAGE_SECTORS, "g", "v3", 1, 1, 0, 0, NULL, NULL },
	{ "an update is staged beside one confirmed image", confirmed_one, stage_v3,
	  SIM_IMAGE_SECTORS + 1, SIM_IMAGE_SECTORS, "v1", "v3", 1, 1, 0, 0, NULL, NULL },
	{ "an update is staged over the older of two confirmed images", confirmed_two, stage_v3,
	  STAGE_WRITES, STAGE_WRITES - 1, "v2", "v3", 1, 1, 0, 0, NULL, NULL },
	{ "an update is staged in place of a staged one", staged_secure, stage_v3,
	  STAGE_WRITES, 0, "v2", "v3", 1, 1, 0, 0, NULL, "v1" },
	{ "an update is staged beside a staged one, nothing was ever confirmed", only_staged,
	  stage_v3, SIM_IMAGE_SECTORS + 1, SIM_IMAGE_SECTORS, "v1", "v3", 1, 1, 0, 0, NULL, NULL },
	{ "an update is staged over an active image that is altered", rotten_active, stage_v3,
	  STAGE_WRITES, STAGE_WRITES - 1, "v1", "v3", 1, 1, 0, 0, NULL, NULL },
	{ "a staged update is withdrawn", staged_secure, stage_v1, 1, 0, "v2", "v1", 1, 1, 0, 0,
	  NULL, NULL },
	{ "an attempt is counted", staged_sick, choose, 1, 0, "sick", "sick", 1, 1, 3, 2, "v1",
	  NULL },
	{ "an image is given up", sick_used_up, choose, 1, 0, "v1", "v1", 1, 1, 0, 0, NULL, NULL },
	{ "a healthy update is confirmed and raises the counter", staged_secure, boot, 3, 1, "v2",
	  "v2", 1, 5, 0, 0, NULL, NULL },
	{ "an update of the same security version is confirmed", only_staged, boot, 2, 1, "v1",
	  "v1", 1, 1, 0, 0, NULL, NULL },
	{ "the counter is raised by an image from the host", confirmed_one, host_healthy, 2, 0,
	  "v1", "", 1, 9, 0, 0, NULL, NULL },
	{ "a rollback", confirmed_two, sim_rollback, 1, 0, "v2", "v1", 1, 1, 0, 0, NULL, NULL },
};

/* Whether write n counts as done when write w was cut so. A state is done with its last byte. */
static bool done(int n, int w, const struct sim_cut *cut)
{
	return w > n || (w == n && cut->new_bytes >= STATE);
}

/* Both state sectors: at least one is whole, and of two the newer one succeeds the other. */
static bool states_agree(const struct sim *sim)
{
	struct npu_flash_state state[2];
	uint8_t hash[32];
	bool whole[2];
	int i, new;

	for (i = 0; i < 2; i++) {
		memcpy(&state[i], sim->bytes + NPU_FLASH_STATE_AT(i), STATE);
		crypto_hash_sha256(hash, (const uint8_t *)&state[i], STATE - 32);
		whole[i] = !memcmp(hash, state[i].sha256, 32);
	}
	new = state[1].sequence > state[0].sequence;
	return (whole[0] || whole[1]) &&
	       !(whole[0] && whole[1] &&
		 (state[new].sequence != state[!new].sequence + 1 ||
		  state[new].security_counter < state[!new].security_counter));
}

static bool sick_runs(struct sim *sim, int runs, const char *then)
{
	struct sim_boot b;
	int i;

	for (i = 0; i <= runs; i++) {
		b = sim_boot(sim);
		if (strcmp(b.version, i < runs ? "sick" : then)) {
			tap_diag("boot %d of %d ran '%s'", i, runs, b.version);
			return false;
		}
	}
	return true;
}

/* Boots the device as it is after the cut, and cuts that boot, too. */
static bool boots_after(const struct scenario *s, const struct sim *cut, bool is_done,
			const char *version)
{
	uint32_t counter = is_done ? s->counter_after : s->counter_before;
	static struct sim sim, again;
	int w, n;

	sim = *cut;
	sim_power(&sim);
	if (sim_state(&sim).security_counter != counter) {
		tap_diag("counter %u, expected %u", sim_state(&sim).security_counter, counter);
		return false;
	}
	if (!states_agree(&sim)) {
		tap_diag("the states do not agree");
		return false;
	}
	if (s->falls_back_to)
		return sick_runs(&sim, is_done ? s->runs_after : s->runs_before,
				 s->falls_back_to);

	/* an image from the host outdated all that is in the flash */
	if (!*version)
		return sim_boot(&sim).ret == -ENOENT;

	again = sim;
	if (!sim_boots(&sim, version) || !states_agree(&sim))
		return false;
	counter = sim_state(&sim).security_counter;
	for (w = 0, n = sim.writes; w < n; w++) {
		sim = again;
		sim.cut_at = w;
		sim.cut = &sim_cuts[w % SIM_CUTS];
		sim_boot(&sim);
		sim_power(&sim);
		if (!states_agree(&sim) || !sim_boots(&sim, version) ||
		    sim_state(&sim).security_counter != counter) {
			tap_diag("after a second cut at write %d of the boot", w);
			return false;
		}
	}
	/* and it takes the same update as if nothing had been */
	return !sim_stage(&sim, "v9", 9) && sim_boots(&sim, "v9") && sim_boots(&sim, "v9") &&
	       sim_state(&sim).security_counter == 9;
}

static void run(const struct scenario *s)
{
	static struct sim start, sim;
	unsigned int c, wrong = 0;
	const char *version;
	int w, ret, writes;
	bool is_done;

	s->prepare(&start);
	sim_power(&start);
	sim = start;
	ret = s->act(&sim);
	writes = sim.writes;
	tap_ok((!ret || ret == -EALREADY) && writes == s->writes &&
	       boots_after(s, &sim, true, s->after),
	       "flash cut: %s: %d writes, none is cut", s->name, s->writes);
	for (w = 0; w < writes; w++)
		for (c = 0; c < SIM_CUTS; c++) {
			sim = start;
			sim.cut_at = w;
			sim.cut = &sim_cuts[c];
			s->act(&sim);
			is_done = done(s->commit, w, sim.cut);
			version = !is_done ? s->before :
				  s->between && !done(writes - 1, w, sim.cut) ? s->between :
				  s->after;
			if (!sim.off || !boots_after(s, &sim, is_done, version)) {
				tap_diag("cut at write %d: %s", w, sim_cuts[c].name);
				wrong++;
			}
		}
	tap_ok(!wrong, "flash cut: %s: %d cuts, then the expected version boots", s->name,
	       s->writes * (int)SIM_CUTS);
}

static int create_g2(struct sim *sim)
{
	uint8_t image[SIM_IMAGE_BYTES];
	struct npu_flash_io io = sim_io(sim);
	struct npu_flash flash;

	sim_image(image, "g2", 3);
	return npu_flash_create(&flash, &io, SIM_SLOT_BYTES, image, sizeof(image), 3);
}

/* Only the last write makes it a flash, and only the first one takes away what was there. */
static void test_create(const char *name, const struct sim *start, const char *before)
{
	const int writes = 1 + SIM_IMAGE_SECTORS + 2 + 1;
	unsigned int c, wrong = 0;
	static struct sim sim;
	bool right;
	int w, ret;

	sim = *start;
	ret = create_g2(&sim);
	tap_ok(!ret && sim.writes == writes && sim_boots(&sim, "g2") &&
	       sim_state(&sim).security_counter == 3,
	       "flash cut: %s: %d writes, none is cut", name, writes);
	for (w = 0; w < writes; w++)
		for (c = 0; c < SIM_CUTS; c++) {
			sim = *start;
			sim.cut_at = w;
			sim.cut = &sim_cuts[c];
			create_g2(&sim);
			sim_power(&sim);
			if (w == 0 && c == 0 && *before)
				right = sim_boots(&sim, before);
			else if (w == writes - 1 &&
				 sim.cut->new_bytes >= sizeof(struct npu_flash_header))
				right = sim_boots(&sim, "g2");
			else
				right = sim_boot(&sim).ret == -EINVAL ||
					sim_boot(&sim).ret == -EUCLEAN;
			if (!right || create_g2(&sim) || !sim_boots(&sim, "g2")) {
				tap_diag("cut at write %d: %s", w, sim_cuts[c].name);
				wrong++;
			}
		}
	tap_ok(!wrong, "flash cut: %s: %d cuts, then it opens only if it is complete", name,
	       writes * (int)SIM_CUTS);
}

int main(void)
{
	static struct sim start;
	size_t i;

	for (i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++)
		run(&scenarios[i]);
	sim_power(&start);
	test_create("a flash is made", &start, "");
	confirmed_two(&start);
	sim_power(&start);
	test_create("a flash is made anew over another", &start, "v2");
	return tap_done();
}
