# lib/model/select.c
s/for (uint32_t j = 0; j < i; j++)/for (uint32_t j = 0; j + 1 < i; j++)/
