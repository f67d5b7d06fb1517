"""How a network is trained: everything that may be set, with the defaults of the field."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

TRAINER_NAMES = {
    "num_train_epochs": "epochs",
    "max_steps": "steps",
    "per_device_train_batch_size": "batch_size",
    "gradient_accumulation_steps": "accumulate",
    "optim": "optimizer",
    "adam_beta1": "betas",
    "adam_beta2": "betas",
    "adam_epsilon": "eps",
    "lr_scheduler_type": "schedule",
    "warmup_ratio": "warmup",
    "warmup_steps": "warmup",
    "max_grad_norm": "clip",
    "label_smoothing_factor": "label_smoothing",
    "bf16": "precision",
    "fp16": "precision",
    "gradient_checkpointing": "recompute",
    "activation_checkpointing": "recompute",
    "torch_compile": "compile",
    "eval_steps": "evaluate_steps",
    "logging_steps": "log_every",
    "save_total_limit": "keep",
    "dataloader_num_workers": "loader_workers",
    "early_stopping_patience": "patience",
}
"""What Hugging Face's TrainingArguments calls these settings."""

Share = Annotated[float, Field(ge=0, lt=1)]
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]


class Phase(BaseModel):
    """A stretch of training in which a part of the network moves."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    epochs: Count = Field(description="How long it takes.")
    layers: int | Literal["all"] = Field(
        description="Top-level blocks that move, counted from the output; all of them with 'all'."
    )
    learning_rate: Positive | None = Field(
        None, description="Peak rate of the output's block; as in training when absent."
    )
    layer_decay: float = Field(
        1.0, gt=0, le=1, description="What the rate is multiplied by for each block further down."
    )


class LoopSettings(BaseModel):
    """How a network is trained."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    epochs: Count = Field(20, description="Passes over the training rows.")
    steps: Count | None = Field(None, description="Optimizer steps at most, instead of epochs.")
    batch_size: Count = Field(128, description="Rows in a micro-batch.")
    accumulate: Count = Field(
        1, description="Micro-batches in one optimizer step, which equals that of the large batch."
    )
    optimizer: Literal["adamw", "sgd"] = Field("adamw", description="adamw or sgd.")
    learning_rate: Positive = Field(1e-3, description="Peak learning rate.")
    reference_batch: Count | None = Field(
        None,
        description="The batch that the rate is meant for: the rate grows in proportion with "
        "batch_size * accumulate (linear scaling rule).",
    )
    weight_decay: float = Field(
        0.01,
        ge=0,
        description="Decay of weights, never of biases and norms; AdamW's is decoupled, SGD's a "
        "part of the gradient.",
    )
    betas: tuple[Share, Share] = Field((0.9, 0.999), description="AdamW's averaging.")
    eps: Positive = Field(1e-8, description="AdamW's guard against division by nothing.")
    momentum: Share = Field(0.9, description="SGD's momentum.")
    nesterov: bool = Field(True, description="Whether SGD looks ahead.")
    layer_decay: float = Field(
        1.0, gt=0, le=1, description="What the rate is multiplied by for each block further down."
    )
    schedule: Literal["cosine", "linear", "step", "one-cycle", "constant"] = Field(
        "cosine", description="How the rate goes down after the warm-up."
    )
    warmup: Share | None = Field(
        None,
        description="Share of the optimizer steps in which the rate rises; by default 0.05, and "
        "0.3 with one-cycle.",
    )
    final_rate: float = Field(1e-6, ge=0, description="Where cosine, linear and one-cycle end.")
    drops: tuple[Share, ...] = Field(
        (0.5, 0.75), description="With schedule: step, when the rate drops, in shares of all steps."
    )
    drop_factor: Share = Field(0.1, description="With schedule: step, what it is multiplied by.")
    clip: Positive | None = Field(1.0, description="Largest norm of the gradient; null for none.")
    loss: Literal["auto", "cross-entropy", "mse", "l1", "huber"] = Field(
        "auto",
        description="cross-entropy for classes, and for each label by itself; mse, l1 or huber for "
        "values; auto: by task.",
    )
    label_smoothing: Share = Field(
        0.0,
        description="0.1 may raise accuracy; 0 keeps probabilities what they say, which is the "
        "default because calibration and thresholds live on them.",
    )
    class_weight: Literal["balanced"] | None = Field(
        None,
        description="balanced: classes count the same, however rare; so do yes and no of a label.",
    )
    averaging: Share = Field(
        0.0,
        description="Decay of the moving average of weights that is evaluated and kept; 0: off.",
    )
    phases: tuple[Phase, ...] = Field(
        (), description="Progressive unfreezing; the last phase goes on to the end."
    )
    patience: Count | None = Field(
        5, description="Evaluations without improvement after which to stop; null: never early."
    )
    min_improvement: float = Field(0.0, ge=0, description="What counts as improvement.")
    evaluate_every: Count = Field(1, description="Epochs between evaluations.")
    evaluate_steps: Count | None = Field(
        None, description="Optimizer steps between evaluations, instead of epochs."
    )
    log_every: Count = Field(50, description="Optimizer steps between two readings of the metrics.")
    precision: Literal["auto", "fp32", "bf16", "fp16"] = Field(
        "auto", description="Of forward and backward; auto: what was measured to help here."
    )
    compile: bool = Field(False, description="Whether torch.compile is used.")
    channels_last: Literal["auto"] | bool = Field(
        "auto", description="Memory format of images; auto: what was measured to help here."
    )
    recompute: bool = Field(
        False, description="Activation checkpointing: less memory, about a third more computing."
    )
    threads: Literal["auto"] | Count = Field(
        "auto", description="Numerical threads; auto: what was measured to help here."
    )
    loader_workers: Literal["auto"] | Annotated[int, Field(ge=0)] = Field(
        "auto", description="Processes that read batches ahead; none for what is in memory."
    )
    checkpoint_minutes: Positive = Field(
        10.0, description="Minutes between checkpoints, besides one at the end of each epoch."
    )
    keep: Count = Field(2, description="Checkpoints that are kept, besides the best.")
    rollbacks: int = Field(
        2, ge=0, description="Returns to the last good checkpoint before training gives up."
    )
    bad_steps: Count = Field(
        5, description="Steps in a row with NaN or infinity that lead to a return."
    )

    @property
    def step_rows(self) -> int:
        """Rows in the large batch that an optimizer step equals."""
        return self.batch_size * self.accumulate
