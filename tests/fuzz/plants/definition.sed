# lib/model/lexer.c
s/i + 1 < token->size; i++/i + 2 < token->size; i++/
