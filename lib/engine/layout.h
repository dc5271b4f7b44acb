/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where things lie in a file of LMDB 0.9: data version 1, 64-bit,
 * little-endian. Symbols in brackets are those of its mdb.c.
 */
#ifndef LF_ENGINE_LAYOUT_H
#define LF_ENGINE_LAYOUT_H

/* Page header, PAGEHDRSZ bytes [MDB_page]. */
#define LF_PAGE_NUMBER   0  /* u64 */
#define LF_PAGE_FLAGS    10 /* u16 */
#define LF_PAGE_LOWER    12 /* u16: end of the array of node offsets */
#define LF_PAGE_UPPER    14 /* u16: begin of the nodes */
#define LF_PAGE_OVERFLOW 12 /* u32: pages of an overflow run */
#define LF_PAGE_HEADER   16

#define LF_PAGE_IS_BRANCH   1
#define LF_PAGE_IS_LEAF     2
#define LF_PAGE_IS_OVERFLOW 4
#define LF_PAGE_IS_META     8

/* Meta pages are pages 0 and 1; transaction N writes page N mod 2 [MDB_meta].
 */
#define LF_META_MAGIC       16  /* u32 */
#define LF_META_VERSION     20  /* u32 */
#define LF_META_MAP_SIZE    32  /* u64 */
#define LF_META_FREE        40  /* record; its first u32 is the page size */
#define LF_META_MAIN        88  /* record of the main database */
#define LF_META_LAST_PAGE   136 /* u64 */
#define LF_META_TRANSACTION 144 /* u64 */
#define LF_META_SIZE        152

#define LF_META_MAGIC_VALUE   0xbeefc0deu
#define LF_META_VERSION_VALUE 1

/* A database's record [MDB_db]. */
#define LF_RECORD_FLAGS    4 /* u16 */
#define LF_RECORD_DEPTH    6 /* u16 */
#define LF_RECORD_BRANCHES 8 /* u64, pages; so are the next two */
#define LF_RECORD_LEAVES   16
#define LF_RECORD_LONG     24 /* pages of overflow runs */
#define LF_RECORD_ENTRIES  32 /* u64 */
#define LF_RECORD_ROOT     40 /* u64; all ones: empty */
#define LF_RECORD_SIZE     48

/* Flags of databases that LMDB knows, from MDB_REVERSEKEY to MDB_REVERSEDUP.
 * Pages are walked here only where none is set. */
#define LF_RECORD_KNOWN_FLAGS 0x7e

/* A node: lo, hi, flags, size of the key, each u16; key; data [MDB_node]. */
#define LF_NODE_HEADER  8
#define LF_NODE_KEY_MAX 511 /* MDB_MAXKEYSIZE */

#define LF_NODE_IS_BIG      1 /* data is the number of an overflow page */
#define LF_NODE_IS_DATABASE 2 /* data is a record [F_SUBDATA] */

#define LF_DEPTH_MAX 32 /* CURSOR_STACK */

#endif
