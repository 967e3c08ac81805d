# SPDX-License-Identifier: MIT
# Turns the samples of selftests/peers/bench into figures; see there.
# $weight_bytes: weights that one decoded token of the 1b shape reads (all but
# the embedding table, of which it reads a row).

def median: sort | if length % 2 == 1 then .[length / 2 | floor]
	else (.[length / 2 - 1] + .[length / 2]) / 2 end;

# {round: {name: value}}
($samples | split("\n") | map(select(. != "") | split(" "))
	| reduce .[] as [$round, $name, $value] ({}; .[$round][$name] = ($value | tonumber)))
	as $rounds

# Multiply-accumulates a prompt token: four-bit weights, less the head, which
# only the last token of the prompt needs.
| ($weight_bytes / 18 * 32 - 2048 * 128256) as $prefill_macs

# figures made of two samples of the same round
| ($rounds | map_values(
	. as $r
	| def ratio($name; $a; $b): if $a and $b then {($name): ($a / $b)} else {} end;
	def times($a; $factor): if $a then $a * $factor else null end;
	$r
	+ ratio("decode_1b_vs_llamacpp"; $r.guest_decode_1b_tok_s; $r.llamacpp_decode_1b_tok_s)
	+ ratio("decode_1b_sim_vs_llamacpp"; $r.sim_decode_1b_tok_s; $r.llamacpp_decode_1b_tok_s)
	+ ratio("decode_1b_guest_vs_sim"; $r.guest_decode_1b_tok_s; $r.sim_decode_1b_tok_s)
	+ ratio("prefill512_1b_vs_llamacpp"; $r.guest_prefill_1b_tok_s;
		$r.llamacpp_prefill_1b_tok_s)
	+ ratio("prefill512_1b_sim_vs_llamacpp"; $r.sim_prefill_1b_tok_s;
		$r.llamacpp_prefill_1b_tok_s)
	+ ratio("stories260k_vs_llamacpp"; $r.guest_decode_stories260k_tok_s;
		$r.llamacpp_decode_stories260k_tok_s)
	+ ratio("stories260k_guest_tok_s"; $r.guest_decode_stories260k_tok_s; 1)
	+ (["guest", "sim", "llamacpp"] | map(. as $side
		| ratio("\($side)_decode_1b_read_share";
			times($r["\($side)_decode_1b_tok_s"]; $weight_bytes / 1e9);
			$r.host_read_gb_s)
		+ ratio("\($side)_prefill512_1b_mac_share";
			times($r["\($side)_prefill_1b_tok_s"]; $prefill_macs / 1e9);
			$r.host_int8_gmac_s)) | add)))
	as $rounds

# {name: [a value a round]}
| (reduce ($rounds[] | to_entries[]) as {$key, $value} ({}; .[$key] += [$value])) as $series
| ($skipped | split("\n") | map(select(. != "") | capture("^(?<key>[^ ]+) (?<value>.*)$"))
	| from_entries) as $skipped

# What an earlier run of the peers left is replaced as a whole, all else stays.
| ($old[0] // {}) as $old
| ($old.peers.keys // []) as $stale
| def fresh: with_entries(select(.key as $k | $stale | index($k) | not));
($old | fresh)
+ ($series | map_values(median))
+ {
	range: (($old.range // {} | fresh) + ($series | map_values([min, max]))),
	samples: (($old.samples // {} | fresh) + $series),
	skipped: (($old.skipped // {} | fresh) + $skipped),
	host: (($old.host // {}) + {cpu: $cpu, cpus: $cpus, isa: $flags, kernel: $kernel,
		memory_bytes: $memory}),
	peers: {engine: $peer, measured: $date, threads: $threads, load_before: $load,
		keys: (($series | keys) + ($skipped | keys))}
}
