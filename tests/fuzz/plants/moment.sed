# tools/moment.c
s/c->day > calendar_month_days(c->year, c->month)/c->day > calendar_month_days(c->year, c->month) + 1/
