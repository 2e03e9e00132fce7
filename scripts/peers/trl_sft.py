#!/usr/bin/env python3
"""TRL's SFTTrainer, training on assistant messages alone, on the same base, conversations and template as sft.

usage: trl_sft.py BASE DATA.jsonl STEPS fp32|bf16 sequential|group_by_length whole|lora SCRATCH RESULT.json

sequential: batches are padded to their longest conversation, and taken in the file's order, as sft takes them.
group_by_length: conversations of like length together, so little padding; the longest come first.
lora: an adapter of rank 16 on all linear layers but the head, by PEFT. (The rows of the new control tokens stay as they
are: with a head tied to the embedding this version of TRL fails where trainable_token_indices asks for them. sft trains
them.)
Activation checkpointing, which TRL turns on by default, is off: it saves memory and costs time.
"""
import sys

from datasets import Dataset
from peft import LoraConfig
from transformers import TrainerCallback
from trl import SFTConfig, SFTTrainer

from common import (BATCH_SIZE, LEARNING_RATE, MAX_LENGTH, WEIGHT_DECAY, StepRecord, load_model, load_tokenizer,
                    read_conversations, use_all_cores)


class Recorder(TrainerCallback):
    """TRL logs its count of real tokens (padding left out) right after each step's end."""

    def __init__(self):
        self.steps, self.counted = StepRecord(), 0

    def on_log(self, args, state, control, logs=None, **kwargs):
        if logs and "num_tokens" in logs and len(self.steps.ends) < state.global_step:
            self.steps.end_step(int(logs["num_tokens"]) - self.counted)
            self.counted = int(logs["num_tokens"])


def main(base, data, steps, precision, sampling, trained, scratch, result):
    use_all_cores()
    tokenizer = load_tokenizer(base)
    settings = SFTConfig(
        output_dir=scratch, max_steps=int(steps), per_device_train_batch_size=BATCH_SIZE, max_length=MAX_LENGTH,
        learning_rate=LEARNING_RATE, weight_decay=WEIGHT_DECAY, assistant_only_loss=True,
        train_sampling_strategy=sampling, bf16=precision == "bf16", use_cpu=True, activation_checkpointing=False,
        dataloader_pin_memory=False, logging_steps=1, save_strategy="no", report_to=[], disable_tqdm=True)
    adapter = LoraConfig(r=16, lora_alpha=32, lora_dropout=0.0, target_modules="all-linear", task_type="CAUSAL_LM")
    recorder = Recorder()
    trainer = SFTTrainer(model=load_model(base, tokenizer), args=settings, processing_class=tokenizer,
                         train_dataset=Dataset.from_list(read_conversations(data)), callbacks=[recorder],
                         peft_config=adapter if trained == "lora" else None)
    trainer.train()
    recorder.steps.write(result)


if __name__ == "__main__":
    if len(sys.argv) != 9:
        sys.exit(__doc__)
    main(*sys.argv[1:])
