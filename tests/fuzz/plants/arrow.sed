# lib/exchange/array_in.c
s/(uint64_t)index >= source->child->count/(uint64_t)index > source->child->count/
