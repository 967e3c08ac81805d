// SPDX-License-Identifier: MIT
/*
 * Describes one file to the guest as a read-only EROFS file system whose data
 * stays where it is: the file itself is the second device. So a model of any
 * size is mapped into the guest's memory without one copy.
 *
 * usage: fileimage FILE IMAGE
 *
 * Devices come in units of 2 MiB. Whole units are taken from FILE, the rest of
 * it is copied behind the description in IMAGE. Prints how many bytes of FILE
 * the second device holds; 0: it is not needed. The file's name in the image is
 * "file".
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define UNIT		(2u << 20)	/* of devices, and of the file's chunks */
#define BLOCK		4096u
#define UNIT_BITS	21
#define BLOCK_BITS	12

/* EROFS on disk, little-endian: the parts that are used here. */
#define MAGIC		0xe0f5e1e2u
#define SUPER_OFFSET	1024
#define INCOMPAT_CHUNKED	0x4u
#define INCOMPAT_DEVICES	0x8u
#define DEVICE_SLOT	16		/* in units of 128 bytes, behind the superblock */
#define META_BLOCK	1
#define NID_BYTES	32
#define LAYOUT_INLINE	2
#define LAYOUT_CHUNKS	4
#define CHUNK_INDEXES	0x20
#define TYPE_FILE	1
#define TYPE_DIR	2

struct super {
	uint32_t magic, checksum, feature_compat;
	uint8_t block_bits, ext_slots;
	uint16_t root_nid;
	uint64_t inodes, build_time;
	uint32_t build_time_ns, blocks, meta_block, xattr_block;
	uint8_t uuid[16], volume[16];
	uint32_t feature_incompat;
	uint16_t algorithms, extra_devices, device_slot;
	uint8_t dir_block_bits, xattr_prefixes;
	uint32_t xattr_prefix_start;
	uint64_t packed_nid;
	uint8_t reserved[24];
};

struct device {
	uint8_t tag[64];
	uint32_t blocks, mapped_block;
	uint8_t reserved[56];
};

struct inode {
	uint16_t format, xattr_count, mode, reserved;
	uint64_t size;
	uint32_t layout, ino, uid, gid;
	uint64_t mtime;
	uint32_t mtime_ns, links;
	uint8_t reserved2[16];
};

struct entry {
	uint64_t nid;
	uint16_t name;
	uint8_t type, reserved;
} __attribute__((packed));

struct chunk {
	uint16_t advise, device;
	uint32_t block;
};

_Static_assert(sizeof(struct super) == 128, "superblock");
_Static_assert(sizeof(struct device) == 128, "device slot");
_Static_assert(sizeof(struct inode) == 64, "extended inode");
_Static_assert(sizeof(struct entry) == 12, "directory entry");
_Static_assert(sizeof(struct chunk) == 8, "chunk index");

/* The root directory: its inode, then its entries and their names. */
#define ROOT_NID	0
#define ROOT_ENTRIES	3
static const char root_names[] = "...file";	/* ".", "..", "file" */
#define ROOT_BYTES	(ROOT_ENTRIES * sizeof(struct entry) + sizeof(root_names) - 1)
#define FILE_NID	4			/* 128 bytes behind the root's inode */

static void die(const char *what)
{
	fprintf(stderr, "fileimage: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void put_root(uint8_t *meta)
{
	struct inode dir = {
		.format = 1 | LAYOUT_INLINE << 1,
		.mode = S_IFDIR | 0555,
		.size = ROOT_BYTES,
		.ino = 1,
		.links = 2,
	};
	/* sorted by name, as look-ups expect */
	struct entry entries[ROOT_ENTRIES] = {
		{ .nid = ROOT_NID, .name = sizeof(entries), .type = TYPE_DIR },
		{ .nid = ROOT_NID, .name = sizeof(entries) + 1, .type = TYPE_DIR },
		{ .nid = FILE_NID, .name = sizeof(entries) + 3, .type = TYPE_FILE },
	};

	memcpy(meta, &dir, sizeof(dir));
	memcpy(meta + sizeof(dir), entries, sizeof(entries));
	memcpy(meta + sizeof(dir) + sizeof(entries), root_names, sizeof(root_names) - 1);
}

_Static_assert(sizeof(struct inode) + ROOT_BYTES <= FILE_NID * NID_BYTES, "root directory");

int main(int argc, char **argv)
{
	uint64_t size, whole, chunks, meta_bytes, tail_block, image_bytes;
	struct super super = { .magic = MAGIC, .block_bits = BLOCK_BITS, .inodes = 2 };
	struct device device = { .tag = "data" };
	struct inode file = { .links = 1, .ino = 2 };
	struct chunk *index;
	struct stat st;
	uint8_t *image;
	int in, out;

	if (argc != 3) {
		fputs("usage: fileimage FILE IMAGE\n", stderr);
		return 2;
	}
	in = open(argv[1], O_RDONLY);
	if (in < 0 || fstat(in, &st))
		die(argv[1]);
	size = st.st_size;
	whole = size / UNIT * UNIT;
	chunks = (size + UNIT - 1) / UNIT;

	/* superblock and device slot in the first block, inodes and chunks, then the tail */
	meta_bytes = FILE_NID * NID_BYTES + sizeof(file) + chunks * sizeof(*index);
	tail_block = META_BLOCK + (meta_bytes + BLOCK - 1) / BLOCK;
	image_bytes = (tail_block * BLOCK + (size - whole) + UNIT - 1) / UNIT * UNIT;
	image = calloc(1, image_bytes);
	if (!image)
		die("no memory for the image");

	super.root_nid = ROOT_NID;
	super.meta_block = META_BLOCK;
	super.blocks = image_bytes / BLOCK;
	super.feature_incompat = INCOMPAT_CHUNKED | (whole ? INCOMPAT_DEVICES : 0);
	super.extra_devices = whole ? 1 : 0;
	super.device_slot = DEVICE_SLOT;
	memcpy(image + SUPER_OFFSET, &super, sizeof(super));
	device.blocks = whole / BLOCK;
	device.mapped_block = super.blocks;
	if (whole)
		memcpy(image + DEVICE_SLOT * sizeof(device), &device, sizeof(device));

	put_root(image + META_BLOCK * BLOCK);
	file.format = 1 | LAYOUT_CHUNKS << 1;
	file.mode = S_IFREG | 0444;
	file.size = size;
	file.mtime = st.st_mtime;
	file.layout = CHUNK_INDEXES | (UNIT_BITS - BLOCK_BITS);
	memcpy(image + META_BLOCK * BLOCK + FILE_NID * NID_BYTES, &file, sizeof(file));
	index = (void *)(image + META_BLOCK * BLOCK + FILE_NID * NID_BYTES + sizeof(file));
	for (uint64_t i = 0; i < whole / UNIT; i++)
		index[i] = (struct chunk){ .device = 1, .block = i * (UNIT / BLOCK) };
	if (size > whole) {
		index[chunks - 1] = (struct chunk){ .block = tail_block };
		if (pread(in, image + tail_block * BLOCK, size - whole, whole) !=
		    (ssize_t)(size - whole))
			die(argv[1]);
	}

	out = open(argv[2], O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (out < 0 || write(out, image, image_bytes) != (ssize_t)image_bytes || close(out))
		die(argv[2]);
	printf("%llu\n", (unsigned long long)whole);
	return 0;
}
