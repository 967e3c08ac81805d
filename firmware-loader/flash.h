/* SPDX-License-Identifier: MIT */
/*
 * The device's flash (uapi/npu_flash.h): what boots next, and updates that a power cut at any
 * write leaves bootable. Tool, boot ROM and tests share it. It does no I/O of its own and keeps
 * no lock: whoever opens a file holds flock(LOCK_EX | LOCK_NB) on it as long as it is open.
 *
 * A cut at any write is as if that write had not begun, or as if it was done. Only a flash whose
 * state sectors are both damaged cannot be used (-EUCLEAN): no cut does that, and to guess a
 * security counter would let old images in. The way out is to create it anew.
 */
#ifndef NPU_FLASH_LIB_H
#define NPU_FLASH_LIB_H

#include <stddef.h>
#include <stdint.h>

#include "npu_flash.h"
#include "npu_fw_image.h"
#include "npu_regs.h"

struct npu_flash_io {
	/* Both return 0 or -errno. Reads are of any range within size. */
	int (*read)(void *opaque, uint64_t at, void *to, size_t bytes);
	/* One aligned sector, always NPU_FLASH_SECTOR bytes; durable when it returns. */
	int (*write)(void *opaque, uint64_t at, const void *from, size_t bytes);
	void *opaque;
	uint64_t size;			/* bytes of the flash */
};

/*
 * Whether the device would boot size bytes at image with this security counter. Size is 1 to
 * NPU_FW_MAX_BYTES; whatever is in the bytes, the judge copes. What it says must not depend on
 * where the image lies.
 */
struct npu_flash_judge {
	enum npu_boot_error (*judge)(void *opaque, const void *image, uint64_t size,
				     uint32_t security_counter);
	void *opaque;
};

struct npu_flash {
	struct npu_flash_io io;
	struct npu_flash_header header;
	struct npu_flash_state state;	/* the newest one; read it, npu_flash_*() change it */
	unsigned int state_at;		/* state sector that holds it */
	char why[192];			/* of the last failure: a line without the file's name */
};

/*
 * Reads header and state. Errors: -EINVAL it is no flash, of another version, or truncated;
 * -EUCLEAN it is damaged as no power cut does but while it is made; or what read
 * says. There is nothing to close.
 */
int npu_flash_open(struct npu_flash *flash, const struct npu_flash_io *io);

/*
 * Makes a flash with a golden image and empty slots; io->size is at least
 * npu_flash_bytes(slot_bytes). Until the last write what is there does not open. The caller has
 * judged the golden image. -EINVAL: slot_bytes, size; or what read and write say.
 */
int npu_flash_create(struct npu_flash *flash, const struct npu_flash_io *io, uint32_t slot_bytes,
		     const void *golden, uint64_t size, uint32_t security_counter);

/* What is to boot. */
struct npu_flash_choice {
	enum npu_fw_source source;	/* SLOT_A, SLOT_B or GOLDEN */
	void *image;			/* judged bytes; free() them */
	uint32_t size;
	uint32_t security_version;	/* for npu_flash_confirm() */
	uint32_t attempt;		/* 1..NPU_FLASH_ATTEMPTS of a staged image, zero else */
	/*
	 * As in ERROR_FOUND of NPU_BOOT_FLASH: why what stands before it in the order was passed
	 * over, A | B << 8 | golden << 16. Zero: empty, or its turn did not come; NPU_BOOT_FLASH:
	 * attempts used up; NPU_BOOT_BUS: not readable, or its attempt could not be counted.
	 */
	uint32_t found;
};

/*
 * Chooses: the STAGED slot, else the active one, else the other CONFIRMED one, else golden; what
 * cannot be read, is altered or is refused by the judge is passed over. The attempt of a staged
 * slot is written before the slot is given out; one without attempts left becomes BAD.
 * -ENOENT: nothing boots, choice->found says why; -ENOMEM. choice->image is NULL on errors.
 */
int npu_flash_choose(struct npu_flash *flash, const struct npu_flash_judge *judge,
		     struct npu_flash_choice *choice);

/* The same without a write: what npu_flash_choose() would give. */
int npu_flash_preview(struct npu_flash *flash, const struct npu_flash_judge *judge,
		      struct npu_flash_choice *choice);

/*
 * The image from source is healthy: its slot is CONFIRMED and active, the counter is raised to
 * its security version. HOST and GOLDEN only raise the counter. Writes nothing if nothing
 * changes. A raised counter is written to both state sectors, so that not even the loss of one
 * takes it back. -EINVAL: source, a slot that is EMPTY or BAD, or a security version other than
 * that of the slot; or what read and write say, and then it may or may not be confirmed.
 */
int npu_flash_confirm(struct npu_flash *flash, enum npu_fw_source source,
		      uint32_t security_version);

struct npu_flash_staged {
	enum npu_fw_source slot;	/* where the image is */
	enum npu_boot_error error;	/* of the judge */
	enum npu_fw_source withdrawn;	/* -EALREADY: the staged image dropped, or zero */
};

/*
 * Writes an image into the slot that is not needed, to be tried at the next boot. Needed is the
 * active slot; if there is none, or it is altered or below the counter, the other one if that is
 * STAGED, or CONFIRMED and neither. Once the new image is there an older staged one is dropped.
 * booted: where the running image came from, NPU_FW_SOURCE_HOST if none runs.
 * Order: the slot is marked EMPTY, the image is written, read back and compared, then one state
 * write makes it STAGED.
 * Errors: -EINVAL refused by the judge; -EFBIG larger than a slot; -EBUSY the slot is the booted
 * one, or that one is still on trial; -EALREADY it is active (nothing is written but that another
 * staged image is withdrawn); -EIO it reads back otherwise; or what read and write say.
 */
int npu_flash_stage(struct npu_flash *flash, const struct npu_flash_judge *judge,
		    enum npu_fw_source booted, const void *image, uint64_t size,
		    struct npu_flash_staged *staged);

/*
 * Makes the other CONFIRMED slot active. -ENOENT there is none; -EPERM its security version is
 * below the counter; -EUCLEAN its image is altered; or what read and write say.
 */
int npu_flash_rollback(struct npu_flash *flash);

/*
 * Reads the image of source as it is and compares it with its hash: 0 and *image (free() it),
 * -ENOENT the slot is EMPTY, -EUCLEAN altered, -ENOMEM, or what read says.
 */
int npu_flash_load(const struct npu_flash *flash, enum npu_fw_source source, void **image,
		   uint32_t *size);

#endif
