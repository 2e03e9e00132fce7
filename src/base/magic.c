#include "base/magic.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

/* ---- bytes that only one kind of file has ---- */

struct signature {
    size_t offset, len;
    const char *bytes, *what;
};

#define AT(offset, bytes, what) {offset, sizeof(bytes) - 1, bytes, what}
#define PACKED(how, command) "is compressed with " how " (unpack it with " command ")"

static const char lfs[] = "is a Git LFS pointer, not the file itself (fetch that with git lfs pull)";
static const char parquet[] = "is a parquet file (python3 scripts/from_hub.py FILE --out FILE.jsonl makes JSON Lines "
                              "of it)";
static const char arrow[] = "is an Arrow file (in Python, datasets.Dataset.from_file(FILE).to_json(\"FILE.jsonl\") "
                            "makes JSON Lines of it)";
static const char feather[] = "is an Arrow or Feather file (in Python, pandas.read_feather(FILE).to_json("
                              "\"FILE.jsonl\", orient=\"records\", lines=True) makes JSON Lines of it)";
static const char torch[] = "is a PyTorch checkpoint, a pickle (weights are read from safetensors, which "
                            "save_pretrained of transformers writes)";
static const char pickle[] = "is a Python pickle (write its rows as JSON Lines, with json.dumps a line each)";
static const char numpy[] = "is a NumPy array (write its rows as JSON Lines)";
static const char table[] = "is a table of another program (write its rows as JSON Lines or CSV)";
static const char database[] = "is a database (write its rows as JSON Lines or CSV)";
static const char archive[] = "is an archive of files (unpack it with tar -xf, and name a file of it)";
static const char zip[] = "is a zip archive (unpack it with unzip, and name a file of it)";
static const char workbook[] = "is a spreadsheet's workbook (save its sheet as CSV UTF-8)";
static const char office[] = "is an office document (save it as plain text or CSV, in UTF-8)";
static const char gguf[] = "is a GGUF model (name the file itself as the base, or make a directory of it: sft import)";
static const char page[] = "is an HTML page, saved in place of the file (download the file by its raw link, on "
                           "huggingface.co .../resolve/main/FILE)";
static const char answer[] = "is a web server's error, saved in place of the file (download the file again)";
static const char program[] = "is a program, not text";
static const char image[] = "is an image, not text";
static const char sound[] = "is a recording, not text";

static const struct signature signatures[] = {
    AT(0, "version https://git-lfs.github.com/spec/", lfs),
    AT(0, "version https://hawser.github.com/spec/", lfs),
    AT(0, "/annex/objects/", "is a git-annex pointer, not the file itself (fetch that with git annex get)"),

    AT(0, "\x28\xB5\x2F\xFD", PACKED("zstd", "zstd -d")),
    AT(0, "\x50\x2A\x4D\x18", PACKED("zstd", "zstd -d")),
    AT(0, "\xFD" "7zXZ\0", PACKED("xz", "xz -d")),
    AT(0, "\x5D\0\0\x80\0", PACKED("lzma", "xz -d")),
    AT(4, "1AY&SY", PACKED("bzip2", "bzip2 -d")), /* after "BZh" and the block's size */
    AT(0, "\x04\x22\x4D\x18", PACKED("lz4", "lz4 -d")),
    AT(0, "LZIP\1", PACKED("lzip", "lzip -d")),
    AT(0, "\x1F\x9D", PACKED("compress", "gzip -d")),
    AT(0, "\xFF\x06\0\0sNaPpY", PACKED("snappy", "snzip -d")),
    AT(0, "7z\xBC\xAF\x27\x1C", "is a 7z archive (unpack it with 7z x, and name a file of it)"),
    AT(0, "Rar!\x1A\x07", "is a rar archive (unpack it with unrar x, and name a file of it)"),
    AT(257, "ustar\0", archive),
    AT(257, "ustar  \0", archive),

    AT(0, "PAR1", parquet),
    AT(0, "PARE", parquet),
    AT(0, "\xFF\xFF\xFF\xFF", arrow), /* a stream of messages, as datasets keeps them */
    AT(0, "ARROW1", feather),
    AT(0, "FEA1\0", feather),
    AT(0, "Obj\1", table),
    AT(0, "\x89HDF\r\n", table),
    AT(0, "RDX3\n", table),
    AT(0, "X\n\0\0\0", table),
    AT(0, "SQLite format 3", database),
    AT(0, "\x93NUMPY", numpy),

    AT(0, "\x80\2\x8A\x0A\x6C\xFC\x9C\x46\xF9\x20\x6A\xA8\x50\x19", torch),
    AT(0, "\x80\2", pickle),
    AT(0, "\x80\3", pickle),
    AT(0, "\x80\4\x95", pickle),
    AT(0, "\x80\5\x95", pickle),
    AT(0, "GGUF\1\0", gguf),
    AT(0, "GGUF\2\0", gguf),
    AT(0, "GGUF\3\0", gguf),

    AT(0, "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", "is an old Office file (save it as CSV UTF-8 or plain text)"),
    AT(0, "%PDF-", "is a PDF file (make text of it with pdftotext)"),
    AT(0, "{\\rtf", "is an RTF document (save it as plain text)"),
    AT(0, "\x7F" "ELF", program),
    AT(0, "MZ\x90\0", program),
    AT(0, "\xCF\xFA\xED\xFE", program),
    AT(0, "\x89PNG\r\n", image),
    AT(0, "\xFF\xD8\xFF", image),
    AT(0, "GIF89a", image),
    AT(8, "WEBPVP8", image),
    AT(8, "WAVEfmt ", sound),
    AT(0, "ID3\3", sound),
    AT(0, "ID3\4", sound),
    AT(0, "OggS\0", sound),
    AT(0, "fLaC\0", sound),
};

static bool has_at(const char *bytes, size_t len, size_t offset, const char *what, size_t n)
{
    return len >= offset + n && memcmp(bytes + offset, what, n) == 0;
}

static const char *skip_blanks(const char *p, const char *end)
{
    if (end - p >= 3 && memcmp(p, "\xEF\xBB\xBF", 3) == 0)
        p += 3;
    while (p < end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r'))
        p++;
    return p;
}

/* ---- what a web server says in place of a file that it does not have ---- */

static bool begins_with(const char **p, const char *end, const char *what)
{
    const size_t n = strlen(what);
    if ((size_t)(end - *p) < n || memcmp(*p, what, n) != 0)
        return false;
    *p = skip_blanks(*p + n, end);
    return true;
}

/* {"error": "..."} and nothing else, as Hugging Face's servers say it; {"message": "Not Found", ...}: GitHub's. */
static bool is_error_object(const char *bytes, size_t len)
{
    enum { MOST = 512 };
    const char *p = bytes, *end = bytes + len;
    if (len > MOST)
        return false;
    p = skip_blanks(p, end);
    if (!begins_with(&p, end, "{"))
        return false;
    if (begins_with(&p, end, "\"message\""))
        return begins_with(&p, end, ":") && begins_with(&p, end, "\"Not Found\"");
    if (!begins_with(&p, end, "\"error\"") || !begins_with(&p, end, ":") || !begins_with(&p, end, "\"") ||
        !(p = memchr(p, '"', (size_t)(end - p))))
        return false;
    return begins_with(&p, end, "\"") && begins_with(&p, end, "}") && p == end;
}

static bool is_answer(const char *bytes, size_t len)
{
    static const char *const answers[] = {"404: Not Found", "Not Found", "Entry not found", "Repository not found",
                                          "Invalid username or password", "Access denied"};
    enum { MOST = 64 }; /* a text that goes on is a text */
    if (is_error_object(bytes, len))
        return true;
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++)
        if (len <= MOST && has_at(bytes, len, 0, answers[i], strlen(answers[i])))
            return true;
    return false;
}

/* ---- zip: what it is, is said by the names of what is in it ---- */

enum { LOOKED_AT = 1 << 16 };

static bool has_name(const char *bytes, size_t len, const char *name)
{
    const size_t n = len < LOOKED_AT ? len : LOOKED_AT;
    return memmem(bytes, n, name, strlen(name)) || memmem(bytes + len - n, n, name, strlen(name));
}

static const char *kind_of_zip(const char *bytes, size_t len)
{
    if (has_name(bytes, len, "xl/workbook") || has_name(bytes, len, "opendocument.spreadsheet"))
        return workbook;
    if (has_name(bytes, len, "word/document") || has_name(bytes, len, "opendocument."))
        return office;
    if (has_name(bytes, len, "/data.pkl"))
        return torch;
    return has_name(bytes, len, ".npy") ? numpy : zip;
}

/* ---- markup, which may begin with blanks and a mark ---- */

static const char *kind_of_markup(const char *p, const char *end)
{
    static const char *const html[] = {"<!doctype html", "<html", "<head>", "<body"};
    p = skip_blanks(p, end);
    for (size_t i = 0; i < sizeof html / sizeof *html; i++)
        if ((size_t)(end - p) >= strlen(html[i]) && strncasecmp(p, html[i], strlen(html[i])) == 0)
            return page;
    if (!has_at(p, (size_t)(end - p), 0, "<?xml", 5))
        return NULL;
    const size_t n = end - p < 1024 ? (size_t)(end - p) : 1024;
    return memmem(p, n, "<html", 5) ? page : memmem(p, n, "<Error>", 7) ? answer : NULL;
}

/* ---- all of them ---- */

const char *magic_foreign(const void *bytes, size_t len)
{
    static const struct signature *const end = signatures + sizeof signatures / sizeof *signatures;
    const char *text = bytes;
    if (has_at(text, len, 0, "PK\3\4", 4))
        return kind_of_zip(text, len);
    for (const struct signature *s = signatures; s < end; s++)
        if (has_at(text, len, s->offset, s->bytes, s->len))
            return s->what;
    if (is_answer(text, len))
        return answer;
    return len > 0 ? kind_of_markup(text, text + len) : NULL;
}

enum sft_status magic_refuse(const char *path, const void *bytes, size_t len, struct sft_err *err)
{
    const char *what = magic_foreign(bytes, len);
    return what ? sft_fail(err, SFT_EDATA, "%s: %s", path, what) : SFT_OK;
}
