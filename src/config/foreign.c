#include "config/foreign.h"

#include "config/field_value.h"
#include "config/foreign_values.h"
#include "config/value_text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* How a value becomes ours. */
enum convert {
    COPY,      /* as it stands */
    WHEN_TRUE, /* `value` where it is true, `otherwise` where it is false */
    PERCENT    /* a hundredth */
};

struct foreign {
    const char *names; /* separated by blanks; "wandb_*" is every name that begins so; _ is - too, in any case */
    const char *key;   /* what it is here; NULL, or no key of this version: nothing, and `words` says why */
    const char *words; /* a remark, or NULL */
    enum convert convert;
    const char *value, *otherwise;
    const char *section; /* where alone it means that; NULL: anywhere */
};

#define IS(names_, key_, ...)   {.names = names_, .key = key_, __VA_ARGS__}
#define NOTHING(names_, words_) {.names = names_, .words = words_}

static const struct foreign keys[] = {
    /* ---- the model ---- */
    IS("model_name_or_path pretrained_model_name_or_path base_model base_model_name_or_path model_name "
       "model_path "
       "model_id model hf_model init_from checkpoint_path checkpoint_dir checkpoint",
       "base", .words = "a Hugging Face directory on this machine"),
    NOTHING("tokenizer tokenizer_name tokenizer_path tokenizer_name_or_path tokenizer_type tokenizer_model "
            "use_fast_tokenizer tokenizer_config",
            "the tokenizer is the base's own, whose files stand in its directory"),
    NOTHING("model_type config_name architectures model_class n_layer n_head n_embd n_positions vocab_size "
            "n_layers "
            "n_heads d_model hidden_size num_hidden_layers num_attention_heads",
            "the base's config.json says it (base = DIR/config.json starts from random weights)"),
    IS("load_in_8bit load_in_4bit use_8bit use_4bit", "weights", .convert = WHEN_TRUE, .value = "int8",
       .otherwise = "auto",
       .words = "of a base with an adapter; 8 bits a weight are the least"),
    NOTHING("load_in_16bit quantization quantization_bit quantization_method quantization_config quantize bnb_* "
            "double_quantization llm_int8_*",
            "weights = int8 in [model] keeps a base with an adapter ([lora]) in 8 bits a weight, and nothing has "
            "fewer; what is trained is fp32, products bf16 or fp32 (precision)"),

    /* ---- adapters ---- */
    NOTHING("lora use_lora use_peft peft peft_type finetuning_type fine_tune_type full_finetuning "
            "train_type",
            "a section [lora], even an empty one, trains an adapter; without it all of the model is trained"),
    IS("lora_r lora_rank rank lora_dim lora_attention_dim", "r"),
    IS("lora_target_modules lora_target target_layers lora_modules lora_target_layers", "target_modules",
       .words = "all-linear, or names separated by blanks"),
    IS("lora_target_linear", "target_modules", .convert = WHEN_TRUE, .value = "all-linear", .otherwise = ""),
    IS("lora_modules_to_save additional_target additional_trainable_layers", "modules_to_save",
       .words = "names separated by blanks"),
    IS("alpha", "lora_alpha", .section = "lora"),
    IS("lora_scaling lora_scale scaling", "lora_alpha", .words = "what is added is multiplied by lora_alpha / r"),
    IS("use_rs_lora rslora rs_lora peft_use_rslora", "use_rslora"),
    IS("dropout", "lora_dropout", .section = "lora"),
    IS("dropout_lora adapter_dropout", "lora_dropout"),
    IS("adapter_name_or_path adapter_path adapter_dir adapter_model lora_model_dir lora_path lora_adapter "
       "peft_model_id peft_path resume_adapter_file adapter_file",
       "adapter", .words = "a directory; an adapter's run continues without it"),
    NOTHING("lora_fan_in_fan_out fan_in_fan_out", "sft knows how a base stores its matrices: leave it out"),
    NOTHING("task_type inference_mode peft_version auto_mapping",
            "an adapter's file says it by itself: leave it out"),
    NOTHING("bias", "an adapter has no biases of its own, which is bias = none elsewhere: leave it out"),
    NOTHING("exclude_modules", "target_modules may be a regular expression, which leaves modules out"),
    NOTHING("use_dora lora_use_dora peft_use_dora lora_bias init_lora_weights lora_init pissa_* loraplus_* "
            "relora_* layers_to_transform peft_layers_to_transform layers_pattern rank_pattern alpha_pattern "
            "layer_replication trainable_token_indices target_parameters use_galore galore_* use_badam badam_* "
            "lora_layers lora_on_cpu create_new_adapter peft_* lora_*",
            "not in this version: adapters are as [lora] says, without variants (target_modules may be a regular "
            "expression, which picks layers)"),
    NOTHING("num_layers freeze_* unfrozen_parameters",
            "all of a model is trained, or with [lora] an adapter of its linear layers (target_modules may be a "
            "regular expression, which picks layers)"),
    NOTHING("dropout attention_dropout resid_pdrop embd_pdrop attn_pdrop hidden_dropout attn_dropout",
            "training is without dropout"),
    NOTHING("neftune_noise_alpha noisy_embedding_alpha label_smoothing_factor", "there is none here"),
    NOTHING(
        "trust_remote_code model_revision revision token hf_token use_auth_token low_cpu_mem_usage use_cache "
        "cache_dir model_init_kwargs device_map local_files_only",
        "nothing is downloaded here: base is a directory on this machine"),

    /* ---- the data ---- */
    IS("dataset_name hub_dataset", "train",
       .words = "files; scripts/from_hub.py makes one of a Hugging Face dataset"),
    IS("train_file train_files train_data train_dataset train_path training_file training_data dataset "
       "datasets "
       "dataset_path dataset_dir data_path data_file data_files data input_file file in_file",
       "train", .words = "files, separated by blanks"),
    IS("validation_file validation_files validation_data validation_dataset eval_file eval_files eval_data "
       "eval_dataset "
       "eval_datasets val_file val_data val_dataset valid_data test_file test_data test_datasets",
       "eval", .words = "files, separated by blanks"),
    IS("val_set_size val_size val_split val_fraction val_ratio validation_split validation_fraction "
       "test_size "
       "eval_split_ratio eval_ratio eval_size",
       "eval_fraction", .words = "a share of the training conversations"),
    IS("validation_split_percentage", "eval_fraction", .words = "a share of 1", .convert = PERCENT),
    IS("max_seq_length max_seq_len max_sequence_length max_sequence_len seq_length seq_len sequence_len "
       "sequence_length cutoff_len block_size context_length context_len ctx_size ctx n_ctx max_len "
       "max_tokens "
       "model_max_length truncation_length max_position_embeddings",
       "max_length"),
    NOTHING("response_template instruction_template response_part instruction_part",
            "the template knows where answers begin, and train_on = assistant in [data] trains them alone"),
    NOTHING("formatting_func formatting_function formatting_prompts_func",
            "template and columns in [data] say how a row becomes text; sft inspect shows it"),
    NOTHING("truncation_side", "a conversation's first max_length tokens are kept; overlong = drop leaves it out"),
    NOTHING("max_prompt_length max_completion_length max_target_length max_source_length",
            "max_length bounds the whole conversation"),
    IS("chat_template chat_template_path prompt_template template_name conversation_template", "template"),
    IS("system_prompt default_system default_system_prompt system_message", "system"),
    IS("train_on_inputs train_on_prompt train_on_input", "train_on", .convert = WHEN_TRUE, .value = "all",
       .otherwise = "assistant"),
    IS("assistant_only_loss completion_only_loss completions_only train_on_responses_only "
       "train_on_completions_only "
       "mask_prompt mask_inputs only_train_on_responses",
       "train_on", .convert = WHEN_TRUE, .value = "assistant", .otherwise = "all"),
    IS("mask_history last_turn_only", "train_on", .convert = WHEN_TRUE, .value = "last_assistant",
       .otherwise = "assistant"),
    NOTHING("roles_to_train train_on_eos train_on_eot message_field_training",
            "train_on says whose tokens are trained; the end of an answer always with it"),
    NOTHING("packing sample_packing neat_packing packed packing_strategy eval_packing eval_sample_packing "
            "multipack "
            "padding padding_free padding_side pad_to_sequence_len pad_to_max_length pad_to_multiple_of "
            "group_by_length length_column_name train_sampling_strategy dataset_packed",
            "batches have no padding here, so that there is nothing to pack or to group: leave it out"),
    IS("dataset_text_field text_column text_field dataset_text_column field_messages messages_column "
       "message_field_role message_field_content message_property_mappings column_mapping prompt_field "
       "completion_field instruction_column input_column output_column response_column",
       "columns", .words = "the format is found from a row's keys; docs/data.md lists the formats"),
    IS("role_mapping roles_mapping", "roles", .words = "docs/data.md lists the roles"),
    NOTHING("dataset_type data_format dataset_format ds_type",
            "the format is found from the rows; FILE:format in train forces one"),
    NOTHING("split train_split test_split eval_split dataset_split dataset_config_name dataset_config",
            "files are read whole; FILE*0.25 in train takes a quarter of one"),
    NOTHING("max_samples max_train_samples max_eval_samples num_samples val_batches eval_iters max_examples",
            "FILE*0.25 in train takes a quarter of a file"),
    IS("shuffle_dataset shuffle_data data_shuffle shuffle_merged_datasets", "shuffle"),
    IS("disable_shuffling no_shuffle", "shuffle", .convert = WHEN_TRUE, .value = "false",
       .otherwise = "true"),
    IS("truncation truncate truncation_mode excess_length_strategy long_sequences", "overlong"),
    IS("drop_long_sequences", "overlong", .convert = WHEN_TRUE, .value = "drop", .otherwise = "truncate"),
    IS("deduplicate deduplication dedup drop_duplicates dataset_exact_deduplication", "dedupe",
       .convert = WHEN_TRUE, .value = "exact", .otherwise = "none"),
    NOTHING("threads n_threads num_threads threads_batch n_jobs num_workers dataset_num_proc num_proc "
            "preprocessing_num_workers dataset_processes dataloader_*",
            "all cores are used; the environment sets another number: OMP_NUM_THREADS=4 sft train ..."),
    NOTHING("streaming lazy_preprocess overwrite_cache dataset_prepared_path tokenized_path "
            "preprocessing_batch_size "
            "skip_prepare_dataset dataset_kwargs remove_unused_columns shared_prefix",
            "data are tokenized once, cached and mapped without being asked: leave it out"),
    NOTHING(
        "special_tokens add_special_tokens additional_special_tokens eos_token pad_token bos_token unk_token "
        "resize_vocab resize_token_embeddings",
        "the template's control tokens are added where the base lacks them: leave it out"),

    /* ---- steps ---- */
    IS("per_device_train_batch_size per_gpu_train_batch_size train_batch_size micro_batch_size "
       "global_batch_size "
       "batch_size_training device_batch_size batch bsz n_batch",
       "batch_size", .words = "conversations an optimizer step"),
    IS("ubatch ubatch_size n_ubatch", "micro_batch_tokens"),
    NOTHING("gradient_accumulation_steps gradient_accumulation grad_accumulation_steps grad_accum grad_acc "
            "accumulate_grad_batches iters_to_accumulate average_tokens_across_devices",
            "there is none here: batch_size counts the conversations of an optimizer step, "
            "micro_batch_tokens bounds "
            "memory"),
    NOTHING("per_device_eval_batch_size per_gpu_eval_batch_size eval_batch_size eval_accumulation_steps",
            "micro_batch_tokens cuts evaluation too: leave it out"),
    NOTHING("auto_find_batch_size", "micro_batch_tokens bounds memory, whatever batch_size is"),
    IS("num_epochs num_epoch epochs epoch n_epochs max_epochs nb_epochs train_epochs", "num_train_epochs"),
    IS("max_iters iters num_iterations num_steps train_steps total_steps max_train_steps num_train_steps "
       "train_iters "
       "num_training_steps adam_iter",
       "max_steps"),
    IS("lr alpha adam_alpha peak_lr max_lr base_lr initial_lr", "learning_rate"),
    NOTHING("learning_rate_multiplier", "learning_rate is the rate itself"),
    IS("lr_scheduler scheduler scheduler_type lr_schedule lr_scheduler_name lr_decay_style schedule",
       "lr_scheduler_type"),
    NOTHING("lr_scheduler_kwargs cosine_min_lr_ratio cosine_constant_lr_ratio min_lr lr_min lr_min_rate "
            "min_lr_ratio "
            "lr_end lr_decay_iters decay_epochs decay_lr lr_decay",
            "the rate falls to 0 at the last step; lr_scheduler_type = constant keeps it"),
    IS("warmup_ratio warmup_fraction warmup_share warmup_proportion", "warmup_steps",
       .words = "below 1: a share of all steps"),
    IS("warmup warmup_iters num_warmup_steps lr_warmup_steps lr_warmup_iters", "warmup_steps"),
    IS("wd decay adam_decay weight_decay_rate adamw_weight_decay", "weight_decay"),
    IS("beta1 adam_b1", "adam_beta1"),
    IS("beta2 adam_b2", "adam_beta2"),
    NOTHING("betas adam_betas optim_args optimizer_args optimizer_config",
            "adam_beta1, adam_beta2 and adam_epsilon"),
    IS("eps adam_eps epsilon optimizer_eps", "adam_epsilon"),
    IS("max_norm grad_clip grad_clip_norm clip_grad clip_grad_norm gradient_clip gradient_clipping "
       "gradient_clip_val "
       "max_gradient_norm",
       "max_grad_norm"),
    IS("random_seed rng_seed random_state manual_seed data_seed", "seed",
       .words = "of data order and new weights"),
    IS("optimizer optimizer_name optimizer_type opt opt_type", "optim"),
    IS("use_8bit_adam use_8bit_optimizer", "optim", .convert = WHEN_TRUE, .value = "adamw_8bit", .otherwise = "adamw"),
    NOTHING("adafactor optim_*", "the optimizer is AdamW, as optim and the keys with adam_ say"),
    IS("use_gradient_checkpointing grad_checkpoint activation_checkpointing enable_activation_checkpointing "
       "gradient_checkpoint",
       "gradient_checkpointing"),
    NOTHING("gradient_checkpointing_kwargs", "gradient_checkpointing = true is all there is to say"),

    /* ---- what is learned ---- */
    IS("stage rl training_type rlhf_type", "objective"),
    NOTHING("task_type", "objective = sft or dpo says what is learned"),
    IS("dpo_beta pref_beta", "beta"),
    IS("dpo_loss pref_loss dpo_loss_type", "loss_type"),
    IS("dpo_label_smoothing", "label_smoothing"),
    IS("rpo_alpha pref_ftx dpo_ftx sft_loss_weight", "sft_weight",
       .words = "the chosen answers' own loss, times this, is added"),
    NOTHING("ref_model ref_model_* sync_ref_model precompute_ref_* force_use_ref_model ref_adapter_name model_adapter_name",
            "the reference is the model that the run begins with, an adapter left off, and its log-probabilities are "
            "computed once: leave it out"),
    NOTHING("dpo_* pref_* loss_weights f_divergence_type simpo_gamma cpo_alpha desirable_weight undesirable_weight "
            "use_weighting ld_alpha discopop_tau",
            "not in this version: of preferences there is DPO, as [dpo] says"),

    /* ---- the rest of [train] ---- */
    IS("refusal_prompts eval_prompts", "prompts"),

    /* ---- arithmetic and machines ---- */
    IS("bf16 bfloat16", "precision", .convert = WHEN_TRUE, .value = "bf16", .otherwise = "fp32"),
    IS("dtype torch_dtype mixed_precision amp compute_dtype", "precision"),
    NOTHING(
        "fp16 float16 half fp16_* half_precision_backend",
        "there is no fp16 here: precision = bf16 has 16 bits too, precision = auto takes what is fastest"),
    NOTHING("tf32 bf16_full_eval", "a matter of GPUs: precision = auto, fp32 or bf16 is all there is here"),
    NOTHING("flash_attn flash_attention flash_attention_2 use_flash_attn use_flash_attention_2 "
            "attn_implementation "
            "attn_impl xformers_attention sdp_attention use_liger_kernel liger_kernel torch_compile "
            "torch_compile_* "
            "compile use_unsloth use_kernels jit_mode_eval",
            "attention and products are sft's own: leave it out"),
    NOTHING("deepspeed deepspeed_* fsdp fsdp_* ddp_* local_rank num_gpus n_gpu gpus gpu_ids devices device "
            "accelerator "
            "strategy world_size num_nodes nproc_per_node n_gpu_layers gpu_layers ngl tensor_parallel_size "
            "use_cpu "
            "no_cuda backend mlock mmap no_mmap",
            "one process on this machine's CPU: leave it out"),

    /* ---- files ---- */
    IS("out_dir output out output_path output_directory save_dir save_path results_dir run_dir "
       "checkpoint_out model_out",
       "output_dir"),
    NOTHING("overwrite_output_dir",
            "sft train continues what output_dir holds; sft train --fresh starts beside it"),
    NOTHING(
        "resume resume_from_checkpoint auto_resume_from_checkpoints ignore_data_skip checkpoint_in restart",
        "the same command continues from the newest checkpoint in output_dir: leave it out"),
    IS("save_every save_interval save_freq save_every_n_steps steps_per_save checkpoint_interval "
       "checkpoint_every "
       "ckpt_interval",
       "save_steps"),
    NOTHING("save_strategy saves_per_epoch save_at_end always_save_checkpoint",
            "save_steps = 0 saves at each epoch's end and every save_interval_s seconds, N every N steps; "
            "the last step "
            "is always saved"),
    IS("max_checkpoints max_to_keep keep_last_n keep_checkpoint_max checkpoints_total_limit",
       "save_total_limit"),
    NOTHING(
        "save_only_model save_safetensors save_on_each_node save_optimizer",
        "checkpoints are safetensors with all that resuming needs; sft export leaves the training state out"),
    NOTHING("push_to_hub hub_*",
            "sft uploads nothing; output_dir/last is a Hugging Face directory for hf upload"),

    /* ---- evaluating and logging ---- */
    IS("eval_every eval_interval eval_frequency steps_per_eval evaluation_interval val_interval "
       "val_check_interval",
       "eval_steps"),
    NOTHING(
        "eval_strategy evaluation_strategy do_eval evals_per_epoch eval_on_start eval_delay eval_at_start "
        "run_validation",
        "with eval or eval_fraction set, it is evaluated at the start, every eval_steps (0: each epoch's "
        "end) and "
        "at the end"),
    NOTHING("do_train do_predict eval_only train_only test", "sft train trains, sft eval scores a model"),
    NOTHING("load_best_model_at_end",
            "output_dir/best is the best checkpoint wherever there is eval data: leave it out"),
    NOTHING("greater_is_better", "metric_for_best_model knows which way is better: leave it out"),
    IS("patience early_stopping early_stopping_rounds early_stop_patience", "early_stopping_patience"),
    NOTHING("early_stopping_threshold loss_watchdog_*", "there is none here"),
    IS("log_every log_interval log_freq log_every_n_steps logging_interval steps_per_report",
       "logging_steps"),
    NOTHING("logging_strategy logging_first_step log_level log_level_replica disable_tqdm",
            "logging_steps says how often a line is written: leave it out"),
    NOTHING(
        "report_to logging_dir log_dir run_name logger use_wandb use_tensorboard tensorboard tensorboard_dir "
        "use_swanlab plot_loss wandb_* mlflow_* comet_* swanlab_* trackio_* tensorboard_*",
        "metrics go to output_dir/metrics.jsonl, an object a line: leave it out"),
};

/* ---- values ---- */

/* The value as it would be written here into out, or nothing where that is not known. */
static void convert_value(const struct foreign *f, const struct field *field, const char *value,
                          struct strbuf *out)
{
    union field_value scratch;
    struct arena arena = {0};
    bool truth;
    if (f->convert == COPY) {
        if (value_cut_comment(field, value, NULL, out, NULL))
            strbuf_clear(out);
    } else if (f->convert == PERCENT) {
        char *end;
        const double percent = strtod(value, &end);
        if (end > value && (!*end || strcmp(end, "%") == 0) && isfinite(percent))
            strbuf_double(out, percent / 100);
    } else if (field_parse_bool(value, &truth)) {
        strbuf_puts(out, truth ? f->value : f->otherwise);
    }
    if (out->len == 0)
        return;
    if (field_set(field, &scratch, &arena, out->data, NULL, NULL))
        strbuf_clear(out);
    arena_free(&arena);
}

bool foreign_key(const char *section, const char *key, const char *value, struct strbuf *out,
                 const struct field **field)
{
    const struct foreign *f = NULL;
    for (size_t i = 0; i < sizeof keys / sizeof *keys && !f; i++)
        if ((!keys[i].section || strcmp(keys[i].section, section) == 0) && foreign_is_among(keys[i].names, key))
            f = &keys[i];
    *field = f && f->key ? settings_find(f->key) : NULL;
    if (!f)
        return false;
    if (!*field) {
        strbuf_puts(out, f->words);
        return true;
    }
    struct strbuf ours = {0};
    convert_value(f, *field, value, &ours);
    strbuf_printf(out, "here it is %s", (*field)->key);
    if (ours.len)
        strbuf_printf(out, " = %s", ours.data);
    if (strcmp(section, (*field)->section) != 0)
        strbuf_printf(out, " in [%s]", (*field)->section);
    if (f->words)
        strbuf_printf(out, " (%s)", f->words);
    strbuf_free(&ours);
    return true;
}

/* ---- sections ---- */

bool foreign_section(const char *name, const char **ours, const char **words)
{
    static const struct {
        const char *names, *ours, *words;
    } sections[] = {
        {"training trainer train_args training_args training_arguments optimizer optim optimization "
         "scheduler "
         "hyperparameters checkpoint checkpoints",
         "train", NULL},
        {"dataset datasets corpus template", "data", NULL},
        {"base base_model models", "model", NULL},
        {"evaluation", "eval", "eval files are in [data], eval_steps and the like in [train]"},
        {"qlora", NULL, "here it is [lora], with weights = int8 in [model] for a base in 8 bits a weight"},
        {"peft adapter peft_config lora_config lora_parameters lora_args adapters", "lora", NULL},
        {"preferences preference dpo_config dpo_args pref", "dpo", NULL},
        {"orpo kto grpo rlhf reward simpo cpo", NULL, "not in this version: objective = dpo learns from preferences"},
        {"wandb logging mlflow tensorboard", NULL, "metrics go to output_dir/metrics.jsonl: leave it out"},
        {"endpoint recipe budget filter", NULL, "this is a recipe: sft synth makes conversations of it"},
        {"default", NULL, "keys belong to a section of their own: [model], [data], [train] or [eval]"},
    };
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++)
        if (foreign_is_among(sections[i].names, name)) {
            *ours = sections[i].ours;
            *words = sections[i].words;
            return true;
        }
    return false;
}
