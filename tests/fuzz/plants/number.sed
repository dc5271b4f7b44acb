# tools/number.c
s/if (count < 19)/if (count < 20)/
