#include "bf16_arithmetic.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "amx_model.h"

enum { TILES = 8, MOST_ROWS = 16, MOST_BYTES = 64 }; /* of palette 1 */

struct config {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
};

static _Thread_local struct config config;
static _Thread_local uint8_t tiles[TILES][MOST_ROWS][MOST_BYTES];

static _Noreturn void fault(const char *instruction, const char *why)
{
    fprintf(stderr, "%s: %s\n", instruction, why);
    abort();
}

static void check_config(const struct config *c)
{
    if (c->palette != 1)
        fault("LDTILECFG", "the palette is not 1");
    if (c->start_row != 0)
        fault("LDTILECFG", "a first row other than 0");
    for (size_t i = 0; i < sizeof c->reserved; i++)
        if (c->reserved[i])
            fault("LDTILECFG", "a reserved byte is set");
    for (int t = 0; t < 16; t++) {
        if (t >= TILES && (c->rows[t] || c->row_bytes[t]))
            fault("LDTILECFG", "a tile beyond the palette's");
        if (c->rows[t] > MOST_ROWS || c->row_bytes[t] > MOST_BYTES)
            fault("LDTILECFG", "a tile larger than the palette's");
        if ((c->rows[t] == 0) != (c->row_bytes[t] == 0))
            fault("LDTILECFG", "a tile with rows or columns only");
    }
}

void amx_model_loadconfig(const void *new_config)
{
    struct config c;
    memcpy(&c, new_config, sizeof c);
    check_config(&c);
    config = c;
    memset(tiles, 0, sizeof tiles);
}

void amx_model_release(void)
{
    memset(&config, 0, sizeof config);
    memset(tiles, 0, sizeof tiles);
}

static void check_tile(const char *instruction, int tile)
{
    if (config.palette == 0)
        fault(instruction, "no configuration is loaded in this thread");
    if (tile < 0 || tile >= TILES || config.rows[tile] == 0)
        fault(instruction, "the tile is not configured");
}

void amx_model_zero(int tile)
{
    check_tile("TILEZERO", tile);
    memset(tiles[tile], 0, sizeof tiles[tile]);
}

void amx_model_load(int tile, const void *base, size_t stride)
{
    check_tile("TILELOADD", tile);
    memset(tiles[tile], 0, sizeof tiles[tile]);
    for (size_t row = 0; row < config.rows[tile]; row++)
        memcpy(tiles[tile][row], (const uint8_t *)base + row * stride, config.row_bytes[tile]);
}

void amx_model_store(int tile, void *base, size_t stride)
{
    check_tile("TILESTORED", tile);
    for (size_t row = 0; row < config.rows[tile]; row++)
        memcpy((uint8_t *)base + row * stride, tiles[tile][row], config.row_bytes[tile]);
}

static void check_product(const char *name, int sums, int a, int b)
{
    check_tile(name, sums);
    check_tile(name, a);
    check_tile(name, b);
    if (sums == a || sums == b || a == b)
        fault(name, "a tile given twice");
    if (config.row_bytes[sums] % 4 || config.row_bytes[a] % 4 || config.row_bytes[b] % 4)
        fault(name, "rows that are not whole numbers of four bytes");
    if (config.rows[sums] != config.rows[a] || config.row_bytes[sums] != config.row_bytes[b] ||
        config.row_bytes[a] / 4 != config.rows[b])
        fault(name, "tiles that do not fit one another");
}

/* One row of sums (n) += a row of a (n_pairs pairs) times b: even and odd neighbours are summed apart, over all pairs,
 * and the two sums are then added to what was there. */
static void product_row(float *sums, size_t n, const uint16_t *a, size_t n_pairs, uint8_t b[][MOST_BYTES])
{
    float even[MOST_BYTES / 4] = {0}, odd[MOST_BYTES / 4] = {0};
    for (size_t k = 0; k < n_pairs; k++) {
        uint16_t pairs[MOST_BYTES / 2];
        memcpy(pairs, b[k], sizeof pairs);
        for (size_t j = 0; j < n; j++) {
            even[j] = multiply_add(even[j], a[2 * k], pairs[2 * j]);
            odd[j] = multiply_add(odd[j], a[2 * k + 1], pairs[2 * j + 1]);
        }
    }
    for (size_t j = 0; j < n; j++)
        sums[j] = flushed(flushed(sums[j]) + flushed(even[j] + odd[j]));
}

void amx_model_dpbf16ps(int sums, int a, int b)
{
    check_product("TDPBF16PS", sums, a, b);
    for (size_t row = 0; row < config.rows[sums]; row++) {
        float sums_row[MOST_BYTES / 4];
        uint16_t a_row[MOST_BYTES / 2];
        memcpy(sums_row, tiles[sums][row], sizeof sums_row);
        memcpy(a_row, tiles[a][row], sizeof a_row);
        product_row(sums_row, config.row_bytes[sums] / 4u, a_row, config.row_bytes[a] / 4u, tiles[b]);
        memcpy(tiles[sums][row], sums_row, config.row_bytes[sums]);
    }
}

/* Sums (int32) += a's bytes, signed, times b's, four neighbours each. What is beyond 2^31 wraps. */
static void int8_product(const char *name, int sums, int a, int b, bool b_is_signed)
{
    check_product(name, sums, a, b);
    for (size_t row = 0; row < config.rows[sums]; row++) {
        uint32_t sums_row[MOST_BYTES / 4];
        memcpy(sums_row, tiles[sums][row], sizeof sums_row);
        for (size_t k = 0; k < config.row_bytes[a]; k++)
            for (size_t j = 0; j < config.row_bytes[sums] / 4u; j++) {
                const uint8_t byte = tiles[b][k / 4][4 * j + k % 4];
                const int factor = b_is_signed ? (int8_t)byte : byte;
                sums_row[j] += (uint32_t)((int8_t)tiles[a][row][k] * factor);
            }
        memcpy(tiles[sums][row], sums_row, config.row_bytes[sums]);
    }
}

void amx_model_dpbssd(int sums, int a, int b)
{
    int8_product("TDPBSSD", sums, a, b, true);
}

void amx_model_dpbsud(int sums, int a, int b)
{
    int8_product("TDPBSUD", sums, a, b, false);
}
