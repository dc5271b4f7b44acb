/* SPDX-License-Identifier: Apache-2.0 */
/* Days and dates of the proleptic Gregorian calendar. */
#ifndef TOOL_CALENDAR_H
#define TOOL_CALENDAR_H

#include <stdint.h>

/* Days from 1970-01-01 to a date; month from 1 to 12, day from 1. */
int64_t calendar_days(int year, int month, int day);

/* The date that many days after 1970-01-01. */
void calendar_date(int64_t days, int64_t *year, int *month, int *day);

/* 28 to 31; month from 1 to 12. */
int calendar_month_days(int year, int month);

#endif
