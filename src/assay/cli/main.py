"""The command `assay`: finds the verb, imports only what that verb needs, turns errors into exits.

Exit status: 0 done; 1 a blocking finding, or better was required and is not, or a run done again is
not the same, or gates refuse; 2 bad input; 70 a bug in Assay; 130 stopped by Ctrl-C; 143 ended.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any, NoReturn

import click

from assay.cli.ending import Terminated, end_when_asked

_VERBS = {
    "init": ("start", "Write a first experiment file for a table."),
    "check": ("checking", "Look for known mistakes in an experiment, tables, a run or code."),
    "train": ("training", "Train a model as an experiment file says."),
    "tune": ("tuning", "Search for better settings, and train the best."),
    "evaluate": ("judging", "Show what a run is worth; --on test opens the sealed rows."),
    "compare": ("comparing", "Say whether runs are better than a first one, by more than noise."),
    "ablate": ("ablating", "Change one thing at a time and say what each change does."),
    "runs": ("logbook", "List the runs, rank them, or show what sets them apart."),
    "show": ("logbook", "Show everything that is known of a run."),
    "note": ("logbook", "Write something down about a run."),
    "ui": ("logbook", "Show runs and reports in MLflow's pages, on this machine only."),
    "sync": ("sending", "Send what earlier processes recorded and could not send."),
    "report": ("judging", "Write the page of a run again, its model card or its mistakes."),
    "register": ("serving", "Keep the model of a run under a name."),
    "models": ("releasing", "List the registered models, or tell the history of one."),
    "promote": ("promoting", "Move a registered version to a stage if every gate passes."),
    "rollback": ("releasing", "Give a stage back to the version that held it before."),
    "archive": ("releasing", "Put a version away, so that it can be in no stage."),
    "unregister": ("releasing", "Delete a version that is not in use."),
    "predict": ("serving", "Predict a table with a model."),
    "serve": ("serve", "Answer requests with a model over HTTP."),
    "traffic": ("traffic", "Show how models stand that share the traffic of a name."),
    "monitor": ("monitoring", "Hold what a served model was asked against its training."),
    "export": ("exporting", "Write a folder that serves a model anywhere, also as an image."),
    "reproduce": ("reproducing", "Train a run again and compare it bit for bit."),
    "lock": ("reproducing", "Write a folder that trains a run again anywhere."),
    "schema": ("start", "Print the JSON schema of the experiment file."),
}


class Verbs(click.Group):
    """A group that knows its verbs by name and imports one only when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(_VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _VERBS:
            from difflib import get_close_matches

            close = get_close_matches(cmd_name, _VERBS, n=1)
            hint = f"mend:  assay {close[0]}" if close else "mend:  assay --help"
            ctx.fail(f"there is no verb {cmd_name!r}.\n  {hint}")
        module = import_module(f"assay.cli.{_VERBS[cmd_name][0]}")
        command: click.Command = getattr(module, cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Verbs"):
            formatter.write_dl([(verb, text) for verb, (_, text) in _VERBS.items()])


@click.command(
    cls=Verbs,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="A first run: assay init DATA --target COLUMN, then assay train FILE.",
)
@click.version_option(package_name="assay-ml", prog_name="assay")
def cli() -> None:
    """Train models you can trust.

    Every number comes with its interval and its rows, known mistakes are looked for, and the test
    set stays sealed until you ask for it.
    """


def main() -> NoReturn:
    """Run the command line and leave with its exit status."""
    end_when_asked()
    warnings.showwarning = partial(_show_warning, warnings.showwarning)
    sys.exit(_status())


def _show_warning(
    usual: Callable[..., None], message: Warning | str, *arguments: Any, **named: Any
) -> None:
    """Ours are told in words, not with a line of code."""
    from assay.monitor import AssayWarning

    if isinstance(message, AssayWarning):
        click.secho(str(message), fg="yellow", err=True)
    else:
        usual(message, *arguments, **named)


def _status() -> int:
    from assay.errors import AssayError

    try:
        result = cli.main(standalone_mode=False)
        return result if isinstance(result, int) else 0
    except click.exceptions.Exit as leaving:
        return leaving.exit_code
    except (KeyboardInterrupt, click.Abort) as stopped:
        click.echo("Stopped. What was done so far is kept: assay runs", err=True)
        _tell_notes(stopped)
        return 130
    except Terminated as stopped:
        click.echo("Terminated. What was done so far is kept: assay runs", err=True)
        _tell_notes(stopped)
        return 143
    except click.ClickException as error:
        error.show()
        return 2
    except AssayError as error:
        name = click.style(type(error).__name__, fg="red", bold=True)
        click.echo(f"{name}: {error}", err=True)
        _tell_notes(error)
        return 2
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except Exception as error:
        from assay.cli.bugs import told

        status, text = told(error)
        click.echo(text, err=True)
        _tell_notes(error)
        return status


def _tell_notes(error: BaseException) -> None:
    for each in (error, error.__cause__):  # click puts an Abort in the place of Ctrl-C
        for note in getattr(each, "__notes__", ()):
            click.echo(note, err=True)
