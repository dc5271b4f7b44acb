/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the speed bench, and the data sets they stand on. */
#ifndef BENCH_SPEED_H
#define BENCH_SPEED_H

#include "reader.h"
#include "report.h"
#include "store.h"

#define SAMPLE      30000 /* keys */
#define SAMPLE_SLOW 3000  /* keys, where one costs a wake-up of a process */

/* A data set as a store and as its copy, both open and warm. */
struct bed {
    struct dataset data;
    char store_path[PATH_SIZE];
    char raw_path[PATH_SIZE];
    feature_store *store;
    struct raw *raw;
};

/* Builds both in a directory and checks every row through both. */
void bed_make(struct bed *bed, const struct dataset *data,
              const char *directory);
void bed_open(struct bed *bed); /* again, after bed_close */
void bed_close(struct bed *bed);
void bed_remove(struct bed *bed);

/* The base point's data set: 20 features in 253 bytes. */
struct dataset base_data(const char *name, uint64_t rows);

/* Each gets the base point's data set; the last five get it on the disk. */
void part_micro(struct bed *base);
void part_base(struct bed *base);
void part_readers(struct bed *base);
void part_sizes(struct bed *base);
void part_factors(struct bed *base);
void part_views(struct bed *base);
void part_writes(struct bed *base);
void part_service(struct bed *disk);
void part_cold(struct bed *disk);
void part_writer(struct bed *disk);
void part_commits(struct bed *disk);
void part_snapshot(struct bed *disk);

/* A process that reads when it is told to: part_readers.c. */
int worker_main(int count, char **arguments);

/* A thread that commits rows of the first view one by one while it runs. */
struct committer;
struct committer *committer_start(const struct dataset *data,
                                  feature_store *store, uint32_t rows);
void committer_resume(struct committer *committer); /* returns after one */
void committer_pause(struct committer *committer);
uint64_t committer_stop(struct committer *committer); /* commits made */

#endif
