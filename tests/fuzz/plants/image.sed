# lib/engine/page.c
s/number >= pages->limit, 0/number > pages->limit, 0/
