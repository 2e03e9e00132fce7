/* The options of the rooms below, as the settings say them: they know no settings. Strings stay the settings'. */
#ifndef SFT_TRAIN_OPTIONS_H
#define SFT_TRAIN_OPTIONS_H

#include "config/settings.h"
#include "data/batching.h"
#include "text/template.h"
#include "train/adamw.h"
#include "train/dpo_loss.h"
#include "train/order.h"
#include "train/schedule.h"

struct template_options template_options_of(const struct settings *settings);

/* max_length: the effective one, which the model bounds too. */
struct dataset_options dataset_options_of(const struct settings *settings, size_t max_length);

struct batch_options batch_options_of(const struct settings *settings);
struct dpo_options dpo_options_of(const struct settings *settings);
struct order_options order_options_of(const struct settings *settings);
struct schedule_options schedule_options_of(const struct settings *settings);
struct adamw_options adamw_options_of(const struct settings *settings);

#endif
