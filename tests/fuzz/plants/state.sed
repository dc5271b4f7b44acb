# lib/format/state_entry.c
s/(size_t)(in->end - in->at) < size)/(size_t)(in->end - in->at) + 1 < size)/
