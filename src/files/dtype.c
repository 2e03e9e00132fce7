#include "files/dtype.h"

#include "base/mem.h"
#include "files/half.h"

#include <string.h>

static void copy_in(float *values, const unsigned char *bytes, size_t n)
{
    memcpy(values, bytes, n * sizeof *values);
}

static void f64_to_floats(float *values, const unsigned char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        double x;
        memcpy(&x, bytes + i * sizeof x, sizeof x);
        values[i] = (float)x;
    }
}

static void copy_out(unsigned char *bytes, const float *values, size_t n)
{
    memcpy(bytes, values, n * sizeof *values);
}

static uint16_t load_u16(const unsigned char *p)
{
    uint16_t x;
    memcpy(&x, p, sizeof x);
    return x;
}

static void store_u16(unsigned char *p, uint16_t x)
{
    memcpy(p, &x, sizeof x);
}

static void f16_to_floats(float *values, const unsigned char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        values[i] = f32_from_f16(load_u16(bytes + 2 * i));
}

static void f16_from_floats(unsigned char *bytes, const float *values, size_t n)
{
    for (size_t i = 0; i < n; i++)
        store_u16(bytes + 2 * i, f16_from_f32(values[i]));
}

static void bf16_to_floats(float *values, const unsigned char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        values[i] = f32_from_bf16(load_u16(bytes + 2 * i));
}

static void bf16_from_floats(unsigned char *bytes, const float *values, size_t n)
{
    for (size_t i = 0; i < n; i++)
        store_u16(bytes + 2 * i, bf16_from_f32(values[i]));
}

const struct dtype dtype_f32 = {"F32", 1, 4, copy_in, copy_out, NULL, "f32", "float32"};
const struct dtype dtype_f16 = {"F16", 1, 2, f16_to_floats, f16_from_floats, NULL, "f16", "float16"};
const struct dtype dtype_bf16 = {"BF16", 1, 2, bf16_to_floats, bf16_from_floats, NULL, "bf16", "bfloat16"};

const struct dtype *const dtype_floats[] = {&dtype_f32, &dtype_f16, &dtype_bf16, NULL};

/* What else safetensors has: one that is read, and those that no model here is made of. */
static const struct dtype others[] = {
    {.name = "F64", .block = 1, .block_bytes = 8, .to_f32 = f64_to_floats},
    {.name = "I64", .block = 1, .block_bytes = 8},
    {.name = "U64", .block = 1, .block_bytes = 8},         {.name = "I32", .block = 1, .block_bytes = 4},
    {.name = "U32", .block = 1, .block_bytes = 4},         {.name = "I16", .block = 1, .block_bytes = 2},
    {.name = "U16", .block = 1, .block_bytes = 2},         {.name = "I8", .block = 1, .block_bytes = 1},
    {.name = "U8", .block = 1, .block_bytes = 1},          {.name = "BOOL", .block = 1, .block_bytes = 1},
    {.name = "C64", .block = 1, .block_bytes = 8},         {.name = "F8_E4M3", .block = 1, .block_bytes = 1},
    {.name = "F8_E5M2", .block = 1, .block_bytes = 1},     {.name = "F8_E8M0", .block = 1, .block_bytes = 1},
    {.name = "F8_E4M3FNUZ", .block = 1, .block_bytes = 1}, {.name = "F8_E5M2FNUZ", .block = 1, .block_bytes = 1},
    {.name = "F6_E2M3", .block = 4, .block_bytes = 3},     {.name = "F6_E3M2", .block = 4, .block_bytes = 3},
    {.name = "F4", .block = 2, .block_bytes = 1},
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

const struct dtype *dtype_find(const char *name)
{
    for (size_t i = 0; dtype_floats[i]; i++)
        if (strcmp(dtype_floats[i]->name, name) == 0)
            return dtype_floats[i];
    for (size_t i = 0; i < COUNT(others); i++)
        if (strcmp(others[i].name, name) == 0)
            return &others[i];
    return NULL;
}

const struct dtype *dtype_of_option(const struct dtype *const *dtypes, const char *option)
{
    for (; *dtypes; dtypes++)
        if (strcmp((*dtypes)->option, option) == 0)
            return *dtypes;
    return NULL;
}

void dtype_options(const struct dtype *const *dtypes, struct strbuf *out)
{
    for (size_t i = 0; dtypes[i]; i++)
        strbuf_printf(out, "%s%s", i == 0 ? "" : dtypes[i + 1] ? ", " : " or ", dtypes[i]->option);
}

bool dtype_bytes(const struct dtype *dtype, size_t count, size_t *bytes)
{
    return count % dtype->block == 0 && mem_mul(count / dtype->block, dtype->block_bytes, bytes);
}
