"""The study: trials that outlive the processes that make them, none lost and none doubled.

Taking a trial and giving one back that a dead worker held happen one worker at a time (`leases`). A
trial whose worker is dead is marked as such, and its settings are tried again as a new trial; those
that are killed again and again have failed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from assay.errors import InputError
from assay.provenance import masked
from assay.tuning.leases import FileLeases, Leases, PostgresLeases, making_tables

if TYPE_CHECKING:
    import optuna
    from optuna.trial import FrozenTrial

Direction = Literal["minimize", "maximize"]
ABOUT = "assay"
"""Attribute of a study: what it is about, which nobody may go on with otherwise."""
WORKER = "worker"
STALE = "stale"
RETRY_OF = "retry of"
REASON = "reason"
SETTINGS = "settings"
"""Of a trial: what is tried, once all of it has been asked for; before, nothing was tried."""
MOST_TRIES = 3
"""How often settings are tried whose workers are killed: it may be they that end them."""
KILLED = f"its worker was killed each of {MOST_TRIES} times: most likely memory ran out"
_JOURNAL = "journal.log"
_FIXED = "fixed_params"  # where Optuna keeps what a trial that waits shall try


@dataclass(frozen=True)
class StudyPlace:
    """Where a study is kept; pickles, so that workers find it.

    Attributes:
        name: Of the study.
        folder: Where its files are: the journal, unless there is a database, and predictions.
        url: Of a PostgreSQL database; None for a journal in the folder.
    """

    name: str
    folder: Path
    url: str | None = None

    @property
    def is_begun(self) -> bool:
        """Whether its folder has a journal."""
        return (self.folder / _JOURNAL).is_file()

    def leases(self) -> Leases:
        """Who works on it.

        Raises:
            InputError: The database cannot be reached.
        """
        if self.url is None:
            return FileLeases(self.folder / "workers")
        with _reached():
            return PostgresLeases(driver(self.url), self.name)

    def storage(self) -> optuna.storages.BaseStorage:
        """Optuna's storage.

        Raises:
            InputError: The database cannot be reached.
        """
        from assay.tuning.journal import journal

        if self.url is None:
            return journal(self.folder / _JOURNAL)
        from optuna.storages import RDBStorage

        with _reached(), making_tables(driver(self.url)):
            return RDBStorage(driver(self.url), engine_kwargs={"pool_pre_ping": True})


class Study:
    """The trials of one search.

    Args:
        place: Where it is kept.
        directions: 'minimize' or 'maximize' for each objective.
        about: What it is about: data, space, objectives; compared when it is gone on with.
        sampler: Makes Optuna's sampler of the n-th trial that counts, so that what it tries depends
            on those before it and on nothing else.
        pruner: Optuna's pruner.

    Raises:
        InputError: A study of this name is about something else.
    """

    def __init__(
        self,
        place: StudyPlace,
        directions: Sequence[Direction],
        about: Mapping[str, str],
        sampler: Any,
        pruner: Any,
    ) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.place = place
        self._sampler = sampler
        self._worker: str | None = None
        self._leases = place.leases()
        self._storage = place.storage()
        with self._leases.alone():
            self.optuna = optuna.create_study(
                study_name=place.name,
                storage=self._storage,
                directions=list(directions),
                pruner=pruner,
                load_if_exists=True,
            )
            known = self.optuna.user_attrs.get(ABOUT)
            if known is None:
                self.optuna.set_user_attr(ABOUT, dict(about))
        if known not in (None, dict(about)):
            self.close()
            where = "tuning.storage" if place.url else str(place.folder)
            raise of_something_else(place.name, where, known, about)

    def claim(self, most: int | None) -> optuna.Trial | None:
        """The next trial, for this worker alone; None if there are enough.

        Args:
            most: How many trials there are to be; None for no limit.
        """
        worker = self.worker
        with self._leases.alone():
            self._give_back()
            number = len(self.counted)
            if most is not None and number >= most:
                return None
            self.optuna.sampler = self._sampler(number)
            trial = self.optuna.ask()
            trial.set_user_attr(WORKER, worker)
            return trial

    @property
    def worker(self) -> str:
        """The name by which this process is known to be alive; it is from now on."""
        if self._worker is None:
            self._worker = self._leases.worker()
        return self._worker

    def is_alive(self, worker: str) -> bool:
        """Whether a worker still lives, or is this process."""
        return worker == self._worker or self._leases.is_alive(worker)

    @property
    def counted(self) -> list[FrozenTrial]:
        """The trials that count: under way or ended, but for those whose worker died."""
        from optuna.trial import TrialState

        return [
            each
            for each in self.optuna.get_trials(deepcopy=False)
            if each.state is not TrialState.WAITING and STALE not in each.user_attrs
        ]

    @property
    def ended(self) -> list[FrozenTrial]:
        """Those that came to an end: complete, pruned or failed."""
        return [each for each in self.counted if each.state.is_finished()]

    @property
    def complete(self) -> list[FrozenTrial]:
        """Those that have a score."""
        from optuna.trial import TrialState

        return [each for each in self.counted if each.state is TrialState.COMPLETE]

    def give_back(self) -> None:
        """Have trials whose worker is dead tried again."""
        with self._leases.alone():
            self._give_back()

    def close(self) -> None:
        """Stop to work on it."""
        from optuna.storages import RDBStorage

        self._leases.close()
        if isinstance(self._storage, RDBStorage):
            self._storage.engine.dispose()
        self._worker = None

    def _give_back(self) -> None:
        """As `give_back`; nobody else takes or gives back a trial meanwhile.

        The new trial is there before the old one is marked, and says of which it is one, so that a
        kill in between doubles nothing.
        """
        from optuna.trial import TrialState

        trials = self.optuna.get_trials(deepcopy=False)
        retried = {each.user_attrs.get(RETRY_OF) for each in trials}
        for trial in trials:
            worker = trial.user_attrs.get(WORKER)
            if trial.state is not TrialState.RUNNING:
                continue
            if worker is not None and self.is_alive(worker):
                continue
            if _tries(trial, trials) >= MOST_TRIES:
                self._mark(trial, REASON, KILLED)
                continue
            if trial.number not in retried and {SETTINGS, RETRY_OF} & {*trial.user_attrs}:
                self.optuna.add_trial(_again(trial))
            self._mark(trial, STALE, "its worker is gone")

    def _mark(self, trial: FrozenTrial, name: str, why: str) -> None:
        """A trial whose worker is dead has failed."""
        from optuna.trial import TrialState

        self.optuna._storage.set_trial_user_attr(trial._trial_id, name, why)
        self.optuna.tell(trial.number, state=TrialState.FAIL)


def _tries(trial: FrozenTrial, trials: Sequence[FrozenTrial]) -> int:
    """How often the settings of a trial have been tried, this time included."""
    tries = 1
    while (before := trial.user_attrs.get(RETRY_OF)) is not None:
        trial, tries = trials[before], tries + 1
    return tries


def _again(trial: FrozenTrial) -> FrozenTrial:
    """A trial that waits, of the same settings; one that is such may have asked for none yet."""
    from optuna.trial import TrialState, create_trial

    settings = trial.system_attrs.get(_FIXED, trial.params)
    return create_trial(
        state=TrialState.WAITING,
        system_attrs={_FIXED: dict(settings)},
        user_attrs={RETRY_OF: trial.number},
    )


@contextmanager
def _reached() -> Iterator[None]:
    """Within it a database that cannot be reached is refused in words.

    Raises:
        InputError: It cannot be reached.
    """
    from sqlalchemy.exc import OperationalError

    try:
        yield
    except OperationalError as error:
        raise InputError(
            "The database of the study cannot be reached.",
            where=masked(str(error.orig)).strip().splitlines()[0],
            mend="start it, or mend tuning.storage",
        ) from None


def driver(url: str) -> str:
    """The address with the driver that we have."""
    return url.replace("postgresql://", "postgresql+psycopg://", 1)


def of_something_else(
    name: str, where: str, known: Mapping[str, str], about: Mapping[str, str]
) -> InputError:
    """The refusal to go on with a search that was about something else.

    Args:
        name: Of the study.
        where: Where it is.
        known: What it was about.
        about: What is asked for.
    """
    differs = [each for each in about if known.get(each) != about[each]]
    return InputError(
        f"The study {name} searched something else: its {' and '.join(differs)} "
        f"{'is' if len(differs) == 1 else 'are'} not the same.",
        where=where,
        mend="begin another: assay tune EXPERIMENT --study OTHER_NAME; or set them as they were",
    )
