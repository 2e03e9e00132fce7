/* Checkpoints: output_dir/checkpoint-STEP, a Hugging Face directory, or an adapter's in PEFT's format, with trainer/
 * in it.
 *
 *     trainer/model.safetensors       the weights as they are trained, in F32, where the model's own files have them
 *                                     rounded (in several files where it is large, as a model's own); an adapter's:
 *                                     trainer/adapter_model.safetensors, with its config
 *     trainer/optimizer.safetensors   both moments, "m.NAME" and "v.NAME" (adamw_file.h)
 *     trainer/state.json              where the run stands, and what it is (record.h)
 *     trainer/checksums.xxh64         of every other file; `xxhsum -c` checks it
 *
 * A checkpoint is written beside its name, synced, and renamed: it is there whole or not at all. The symbolic links
 * `last` and `best` are replaced by rename (checkpoint_list.h). */
#ifndef SFT_TRAIN_CHECKPOINT_H
#define SFT_TRAIN_CHECKPOINT_H

#include "base/json.h"
#include "files/model_out.h"
#include "files/peft/peft_config.h"
#include "model/transformer.h"
#include "text/tokenizer/tokenizer.h"
#include "train/adamw.h"
#include "train/state.h"

#define CHECKPOINT_STATE "trainer/state.json" /* of a checkpoint's directory */

/* What a checkpoint is made of. */
struct checkpoint {
    struct transformer *model;
    struct adamw *adamw;
    const struct peft_config *adapter; /* of one that is trained; NULL: all of the model is */
    const struct tokenizer *tokenizer;
    const struct model_meta *meta;
    const struct train_state *state;
    const struct strbuf *record; /* what the run is (record.h) */
};

/* Write output_dir/checkpoint-STEP, in the place of one that is there already, and point the links. */
enum sft_status checkpoint_save(const char *output_dir, const struct checkpoint *checkpoint,
                                struct sft_err *err);

/* One to go on from. */
struct checkpoint_found {
    char *dir;                /* NULL: there is none */
    json *state_json;         /* its trainer/state.json: the run's record is in it, too */
    struct train_state state; /* where it stands; where there is none, that of a run before its first step */
};

/* The newest checkpoint whose checksums hold and whose state can be; found->dir is NULL where output_dir holds none.
 * Others are skipped with a warning; SFT_EDATA where all are. Free with checkpoint_found_free. */
enum sft_status checkpoint_find(const char *output_dir, struct checkpoint_found *found, struct sft_err *err);
void checkpoint_found_free(struct checkpoint_found *found);

/* Fill weights and moments from a checkpoint of the same model, as they were when it was saved; of an adapter's what is
 * trained, the base's weights being there. */
enum sft_status checkpoint_load(const char *dir, bool is_adapter, struct transformer *model, struct adamw *adamw,
                                struct sft_err *err);

#endif
