#include "files/written.h"

#include <stdio.h>
#include <string.h>

bool written_by_sft(const char *path)
{
    char text[1024 + 1];
    FILE *file = fopen(path, "rb");
    const size_t n = file ? fread(text, 1, sizeof text - 1, file) : 0;
    if (file)
        fclose(file);
    text[n] = '\0';
    return strstr(text, WRITTEN_BY_SFT) != NULL;
}
