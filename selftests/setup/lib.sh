# SPDX-License-Identifier: MIT
# Sourced by the set-up scripts: where things are kept, how they speak, and a
# private apt that leaves the user's own configuration and package lists alone.
#
# TOP must be set to the top of the tree by the script that sources this.

CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/npu
APT=$CACHE/apt

say() { printf 'setup: %s\n' "$*" >&2; }
die() { printf 'setup: %s\n' "$*" >&2; exit 1; }

# Waits for another set-up on the same cache, so that two clones can share it.
# $1 is the concern: different ones may go on side by side.
lock_cache()
{
	mkdir -p "$CACHE" || die "cannot make $CACHE; set XDG_CACHE_HOME to a place you can write"
	exec 9>"$CACHE/$1.lock"
	flock -n 9 && return
	say "another run is working on $CACHE ($1), waiting for it"
	flock 9
}

# The distribution decides from which suite the kernel comes.
read_release()
{
	CODENAME=$(. /etc/os-release; echo "${VERSION_CODENAME-}")
	case $CODENAME in
	bookworm) KERNEL_SUITE=bookworm-backports MESON_SUITE=bookworm-backports ;;
	trixie)   KERNEL_SUITE=trixie MESON_SUITE=trixie ;;
	*) die "this is '$CODENAME'; the set-up knows Debian 12 (bookworm) and 13 (trixie)" ;;
	esac
	QEMU_SUITE=trixie
}

# Prints "URI KEYRING" of the archive from which this machine gets $CODENAME
# itself, from deb822 or one-line sources; KEYRING is - where none is named.
machine_archive()
{
	for f in /etc/apt/sources.list.d/*.sources; do
		[ -f "$f" ] && awk -v suite="$CODENAME" '
			function flush(  i, n, s) {
				n = split(suites, s, " ")
				for (i = 1; i <= n; i++)
					if (s[i] == suite && types ~ /(^| )deb( |$)/ && enabled != "no")
						print uri, (key ? key : "-")
				uri = suites = types = key = enabled = ""
			}
			/^#/ { next }
			/^[ \t]*$/ { flush(); next }
			{ field = tolower($1) }
			field == "uris:" { uri = $2 }
			field == "suites:" { $1 = ""; suites = $0 }
			field == "types:" { $1 = ""; types = $0 }
			field == "enabled:" { enabled = tolower($2) }
			field == "signed-by:" { key = $2 }
			END { flush() }' "$f"
	done
	for f in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
		[ -f "$f" ] && awk -v suite="$CODENAME" '
			$1 != "deb" { next }
			{
				key = "-"
				if (match($0, /\[[^]]*\]/)) {
					opt = substr($0, RSTART + 1, RLENGTH - 2)
					$0 = substr($0, 1, RSTART - 1) " " substr($0, RSTART + RLENGTH)
					if (match(opt, /signed-by=[^ ]*/))
						key = substr(opt, RSTART + 10, RLENGTH - 10)
				}
				if ($3 == suite)
					print $2, key
			}' "$f"
	done
}

# apt-get and apt-cache on the private state, one at a time.
apt_private()
{
	apt_tool=$1
	shift
	flock "$CACHE/apt.lock" "$apt_tool" -q \
		-o Dir::State="$APT" -o Dir::State::status="$APT/status" \
		-o Dir::Cache="$APT/cache" -o Dir::Etc::SourceList=/dev/null \
		-o Dir::Etc::SourceParts="$APT/sources" \
		-o Dir::Etc::Preferences=/dev/null -o Dir::Etc::PreferencesParts=/dev/null \
		-o APT::Sandbox::User="$(id -un)" -o Acquire::Check-Valid-Until=false \
		-o Acquire::Languages=none -o Acquire::Retries=3 "$@"
}

apt_stanza()	# types suite
{
	printf 'Types: %s\nURIs: %s\nSuites: %s\nComponents: main\n' "$1" "$uri" "$2"
	[ "$key" = - ] || printf 'Signed-By: %s\n' "$key"
	echo
}

# Reads the package lists of the suites we need, once in a run. A machine whose
# sources point at one frozen snapshot has the other suites at the plain archive.
apt_private_update()
{
	[ -z "${APT_UPDATED-}" ] || return 0
	mkdir -p "$APT/lists/partial" "$APT/cache/archives/partial" "$APT/sources"
	: >"$APT/status"
	archive=$(machine_archive | head -n 1)
	[ -n "$archive" ] ||
		die "no archive for $CODENAME in /etc/apt/sources.list or sources.list.d; add one"
	key=${archive##* }
	plain=$(echo "${archive% *}" | sed -E 's,/archive/debian/[0-9TZ]+/?,/debian,')
	for uri in $(printf '%s\n' "${archive% *}" "$plain" | uniq); do
		{
			apt_stanza deb "$CODENAME"
			[ "$KERNEL_SUITE" = "$CODENAME" ] || apt_stanza deb "$KERNEL_SUITE"
			apt_stanza deb-src "$QEMU_SUITE"
		} >"$APT/sources/npu.sources"
		say "reading the package lists of $KERNEL_SUITE and $QEMU_SUITE"
		if apt_private apt-get update -o APT::Update::Error-Mode=any >&2; then
			APT_UPDATED=1
			return 0
		fi
	done
	die "the package lists could not be read (see above); check the network; for a signature" \
	    "error run: apt-get install --only-upgrade debian-archive-keyring"
}

# Downloads packages (name, name=version or name/suite) and unpacks them below $1.
unpack_packages()
{
	into=$1
	shift
	down=$(mktemp -d "$CACHE/download.XXXXXX")
	say "downloading $*"
	(cd "$down" && apt_private apt-get download "$@" >&2) || {
		rm -rf "$down"
		die "download failed (see above); run the same command again when the network is back"
	}
	mkdir -p "$into"
	for deb in "$down"/*.deb; do
		dpkg-deb -x "$deb" "$into" || die "cannot unpack $deb"
	done
	rm -rf "$down"
}

# Replaces directory $2 by the finished $1, so that a cut-off run leaves nothing half-made.
move_into_place()
{
	rm -rf "$2"
	mkdir -p "$(dirname "$2")"
	mv "$1" "$2"
}
