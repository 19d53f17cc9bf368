/* replay.c: a fuzz target without a fuzzer: runs it once for every file given. */
#include "fuzz/fuzz.h"

#include <string.h>

enum { INPUT_MAX_BYTES = 1 << 20 };

static int replay(const char *path)
{
    static uint8_t input[INPUT_MAX_BYTES];
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        return -1;
    }
    size_t size = fread(input, 1, sizeof input, file);
    fclose(file);
    uint8_t *exact = malloc(size + 1); /* so that a read behind the end is seen */
    if (exact == NULL) return -1;
    memcpy(exact + 1, input, size);
    LLVMFuzzerTestOneInput(exact + 1, size);
    free(exact);
    return 0;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (replay(argv[i]) < 0) return 1;
    }
    printf("%d files replayed\n", argc - 1);
    return argc > 1 ? 0 : 1;
}
